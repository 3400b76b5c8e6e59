"""The ledger on SQLite: one file, WAL, ``synchronous=FULL``, one writer at a time.

Writers queue on a lock file before ``BEGIN IMMEDIATE``: SQLite's own wait polls and starves, the kernel's queue does
not. Console and worker take the same lock (stagewise/site/sqlite3_queued).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec

from stagewise.core.submission import Submission
from stagewise.options.captcha import REMEMBERED_MS
from stagewise.store import schema, statements
from stagewise.store.journal import HOUR_MS, EndpointHour, Flush
from stagewise.store.recent import Recent
from stagewise.store.records import Rows
from stagewise.store.rows import upserts_of
from stagewise.store.rules import Compiled
from stagewise.store.session import Busy, Gone, StoreError, Unknown
from stagewise.store.sqlite_view import NOW, ONE, SQLiteView
from stagewise.store.view import Place

#: How long SQLite itself waits for a writer that does not queue on the lock file, in milliseconds, and how often.
BUSY_MS = 50
BUSY_TRIES = 100

# jsonb_each (3.51) hands rows on in binary; on an older system library the text form does the same, slower.
_EACH = "jsonb_each" if sqlite3.sqlite_version_info >= (3, 51, 0) else "json_each"
_ENCODE = msgspec.json.Encoder().encode


def _inserts(source: statements.Source) -> dict[str, str]:
    """The statement for each table of a document; its rows are arrays."""

    def value(name: str) -> str:
        return f"value->>{source.values.index(name)}" if name in source.values else name  # else a constant

    return {
        table: f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 - constants
        f" SELECT {', '.join(value(name) for name in columns.values())} FROM {_EACH}(?)"
        for table, columns in source.tables.items()
    }


def _lead_inserts(source: statements.Source) -> tuple[list[str], str]:
    """The statements that are always run, and the one for leads that bind a key."""
    every = _inserts(source)
    key = source.values.index("idempotency_key")
    return [every[t] for t in every if t != "bound_key"], f"{every['bound_key']} WHERE value->>{key} IS NOT NULL"


_LEADS, _BOUND_KEYS = _lead_inserts(statements.LEADS)
_TESTS, _TEST_KEYS = _lead_inserts(statements.TESTS)
[_HELD] = _inserts(statements.HELD).values()
[_HITS] = _inserts(statements.HITS).values()
[_NEW_BOUND] = _inserts(statements.BOUND).values()
[_ATTRIBUTIONS] = _inserts(statements.ATTRIBUTIONS).values()
[_ATTEMPTS] = _inserts(statements.ATTEMPTS).values()
_COUNTERS = statements.COUNTERS.format(**ONE)
_SUMMARIES = statements.SUMMARIES.format(**ONE)
_UNKNOWN = statements.UNKNOWN.format(**ONE)
_UNMATCHED = statements.UNMATCHED.format(**ONE)
_UNMATCHED_ROWS = statements.UNMATCHED_ROWS.format(**ONE)
_LANE_MINUTES = statements.LANE_MINUTE.format(**ONE)


class SQLiteSession:
    """One connection to the file. ``offset_ms`` is added to the clock; only tests give one."""

    # After a failed sync the frames may have reached the log all the same, and a crash now would bring them back.
    after_loss = "outcome_unknown"
    is_local = True

    def __init__(self, path: Path, compiled: Compiled, offset_ms: int = 0) -> None:
        self.path = path
        self.offset_ms = offset_ms
        self._compiled = compiled
        self._connection: sqlite3.Connection | None = None
        self._queue: int | None = None
        self._queued = False
        self._recent = Recent()
        #: What the transaction at hand will have stored.
        self._written: Rows | None = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if not self.path.exists():  # connecting would make an empty database in its place
                raise Gone(f"{self.path} does not exist")
            try:
                connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
                connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute("PRAGMA secure_delete=ON")
                connection.execute("PRAGMA cache_size=-4000")
                connection.execute("PRAGMA wal_autocheckpoint=4000")
            except sqlite3.Error as error:
                raise Gone(str(error)) from error
            self._connection = connection
        return self._connection

    def close(self) -> None:
        """Close the connection and leave the queue of writers."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()
        if self._queue is not None:
            queue, self._queue = self._queue, None
            os.close(queue)  # which also leaves the queue
        self._queued = False

    def _enter_queue(self, how: int = 0) -> None:
        if self._queue is None:
            # The log is there since the connection was opened, and stays while it is open. SQLite syncs its name too,
            # but goes on when that fails; then a power failure could take the whole log.
            _sync_names(self.path.parent)
            self._queue = os.open(lock_file(self.path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._queue, fcntl.LOCK_EX | how)
        self._queued = True

    def _leave_queue(self) -> None:
        if self._queued and self._queue is not None:
            fcntl.flock(self._queue, fcntl.LOCK_UN)
        self._queued = False

    def read(self, batch: Sequence[Submission]) -> SQLiteView:
        """Begin a plain read."""
        return self._begin("BEGIN DEFERRED", batch)

    def begin(self, batch: Sequence[Submission]) -> SQLiteView:
        """Wait for the other writers, then begin to write."""
        self._open()
        self._enter_queue()
        for _ in range(BUSY_TRIES - 1):
            try:
                return self._begin("BEGIN IMMEDIATE", batch)
            except Busy:
                self._enter_queue()
        return self._begin("BEGIN IMMEDIATE", batch)

    def begin_at_once(self, batch: Sequence[Submission]) -> SQLiteView | None:
        """Begin to write if nobody else does."""
        self._open()
        try:
            self._enter_queue(fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        return self._begin("BEGIN IMMEDIATE", batch)

    def _begin(self, statement: str, batch: Sequence[Submission]) -> SQLiteView:
        connection = self._open()
        try:
            connection.execute(statement)
            return SQLiteView(connection, self._compiled, batch, self.offset_ms, self._recent)
        except sqlite3.Error as error:
            self._fail(error)
            raise _translated(error) from error

    def done(self) -> None:
        """Roll back and let the next writer in."""
        self._written = None
        try:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._fail(error)
        finally:
            self._leave_queue()

    def insert(self, rows: Rows, process: int) -> None:
        """Write the leads and everything beside them."""
        connection = self._open()
        self._written = rows
        try:
            for leads, every, keys in ((rows.leads, _LEADS, _BOUND_KEYS), (rows.tests, _TESTS, _TEST_KEYS)):
                if leads:
                    document = _ENCODE(leads).decode()
                    for statement in every:
                        connection.execute(statement, (document,))
                    if any(lead.idempotency_key is not None for lead in leads):
                        connection.execute(keys, (document,))
            for others, statement in (
                (rows.held, _HELD), (rows.hits, _HITS), (rows.bound, _NEW_BOUND), (rows.attributions, _ATTRIBUTIONS),
            ):  # fmt: skip
                if others:
                    connection.execute(statement, (_ENCODE(others).decode(),))
            for statement, values in upserts_of(rows, process):
                connection.execute(statement.format(**ONE), values)
        except sqlite3.Error as error:
            self._fail(error)
            raise _translated(error) from error

    def commit(self) -> None:
        """Make it durable and let the next writer in."""
        connection = self._open()
        written, self._written = self._written, None
        try:
            connection.execute("COMMIT")
            if written is not None:
                self._recent.committed(written)
        except sqlite3.Error as error:
            translated = _translated(error)
            # After a failed sync nothing on this handle can be believed; a full disk is an ordinary refusal.
            self.close()
            if isinstance(translated, Gone):
                raise Unknown(str(error)) from error
            raise translated from error
        finally:
            self._leave_queue()

    def flush(self, journal: Flush, process: int) -> list[tuple[EndpointHour, int]]:
        """Write rows of the journal."""
        connection = self._open()
        self._enter_queue()
        try:
            connection.execute("BEGIN IMMEDIATE")
            detailed = {hour: self._detailed(connection, hour) for hour in journal.hours()}
            journal.fold(detailed)
            journal.cap_summaries(lambda hour: self._summaries(connection, hour))
            journal.cap_unknown(lambda hour: set(connection.execute(statements.UNKNOWN_ROWS.format(**ONE), (hour,))))
            journal.cap_unmatched(lambda place: {key for (key,) in connection.execute(_UNMATCHED_ROWS, (place,))})
            if journal.attempts:
                connection.execute(_ATTEMPTS, (_ENCODE(journal.attempts).decode(),))
            connection.executemany(_SUMMARIES, ((*key, *row) for key, row in sorted(journal.summaries.items())))
            connection.executemany(_COUNTERS, ((*key, process, *row) for key, row in journal.counters.items()))
            connection.executemany(_UNKNOWN, ((*key, *row) for key, row in sorted(journal.unknown.items())))
            connection.executemany(_UNMATCHED, journal.unmatched_rows())
            connection.executemany(_LANE_MINUTES, journal.timings)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._fail(error)
            raise _translated(error) from error
        finally:
            self._leave_queue()
        return list(detailed.items())

    @staticmethod
    def _detailed(connection: sqlite3.Connection, place: EndpointHour) -> int:
        endpoint, hour = place
        row = connection.execute(statements.DETAILED.format(**ONE), (endpoint, hour, hour + HOUR_MS)).fetchone()
        return int(row[0])

    @staticmethod
    def _summaries(connection: sqlite3.Connection, place: EndpointHour) -> set[tuple[str, str, str]]:
        return set(connection.execute(statements.SUMMARY_ROWS.format(**ONE), place))

    def remember_pass(self, place: Place, fingerprint: str) -> str:
        """Keep with what a token has passed."""
        connection = self._open()
        self._enter_queue()
        try:
            connection.execute("BEGIN IMMEDIATE")
            now = connection.execute(f"SELECT {NOW}").fetchone()[0] + self.offset_ms
            connection.execute(statements.KEEP_PASSED.format(**ONE), (*place, fingerprint, now))
            first = connection.execute(statements.PASSED_WITH.format(**ONE), (now - REMEMBERED_MS, *place)).fetchone()[
                0
            ]
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._fail(error)
            raise _translated(error) from error
        finally:
            self._leave_queue()
        return str(first)

    def stored(self, public_ids: Collection[str]) -> set[str]:
        """None that could be relied on: a COMMIT on a local file loses no answer, it fails to sync."""
        del public_ids
        return set()

    def check(self, secret_key: str) -> None:
        """Raise ``SchemaError`` if this lane does not serve the file."""
        tables = self._query("SELECT count(*) FROM sqlite_master WHERE name = ?", "installation")
        rows = self._query(statements.INSTALLATION) if tables[0][0] else []
        schema.check(rows[0] if rows else None, secret_key)

    def ping(self, *, write: bool) -> None:
        """Raise unless the file can be read and, with ``write``, written and synced."""
        if not write:
            self._query(statements.INSTALLATION)
            return
        self._open()
        self._enter_queue()
        try:
            self._query(statements.INSTALLATION)
            self._query("BEGIN IMMEDIATE")
            # It says what it said before. But a page goes to the log and is synced, which tells whether a lead's would
            # be; an UPDATE to the same values writes nothing, and one that is rolled back never meets the disk.
            self._query("PRAGMA user_version = 0")
            self.commit()
        finally:
            self.done()

    def _query(self, statement: str, *values: str) -> list[tuple[int, int, str]]:
        try:
            return self._open().execute(statement, values).fetchall()
        except sqlite3.Error as error:
            self._fail(error)
            raise _translated(error) from error

    def _fail(self, error: sqlite3.Error) -> None:
        """After an error: roll back, and give up a connection that may be broken."""
        if isinstance(_translated(error), Gone):
            self.close()
        else:
            self.done()


def _sync_names(folder: Path) -> None:
    """Make durable which files the folder holds; raises ``Gone``."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
    except OSError as error:
        raise Gone(str(error)) from error


def lock_file(database: Path) -> Path:
    """The file on which writers queue."""
    return database.with_name(database.name + ".writers")


_BUSY_CODES = {"SQLITE_BUSY", "SQLITE_LOCKED"}
_REFUSED_CODES = {
    "SQLITE_FULL",
    "SQLITE_CONSTRAINT",
    "SQLITE_READONLY",
    "SQLITE_TOOBIG",
    "SQLITE_MISMATCH",
    "SQLITE_ERROR",
}


def _translated(error: sqlite3.Error) -> StoreError:
    name = getattr(error, "sqlite_errorname", None) or "SQLITE_ERROR"
    primary = "_".join(name.split("_")[:2])
    if primary in _BUSY_CODES:
        return Busy(str(error))
    if primary in _REFUSED_CODES:
        return StoreError(str(error))
    return Gone(str(error))
