"""The ledger on SQLite: one file, WAL, ``synchronous=FULL``, one writer at a time.

Writers queue on a lock file before ``BEGIN IMMEDIATE``: SQLite's own wait polls and starves, the kernel's queue does
not. Console and worker take the same lock (stagewise/site/sqlite3_queued).
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from stagewise.core.limits import WINDOW_MS, Window
from stagewise.core.submission import Submission
from stagewise.store import schema, statements
from stagewise.store.journal import HOUR_MS, EndpointHour, Flush
from stagewise.store.records import Bound, NewLead
from stagewise.store.rules import Compiled, EndpointRow, KeyRow, TypeRow
from stagewise.store.session import Busy, Gone, StoreError, Unknown, keys_of
from stagewise.store.settle import Entry, Place

#: How long SQLite itself waits for a writer that does not queue on the lock file, in milliseconds, and how often.
BUSY_MS = 50
BUSY_TRIES = 100

# jsonb_each (3.51) hands rows on in binary; on an older system library the text form does the same, slower.
_EACH = "jsonb_each" if sqlite3.sqlite_version_info >= (3, 51, 0) else "json_each"
_ENCODE = msgspec.json.Encoder().encode
_ONE = {"one": "?"}

_NOW = "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)"
# One statement for clock, last row id and keys; its one row without a key is what unknown keys leave. Every call into
# the database costs a hand-over of the interpreter lock, twice.
_KEYS = (
    f"SELECT {_NOW}, (SELECT seq FROM sqlite_sequence WHERE name = 'lead'), found.* FROM (SELECT 1) LEFT JOIN"  # noqa: S608 - constants
    f" ({statements.KEYS.format(among='IN (SELECT value FROM json_each(?))')}) found"
)
_ENDPOINT = statements.ENDPOINT.format(**_ONE)
_TYPES = statements.TYPES.format(**_ONE)
_BOUND = """
SELECT b.endpoint_id, b.key, b.fingerprint, b.answer FROM json_each(?) p
JOIN bound_key b ON b.endpoint_id = p.value->>0 AND b.key = p.value->>1
"""
_WINDOWS = """
SELECT p.value->>0, p.value->>1, p.value->>2, count(h.at), min(h.at) FROM json_each(?) p
LEFT JOIN hit h ON h.endpoint_id = p.value->>0 AND h.bucket = p.value->>1 AND h.at > ?
GROUP BY p.key
"""
_NTH = statements.NTH_HIT.format(**_ONE)


def _insert(table: str, columns: Mapping[str, str], fields: Sequence[str], condition: str = "") -> str:
    def source(field: str) -> str:
        if field not in fields:
            return field  # a constant
        return f"value->>{fields.index(field)}"

    chosen = ", ".join(source(field) for field in columns.values())
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {_EACH}(?){condition}"  # noqa: S608 - constants


_LEADS = [
    _insert(table, columns, statements.LEAD_FIELDS)
    for table, columns in statements.LEAD_TABLES.items()
    if table != "bound_key"
]
_BOUND_KEYS = _insert("bound_key", statements.LEAD_TABLES["bound_key"], statements.LEAD_FIELDS,
                      f" WHERE value->>{statements.LEAD_FIELDS.index('idempotency_key')} IS NOT NULL")  # fmt: skip
_ATTEMPTS = _insert("attempt", {name: name for name in statements.ATTEMPT_FIELDS}, statements.ATTEMPT_FIELDS)
_COUNTERS = statements.COUNTERS.format(**_ONE)
_SUMMARIES = statements.SUMMARIES.format(**_ONE)
_UNKNOWN = statements.UNKNOWN.format(**_ONE)


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
                connection.execute("PRAGMA cache_size=-16000")
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
            return SQLiteView(connection, self._compiled, batch, self.offset_ms)
        except sqlite3.Error as error:
            self._fail(error)
            raise _translated(error) from error

    def done(self) -> None:
        """Roll back and let the next writer in."""
        try:
            if self._connection is not None and self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._fail(error)
        finally:
            self._leave_queue()

    def insert(self, leads: Sequence[NewLead], process: int) -> None:
        """Write the leads and everything beside them."""
        connection = self._open()
        document = _ENCODE(leads).decode()
        try:
            for statement in _LEADS:
                connection.execute(statement, (document,))
            if any(lead.idempotency_key is not None for lead in leads):
                connection.execute(_BOUND_KEYS, (document,))
            for row in counters_of(leads, process):
                connection.execute(_COUNTERS, row)
        except sqlite3.Error as error:
            self._fail(error)
            raise _translated(error) from error

    def commit(self) -> None:
        """Make it durable and let the next writer in."""
        connection = self._open()
        try:
            connection.execute("COMMIT")
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
            journal.cap_unknown(lambda hour: set(connection.execute(statements.UNKNOWN_ROWS.format(**_ONE), (hour,))))
            if journal.attempts:
                connection.execute(_ATTEMPTS, (_ENCODE(journal.attempts).decode(),))
            connection.executemany(_SUMMARIES, ((*key, *row) for key, row in sorted(journal.summaries.items())))
            connection.executemany(_COUNTERS, ((*key, process, *row) for key, row in journal.counters.items()))
            connection.executemany(_UNKNOWN, ((*key, *row) for key, row in sorted(journal.unknown.items())))
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
        row = connection.execute(statements.DETAILED.format(**_ONE), (endpoint, hour, hour + HOUR_MS)).fetchone()
        return int(row[0])

    @staticmethod
    def _summaries(connection: sqlite3.Connection, place: EndpointHour) -> set[tuple[str, str, str]]:
        return set(connection.execute(statements.SUMMARY_ROWS.format(**_ONE), place))

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
        """Raise unless the file can be read and, with ``write``, written."""
        if write:
            self._enter_queue()
        try:
            self._query(statements.INSTALLATION)
            if write:
                self._query("BEGIN IMMEDIATE")
                # A write that is taken back: it needs the log's file, and room in it.
                self._query("UPDATE installation SET schema_version = schema_version")
        finally:
            if write:
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


class SQLiteView:
    """The file as one transaction sees it."""

    def __init__(
        self, connection: sqlite3.Connection, compiled: Compiled, batch: Sequence[Submission], offset_ms: int
    ) -> None:
        self._connection = connection
        read = connection.execute(_KEYS, (json.dumps(keys_of(batch)),)).fetchall()
        self.now: int = read[0][0] + offset_ms
        self._last_lead: int = read[0][1] or 0
        rows = [KeyRow(*row[2:]) for row in read if row[2] is not None]
        self.entries: dict[str, Entry] = compiled.entries(rows, self._endpoint, self._types)

    def _endpoint(self, endpoint_id: int) -> EndpointRow:
        row = self._connection.execute(_ENDPOINT, (endpoint_id,)).fetchone()
        return EndpointRow(bool(row[0]), bool(row[1]), json.loads(row[2]), json.loads(row[3]), row[4])

    def _types(self, workspace_id: int) -> Sequence[TypeRow]:
        return self._connection.execute(_TYPES, (workspace_id,)).fetchall()

    def bound(self, places: Iterable[Place]) -> dict[Place, Bound]:
        """The bound keys among these."""
        wanted = list(places)
        if not wanted:
            return {}
        rows = self._connection.execute(_BOUND, (json.dumps(wanted),))
        return {(endpoint, key): Bound(fingerprint, answer) for endpoint, key, fingerprint, answer in rows}

    def windows(self, places: Mapping[Place, int]) -> dict[Place, Window]:
        """The hits in the window of each place."""
        if not places:
            return {}
        start = self.now - WINDOW_MS
        document = json.dumps([(*place, limit) for place, limit in places.items()])
        found = {}
        for endpoint, bucket, limit, count, oldest in self._connection.execute(_WINDOWS, (document, start)).fetchall():
            nth = None
            if count > limit:
                nth = self._connection.execute(_NTH, (endpoint, bucket, start, limit - 1)).fetchone()[0]
            found[endpoint, bucket] = Window(limit, count, oldest, nth)
        return found

    def lead_ids(self, count: int) -> Sequence[int]:
        """The next row ids: under the write lock nobody else can take them."""
        return range(self._last_lead + 1, self._last_lead + 1 + count)


def lock_file(database: Path) -> Path:
    """The file on which writers queue."""
    return database.with_name(database.name + ".writers")


def counters_of(leads: Sequence[NewLead], process: int) -> list[tuple[int, int, int, str, int, int, int]]:
    """The counter rows of created leads: one per endpoint, since a batch has one moment."""
    counts: dict[tuple[int, int, int], int] = {}
    for lead in leads:
        place = (lead.workspace_id, lead.endpoint_id, lead.at - lead.at % 60_000)
        counts[place] = counts.get(place, 0) + 1
    return [(*place, "created", process, count, count) for place, count in sorted(counts.items())]


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
