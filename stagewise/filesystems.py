"""What kind of file system a path lies on: SQLite's log needs shared memory, which networks do not give."""

from __future__ import annotations

import os
import re
from pathlib import Path

from stagewise.settings import Settings, SettingsError

#: Types in ``/proc/self/mountinfo`` on which locks or shared memory between machines do not work.
NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "ncpfs"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "beegfs", "gfs2"}
)

#: What goes with a container, or with the next restart.
FLEETING = frozenset({"overlay", "tmpfs", "ramfs"})


def kind_of(path: Path, mountinfo: str | None = None) -> str:
    """The type of the file system that the path (or its nearest existing parent) is on; "" where it is unknown.

    ``mountinfo`` is the kernel's table (proc_pid_mountinfo(5)); later mounts hide earlier ones at the same place.
    """
    if mountinfo is None:
        try:
            mountinfo = Path("/proc/self/mountinfo").read_text(errors="replace")
        except OSError:
            return ""
    wanted = os.path.realpath(path)
    found, kind = "", ""
    for line in mountinfo.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if not separator or len(fields) < 5:
            continue
        place = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4])
        if (wanted == place or wanted.startswith(place.rstrip("/") + "/")) and len(place) >= len(found):
            found, kind = place, after.split(" ")[0]
    return kind


def is_network(kind: str) -> bool:
    """Whether databases must not be kept on it."""
    return kind in NETWORK


def warning(kind: str) -> str:
    """What becomes of a database that is kept there; nothing ("") if it stays."""
    return f"{kind}: the database goes with the container or the next restart" if kind in FLEETING else ""


def refuse_network(chosen: Settings) -> str:
    """The type of file system that SQLite would lie on ("" for PostgreSQL); raises ``SettingsError`` on a network."""
    kind = "" if chosen.uses_postgres else kind_of(chosen.data_dir)
    if is_network(kind):
        raise SettingsError(refusal(chosen.data_dir, kind))
    return kind


def refusal(path: Path, kind: str) -> str:
    """Why SQLite cannot be kept there, and what to do."""
    return (
        f"{path} is on a network file system ({kind}), where SQLite loses data:"
        " set STAGEWISE_DATA_DIR to a local disk, or use PostgreSQL"
    )
