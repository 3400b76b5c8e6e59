"""What the processes of one test run share: a folder, and in it at most one PostgreSQL server.

pytest-xdist runs tests in several processes; whoever needs the server first starts it, under a lock. A process of its
own keeps it, so that it outlives the worker that asked, and ends with the run even if pytest is killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.postgres import Cluster

#: Environment variable with the folder of this run: set by the first pytest process, inherited by its workers.
FOLDER = "TESTS_FOLDER"
#: Folder → who cleans up after us; it notices our end by the end of its standard input.
_sweepers: dict[str, subprocess.Popen[bytes]] = {}
ROOT = Path(__file__).resolve().parent.parent.parent
#: A file system in memory, and how much must be free of it, in bytes, before a run may live there.
MEMORY, ENOUGH_MEMORY = Path("/dev/shm"), 4 * 1024**3


def open_folder(*, in_memory: bool = False) -> bool:
    """Make the folder of this run, and see to it that nothing survives it; false when we are a worker of a run.

    ``in_memory`` puts it where no write waits for a disk, if there is room. Whatever is killed, what it wrote stays
    as it would on a disk; only a power failure would tell the difference, and that is no test's subject.
    """
    if FOLDER in os.environ:
        return False
    made = tempfile.mkdtemp(prefix="stagewise-tests-", dir=MEMORY if in_memory and _memory_has_room() else None)
    Path(made).chmod(0o711)  # PostgreSQL runs as somebody else, in a folder of its own in it
    os.environ[FOLDER] = made
    (folder() / "owner").write_text(str(os.getpid()))
    _sweepers[made] = subprocess.Popen(
        [sys.executable, "-m", "tests.support.sweep", FOLDER, made],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    return True


def _memory_has_room() -> bool:
    """Not in most containers, where it is tiny; and programs must be allowed to run from it."""
    if not os.access(MEMORY, os.W_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return False
    [available] = (line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable:"))
    return min(shutil.disk_usage(MEMORY).free, int(available.split()[1]) * 1024) >= ENOUGH_MEMORY


def close_folder() -> None:
    """Stop the server, if there is one, and remove the folder."""
    with contextlib.suppress(FileNotFoundError):
        keeper = int((folder() / "keeper").read_text())
        with contextlib.suppress(ProcessLookupError):
            os.kill(keeper, signal.SIGTERM)
            while _is_running(keeper):
                time.sleep(0.02)
    _sweepers.pop(os.environ.pop(FOLDER)).communicate()


def folder() -> Path:
    """The folder of this run."""
    return Path(os.environ[FOLDER])


@contextlib.contextmanager
def only_one(name: str) -> Iterator[None]:
    """Let one process of the run at a time do the thing of this name."""
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cluster_url(database: str = "postgres") -> str:
    """The URL of a database in the run's PostgreSQL server, which is started on the first call."""
    known = folder() / "cluster"
    with only_one("cluster"):
        if not known.exists():
            _start_keeper(known)
        return known.read_text() + database


def _start_keeper(known: Path) -> None:
    with (folder() / "keeper.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.support.shared"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (folder() / "keeper").write_text(str(keeper.pid))
    while not known.exists():
        if keeper.poll() is not None:
            raise RuntimeError((folder() / "keeper.log").read_text())
        time.sleep(0.02)
    # It is not ours to wait for: close_folder() ends it.
    keeper.returncode = 0


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def keep() -> None:
    """Run PostgreSQL until we are told to stop or the test run is gone."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    owner = int((folder() / "owner").read_text())
    with Cluster() as cluster:
        unfinished = folder() / "cluster.part"
        unfinished.write_text(cluster.url(""))
        unfinished.rename(folder() / "cluster")
        while _is_running(owner) and not stop.wait(0.5):
            pass


if __name__ == "__main__":
    keep()
