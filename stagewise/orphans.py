"""Nobody outlives the process that started them.

A killed master leaves its workers serving, and sharing the port with the next generation. So every child looks after
its parent: when another process has become its parent, it ends.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

#: How often a child looks, in seconds. A generation of three processes deep is gone within three seconds.
LOOK_S = 0.3
#: How long an orphan may take to end in order, in seconds; none for one whose own children watch it in turn.
GRACE_S = 1.5


def watch(parent: int | None = None, grace: float = GRACE_S) -> None:
    """Watch the parent of this process from a thread; call it once, early.

    ``parent`` is the process id that started us, where it is known: it may be gone before we come to look.
    """
    expected = _starter() if parent is None else parent
    threading.Thread(target=_watch, args=(expected, grace), name="orphan-watch", daemon=True).start()


def _starter() -> int:
    """Who started this process: as multiprocessing remembers it, since by now it may be gone."""
    started_by = multiprocessing.parent_process()
    return os.getppid() if started_by is None or started_by.pid is None else started_by.pid


def _watch(parent: int, grace: float) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    if grace:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace)
    os._exit(1)
