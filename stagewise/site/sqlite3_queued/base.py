"""Django's SQLite backend, but its transactions queue with the lane's on the lock file.

SQLite itself lets a waiting writer poll; beside a busy lane a save in the console would starve. The kernel's queue of a
lock file is fair, so console, worker and lane take turns (stagewise/store/sqlite.py). Of each process only one thread
stands in that queue at a time: a lead waits behind a transaction of each, never behind thirty of the worker's.
"""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

from stagewise.store.sqlite import lock_file

#: Held by the thread of this process that is in the queue, or at its head.
_TURN = threading.Lock()


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose transactions hold the lock file from BEGIN to their end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._queue: int | None = None

    # The stubs leave out what these extend.
    def _start_transaction_under_autocommit(self) -> None:
        try:
            self._enter_queue()
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._leave_queue()
            raise

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        finally:
            if self.connection is None or not self.connection.in_transaction:
                self._leave_queue()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._leave_queue()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._leave_queue()

    def _enter_queue(self) -> None:
        if self._queue is None and not self.is_in_memory_db():
            path = lock_file(Path(str(self.settings_dict["NAME"])))
            _TURN.acquire()
            try:
                self._queue = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            finally:
                if self._queue is None:
                    _TURN.release()
            fcntl.flock(self._queue, fcntl.LOCK_EX)

    def _leave_queue(self) -> None:
        if self._queue is not None:
            queue, self._queue = self._queue, None
            os.close(queue)
            _TURN.release()
