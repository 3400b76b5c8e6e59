"""The spool's file: SQLite, shared by any number of processes on one machine.

It holds what visitors typed, so it is made for its owner's eyes only (mode 0600), and what is deleted is overwritten.

A rollback journal with ``synchronous=EXTRA`` keeps it safe, not the write-ahead log: SQLite's before 3.51.3 could
damage the file when two processes checkpointed at once (https://sqlite.org/wal.html#walresetbug), and the SQLite of
this Python may be such a one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stagewise_client.errors import ConfigError, SpoolFailed

if TYPE_CHECKING:
    import sqlite3

#: The file grows no larger, in pages of 4 KiB: 128 MiB.
_PAGES: Final = 32_768
#: Says in the file's header whose it is: "SWLD".
_APPLICATION: Final = 0x53574C44
_VERSION: Final = 1
#: Another process may have the lock for so many seconds; ordinary transactions take milliseconds.
_LOCK_WAIT: Final = 10.0

#: ``lead``: waits while ``code`` is null, is set aside otherwise. Times are in ms. ``unsure_since``: when the first try
#: began that may have stored it. ``pause``: nothing is sent to the endpoint until then.
_SCHEMA: Final = (
    """CREATE TABLE lead (
        endpoint TEXT NOT NULL, key TEXT NOT NULL, document TEXT NOT NULL, visitor_ip TEXT, test TEXT,
        created_at INTEGER NOT NULL, queued_at INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
        next_at INTEGER NOT NULL DEFAULT 0, leased_until INTEGER NOT NULL DEFAULT 0, unsure_since INTEGER,
        code TEXT, detail TEXT, aside_at INTEGER,
        PRIMARY KEY (endpoint, key)
    )""",
    "CREATE INDEX lead_in_order ON lead (endpoint, queued_at) WHERE code IS NULL",
    "CREATE TABLE pause (endpoint TEXT PRIMARY KEY, until INTEGER NOT NULL, failures INTEGER NOT NULL)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)


def now_ms() -> int:
    """This machine's clock; the processes that share a file share it."""
    return time.time_ns() // 1_000_000


class SpoolFile:
    """The file at ``path``, made if it is not there. Raises ConfigError, later SpoolFailed."""

    def __init__(self, path: str | os.PathLike[str], *, max_leads: int, max_age: int, keep_aside: int) -> None:
        self.path = Path(path).absolute()
        self.max_leads, self.max_age, self.keep_aside = max_leads, max_age, keep_aside
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._prepare()
        except (OSError, SpoolFailed) as trouble:
            what = trouble.strerror if isinstance(trouble, OSError) else str(trouble)
            raise ConfigError(f"the spool {self.path} cannot be used: {what}") from trouble

    def _prepare(self) -> None:
        with self.writing() as connection:
            application, version = (
                connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
            if (application, version) == (_APPLICATION, _VERSION):
                return
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise SpoolFailed("it is another program's file, or that of a newer version")
            for statement in _SCHEMA:
                connection.execute(statement)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own each time: threads and forked processes then never share one."""
        import sqlite3

        try:
            connection = sqlite3.connect(self.path, timeout=_LOCK_WAIT, isolation_level=None)
            try:
                connection.executescript(
                    "PRAGMA auto_vacuum = FULL; PRAGMA synchronous = EXTRA; PRAGMA secure_delete = ON;"
                    f"PRAGMA max_page_count = {_PAGES};"
                )
                yield connection
            finally:
                connection.close()
        except sqlite3.Error as trouble:
            raise SpoolFailed(str(trouble)) from trouble

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that writes, synced to disk at its end."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.execute("COMMIT")

    def tidy(self, connection: sqlite3.Connection) -> None:
        """Set aside what is too old to be sent, and delete what was set aside too long ago."""
        now = now_ms()
        connection.execute(
            "UPDATE lead SET code = 'too_old', detail = 'It could not be sent in time.', aside_at = :now"
            " WHERE code IS NULL AND queued_at < :oldest AND leased_until <= :now",
            {"now": now, "oldest": now - self.max_age},
        )
        connection.execute("DELETE FROM lead WHERE code IS NOT NULL AND aside_at < ?", (now - self.keep_aside,))

    def make_room(self, connection: sqlite3.Connection) -> None:
        """For one more lead; raises SpoolFailed when all that is there waits to be sent."""
        self.tidy(connection)
        if connection.execute("SELECT count(*) FROM lead").fetchone()[0] < self.max_leads:
            return
        gone = connection.execute(
            "DELETE FROM lead WHERE rowid = (SELECT rowid FROM lead WHERE code IS NOT NULL ORDER BY aside_at LIMIT 1)"
        ).rowcount
        if not gone:
            raise SpoolFailed(f"it is full: {self.max_leads} leads wait already")
