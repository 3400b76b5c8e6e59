"""Lets a command end as by ``kill -9`` at a chosen statement of SQL, in the place of running it.

``arm`` counts what goes to the database: each statement of a cursor, BEGIN of SQLite among them, and each COMMIT. So
between any two of these one can die.
"""

from __future__ import annotations

import atexit
import itertools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

#: In the environment of a command: the number of the statement, from 1; 0: count them all, and say on stderr how many.
AT = "TESTS_KILL_AT"


def arm(at: int) -> None:
    """Die at the statement of this number, in whichever thread."""
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.backends.utils import CursorWrapper

    numbers = itertools.count(1)
    count = 0

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count = next(numbers)
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*args, **kwargs)

        return call

    for owner, name in ((CursorWrapper, "_execute"), (CursorWrapper, "_executemany"), (BaseDatabaseWrapper, "_commit")):
        setattr(owner, name, counted(getattr(owner, name)))
    if not at:
        atexit.register(lambda: sys.stderr.write(f"statements: {count}\n"))
