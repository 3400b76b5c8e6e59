"""``python -m proof.weakened intake …``: Stagewise, but its SQLite is told something else. Only proofs run this.

The environment variable PROOF_PRAGMAS holds what every connection of the lane is told after it is opened, such as
``synchronous=NORMAL`` (a promise is broken, and the proof must find it) or ``wal_autocheckpoint=50`` (the log is
written back often, so that a short run has many checkpoints in it). With PROOF_TRUSTING a failed sync is taken for a
good one. With PROOF_HASTY it answers first and commits a moment later.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import Any

from stagewise.cli import main
from stagewise.store.session import Unknown
from stagewise.store.sqlite import SQLiteSession

#: In the environment: pragmas with their values, separated by commas.
PRAGMAS = "PROOF_PRAGMAS"
#: In the environment, whatever its value.
TRUSTING = "PROOF_TRUSTING"
HASTY = "PROOF_HASTY"

_open, _commit = SQLiteSession._open, SQLiteSession.commit


def _opened(self: SQLiteSession) -> sqlite3.Connection:
    is_new = self._connection is None
    connection = _open(self)
    if is_new:
        for pragma in filter(None, os.environ.get(PRAGMAS, "").split(",")):
            connection.execute(f"PRAGMA {pragma}")
    return connection


def _trusted(self: SQLiteSession) -> None:
    with contextlib.suppress(Unknown):
        _commit(self)


def _put_off(self: SQLiteSession) -> None:
    """The transaction stays open, and the next ones go into it, until the journal is written or health asks."""
    self._leave_queue()


def _made_hasty() -> None:
    begin, flush, ping = SQLiteSession._begin, SQLiteSession.flush, SQLiteSession.ping

    def began(self: SQLiteSession, statement: str, batch: Any) -> Any:
        is_open = self._connection is not None and self._connection.in_transaction
        return begin(self, "SELECT 1" if is_open else statement, batch)

    def left(self: SQLiteSession) -> None:
        self._leave_queue()

    def caught_up(self: SQLiteSession) -> None:
        if self._connection is not None and self._connection.in_transaction:
            _commit(self)

    def flushed(self: SQLiteSession, *arguments: Any) -> Any:
        caught_up(self)
        return flush(self, *arguments)

    def asked(self: SQLiteSession, *, write: bool) -> None:
        caught_up(self)
        ping(self, write=write)
        caught_up(self)

    SQLiteSession._begin, SQLiteSession.done = began, left  # type: ignore[method-assign]
    SQLiteSession.ping = asked  # type: ignore[method-assign]
    SQLiteSession.flush = flushed  # type: ignore[method-assign,assignment]
    SQLiteSession.commit = _put_off  # type: ignore[method-assign]


# Not below ``__main__``: where worker processes are not forked, they import this module under another name.
SQLiteSession._open = _opened  # type: ignore[method-assign]
if TRUSTING in os.environ:
    SQLiteSession.commit = _trusted  # type: ignore[method-assign]

if HASTY in os.environ:
    _made_hasty()

if __name__ == "__main__":
    main()
