"""Which database an installation's sessions are on."""

from __future__ import annotations

from pathlib import Path

from stagewise.store.rules import Compiled
from stagewise.store.session import Session


def connect(database_url: str | None, sqlite_path: Path, compiled: Compiled, offset_ms: int = 0) -> Session:
    """A session: on PostgreSQL if there is a URL, else on the SQLite file. It connects when it is first used.

    ``offset_ms`` is added to the clock; only tests give one.
    """
    if database_url is not None:
        from stagewise.store.postgres import PostgresSession

        return PostgresSession(database_url, compiled, offset_ms)
    from stagewise.store.sqlite import SQLiteSession

    return SQLiteSession(sqlite_path, compiled, offset_ms)
