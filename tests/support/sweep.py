"""Ends whatever a test run left behind, when the run is gone: however it ended, even by ``kill -9``.

Everything that the run starts has its folder's name in the environment. This process waits for the end of the run on
its standard input, then kills, by id, the processes that still carry the name, and removes the folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path


def carriers(variable: str) -> list[int]:
    """Processes that were started with ``NAME=value`` in their environment, this one aside."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                if variable.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


if __name__ == "__main__":
    name, folder = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.read()
    for _ in range(2):  # whoever was starting somebody else just now
        for pid in carriers(f"{name}={folder}"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
