"""Where SQLite may live."""

from __future__ import annotations

from pathlib import Path

import pytest

from stagewise import filesystems

TABLE = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:35 / /srv rw - nfs4 server:/export rw
41 40 254:1 / /srv/local rw - xfs /dev/vdb rw
42 22 0:36 / /mnt/with\\040space rw - cifs //server/share rw
43 22 0:37 / /over rw - ext4 /dev/vdc rw
44 43 0:38 / /over rw - 9p host rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/stagewise", "ext4"),
        ("/srv/stagewise", "nfs4"),
        ("/srv", "nfs4"),
        ("/srv/local/stagewise", "xfs"),
        ("/srvlocal", "ext4"),
        ("/mnt/with space/stagewise", "cifs"),
        ("/over/stagewise", "9p"),
    ],
)
def test_the_innermost_and_latest_mount_counts(path: str, kind: str) -> None:
    assert filesystems.kind_of(Path(path), TABLE) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"])
def test_sqlite_is_refused_on_a_network(kind: str) -> None:
    assert filesystems.is_network(kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", ""])
def test_sqlite_is_welcome_on_this_machine(kind: str) -> None:
    assert not filesystems.is_network(kind)


@pytest.mark.parametrize("kind", ["overlay", "tmpfs", "ramfs"])
def test_what_goes_with_the_container_is_warned_of(kind: str) -> None:
    assert filesystems.warning(kind).startswith(f"{kind}: the database goes with the container")


@pytest.mark.parametrize("kind", ["ext4", "xfs", ""])
def test_a_lasting_disk_needs_no_warning(kind: str) -> None:
    assert filesystems.warning(kind) == ""


def test_an_unreadable_table_is_an_unknown_kind() -> None:
    assert filesystems.kind_of(Path("/"), "nonsense") == ""


def test_the_tests_run_on_something_known(tmp_path: Path) -> None:
    assert filesystems.kind_of(tmp_path)
