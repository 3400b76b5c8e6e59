"""Disturbs what running processes ask of the disk: ``strace`` attaches to them, and each such call fails or is late."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from proof import trace

#: Calls that make data durable; which of them SQLite uses is a matter of how it was built.
SYNCS = "fsync,fdatasync"
WRITES = "pwrite64,ftruncate"


def missing() -> str | None:
    """Why nothing can be disturbed here; None: it can."""
    if why := trace.missing():
        return why
    with subprocess.Popen(["sleep", "60"]) as somebody:
        try:
            with disturbed([somebody.pid], SYNCS, "error=EIO", Path("/nowhere")):
                return None
        except RuntimeError as error:
            return f"strace may not attach here: {error}"
        finally:
            somebody.kill()


@contextlib.contextmanager
def disturbed(pids: Iterable[int], calls: str, how: str, *files: Path) -> Iterator[None]:
    """While inside, these calls of the processes on these files go wrong.

    ``how`` is in strace's words: ``error=EIO``, ``delay_exit=200000`` (microseconds), each with ``:when=1`` for the
    first time only. Raises ``RuntimeError`` where strace may not attach.
    """
    wanted = list(pids)
    command = ["strace", "-f", "-o", "/dev/null", *(f"--attach={pid}" for pid in wanted)]
    command += [f"--trace-path={file}" for file in files] + ["-e", f"trace={calls}", "-e", f"inject={calls}:{how}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        try:
            for pid in wanted:
                line = strace.stderr.readline()
                if " attached" not in line:
                    raise RuntimeError(line.strip() or f"strace did not attach to {pid}")
            yield
        finally:
            strace.send_signal(signal.SIGINT)
            strace.stderr.read()
