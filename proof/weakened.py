"""``python -m proof.weakened intake …``: Stagewise, but its SQLite is told something else. Only proofs run this.

The environment variable PROOF_PRAGMAS holds what every connection of the lane is told after it is opened, such as
``synchronous=NORMAL`` (a promise is broken, and the proof must find it) or ``wal_autocheckpoint=50`` (the log is
written back often, so that a short run has many checkpoints in it). With PROOF_TRUSTING a failed sync is taken for a
good one.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3

from stagewise.cli import main
from stagewise.store.session import Unknown
from stagewise.store.sqlite import SQLiteSession

#: In the environment: pragmas with their values, separated by commas.
PRAGMAS = "PROOF_PRAGMAS"
#: In the environment, whatever its value.
TRUSTING = "PROOF_TRUSTING"

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


# Not below ``__main__``: where worker processes are not forked, they import this module under another name.
SQLiteSession._open = _opened  # type: ignore[method-assign]
if TRUSTING in os.environ:
    SQLiteSession.commit = _trusted  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
