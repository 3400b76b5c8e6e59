"""Where the figures are measured: the folder for the databases, and the machine in words."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.tools import ROOT
from tests.support import shared

_IN_MEMORY = {"tmpfs", "ramfs"}


def file_system(folder: Path) -> str:
    """The kind of file system that the folder is on, by the longest mount point that holds it."""
    found, longest = "unknown", -1
    for line in Path("/proc/mounts").read_text().splitlines():
        _device, mounted, kind = line.split()[:3]
        if Path(mounted) in (folder, *folder.parents) and len(mounted) > longest:
            found, longest = kind, len(mounted)
    return found


@contextlib.contextmanager
def run_folder() -> Iterator[Path]:
    """A folder for this run, with a PostgreSQL server in it once somebody asks for one; all gone afterwards.

    It is below the temporary folder, or below /var/tmp where that is memory and a sync would be free.
    """
    if file_system(Path(tempfile.gettempdir())) in _IN_MEMORY:
        os.environ["TMPDIR"] = tempfile.tempdir = "/var/tmp"
    shared.open_folder()
    try:
        yield shared.folder()
    finally:
        shared.close_folder()


def describe(folder: Path) -> dict[str, str]:
    """The machine in words: processor, cores, kernel, file system, what a sync costs, which code was run."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": models[0].partition(":")[2].strip() if models else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "file system": file_system(folder),
        "sync": f"{_sync_ms(folder):.2f} ms (fdatasync after 4 KiB, median of 100)",
        "code": _code(),
    }


def _sync_ms(folder: Path) -> float:
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(100):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return median(times)


def _code() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "not in git"
