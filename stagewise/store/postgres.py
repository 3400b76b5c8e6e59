"""The ledger on PostgreSQL: READ COMMITTED, one statement that takes all locks, then the reads that decide.

The order matters: a lock inside the statement that counts, or REPEATABLE READ, sees hits as they were before the lock
and admits too many. Locks are taken in ascending order of their numbers, so that two batches never wait in a circle.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import psycopg
from psycopg import errors, pq

from stagewise.core.addresses import bucket
from stagewise.core.limits import WINDOW_MS, Window
from stagewise.core.submission import Submission
from stagewise.store import schema, statements
from stagewise.store.journal import HOUR_MS, EndpointHour, Flush
from stagewise.store.records import Bound, NewLead
from stagewise.store.rules import Compiled, EndpointRow, KeyRow, TypeRow
from stagewise.store.session import Busy, Gone, StoreError, Unknown, keys_of
from stagewise.store.settle import Entry, Place
from stagewise.store.sqlite import counters_of

#: A batch waits this long for a lock: as long as the second of two calls with one Idempotency-Key waits for the first.
LOCK_WAIT_MS = 2_000
#: How long a new connection may take, in seconds.
CONNECT_S = 2
#: How long to ask whether a COMMIT whose answer was lost is still going on, in seconds.
IN_DOUBT_S = 2.0

_ENCODE = msgspec.json.Encoder().encode
_ONE = {"one": "%s"}
_OPTIONS = (
    f"-c lock_timeout={LOCK_WAIT_MS} -c statement_timeout=8000 -c idle_in_transaction_session_timeout=15000"
    " -c synchronous_commit=on -c default_transaction_isolation=read\\ committed -c timezone=UTC"
)
_NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_KEYS = statements.KEYS.format(among="= ANY(%s)").replace("SELECT ", f"SELECT {_NOW}, ", 1)
_BOUND = """
SELECT b.endpoint_id, b.key, b.fingerprint, b.answer
FROM unnest(%s::bigint[], %s::text[]) AS p(endpoint_id, key)
JOIN bound_key b ON b.endpoint_id = p.endpoint_id AND b.key = p.key
"""
_WINDOWS = """
SELECT p.endpoint_id, p.bucket, p.quota, found.hits, found.oldest
FROM unnest(%s::bigint[], %s::text[], %s::int[]) AS p(endpoint_id, bucket, quota),
LATERAL (
  SELECT count(*) AS hits, min(h.at) AS oldest FROM hit h
  WHERE h.endpoint_id = p.endpoint_id AND h.bucket = p.bucket AND h.at > %s
) AS found
"""
_LOCKS = "SELECT pg_advisory_xact_lock(number) FROM unnest(%s::bigint[]) AS number"
_LEAD_IDS = "SELECT nextval('lead_id_seq') FROM generate_series(1, %s)"
_TYPES_OF = {
    "id": "bigint", "workspace_id": "bigint", "endpoint_id": "bigint", "lead_type_id": "bigint", "stage_id": "bigint",
    "at": "bigint", "public_id": "uuid", "event_id": "uuid", "status": "smallint", "preflight": "boolean",
}  # fmt: skip


def _source(document: str, fields: Sequence[str]) -> str:
    """The rows of a document (an array of arrays) as columns of the right types."""
    columns = ", ".join(f"(r->>{i})::{_TYPES_OF.get(name, 'text')} AS {name}" for i, name in enumerate(fields))
    return f"SELECT {columns} FROM jsonb_array_elements({document}::jsonb) AS r"  # noqa: S608 - constants


def _insert(table: str, columns: Mapping[str, str], source: str, condition: str = "") -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} FROM {source}{condition}"  # noqa: S608


def _insert_leads() -> str:
    """One statement for all five tables: one trip, one parse of the document."""
    parts = [f"new AS MATERIALIZED ({_source('%s', statements.LEAD_FIELDS)})"]
    for table, columns in statements.LEAD_TABLES.items():
        condition = " WHERE idempotency_key IS NOT NULL" if table == "bound_key" else ""
        parts.append(f"new_{table} AS ({_insert(table, columns, 'new', condition)})")
    return f"WITH {', '.join(parts)} SELECT pg_current_xact_id()::text"


_LEADS = _insert_leads()
_ATTEMPTS = (
    f"WITH new AS ({_source('%s', statements.ATTEMPT_FIELDS)}) "
    + _insert("attempt", {name: name for name in statements.ATTEMPT_FIELDS}, "new")
)  # fmt: skip
_COUNTERS = statements.COUNTERS.format(**_ONE)
_SUMMARIES = statements.SUMMARIES.format(**_ONE)
_UNKNOWN = statements.UNKNOWN.format(**_ONE)


class PostgresSession:
    """One connection. ``offset_ms`` is added to the clock; only tests give one."""

    # :meth:`stored` waits until the transaction has ended, so "not there" is certain.
    after_loss = "unavailable"
    is_local = False

    def __init__(self, url: str, compiled: Compiled, offset_ms: int = 0) -> None:
        self.url = url
        self.offset_ms = offset_ms
        self._compiled = compiled
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._transaction_id: str | None = None

    def _open(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None:
            try:
                connection = psycopg.connect(
                    self.url, autocommit=True, connect_timeout=CONNECT_S, options=_OPTIONS, prepare_threshold=2,
                    keepalives_idle=10, keepalives_interval=5, keepalives_count=2, tcp_user_timeout=10_000,
                    application_name="stagewise intake",
                )  # fmt: skip
            except psycopg.Error as error:
                raise Gone(_line(error)) from error
            self._connection = connection
        return self._connection

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        try:
            cursor = self._open().execute(statement, values)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise self._failed(error) from error

    def _failed(self, error: psycopg.Error) -> StoreError:
        """After an error: give up a connection that is broken, roll back on one that is not."""
        connection = self._connection
        if connection is None or connection.closed or connection.broken:
            self.close()
            return Gone(_line(error))
        self.done()
        if isinstance(error, (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected)):
            return Busy(_line(error))
        if isinstance(error, (errors.ReadOnlySqlTransaction, errors.OperatorIntervention)):
            self.close()  # a standby, or a server that is going down: ask again on a new connection
            return Gone(_line(error))
        return StoreError(_line(error))

    def read(self, batch: Sequence[Submission]) -> PostgresView:
        """Begin a plain read: each statement sees what was committed before it."""
        return PostgresView(self._rows, self._compiled, batch, self.offset_ms)

    def begin(self, batch: Sequence[Submission]) -> PostgresView:
        """Take the locks of the batch, then read the rules; again with more locks if the rules ask for more."""
        if any(submission.key not in self._compiled.last for submission in batch):
            self.read(batch)
        wanted = self._locks(batch, self._compiled.last)
        while True:
            self._rows("BEGIN")
            if wanted:
                self._rows(_LOCKS, [sorted(wanted)])
            view = PostgresView(self._rows, self._compiled, batch, self.offset_ms)
            needed = self._locks(batch, view.entries)
            if needed <= wanted:
                return view
            self.done()
            wanted |= needed

    def begin_at_once(self, batch: Sequence[Submission]) -> None:
        """Never: every statement waits for the server."""

    @staticmethod
    def _locks(batch: Sequence[Submission], entries: Mapping[str, Entry]) -> set[int]:
        """The numbers to lock: addresses of endpoints with a limit, and Idempotency-Keys."""
        numbers = set()
        for submission in batch:
            entry = entries.get(submission.key)
            if entry is None:
                continue
            endpoint = entry.rules.endpoint_id
            if entry.rules.limit is not None and submission.caller.address is not None:
                numbers.add(lock_number("hits", endpoint, bucket(submission.caller.address)))
            if submission.idempotency_key:
                numbers.add(lock_number("key", endpoint, submission.idempotency_key))
        return numbers

    def done(self) -> None:
        """Roll back."""
        connection = self._connection
        if connection is None:
            return
        try:
            if connection.info.transaction_status != pq.TransactionStatus.IDLE:
                connection.execute("ROLLBACK")
        except psycopg.Error:
            self.close()

    def insert(self, leads: Sequence[NewLead], process: int) -> None:
        """Write the leads and everything beside them."""
        self._transaction_id = self._rows(_LEADS, [_ENCODE(leads).decode()])[0][0]
        for row in counters_of(leads, process):
            self._rows(_COUNTERS, row)

    def commit(self) -> None:
        """Make it durable. Raises ``Unknown`` when the connection broke before the answer came."""
        try:
            self._open().execute("COMMIT")
        except psycopg.Error as error:
            if isinstance(self._failed(error), Gone):
                raise Unknown(_line(error)) from error
            raise StoreError(_line(error)) from error

    def flush(self, journal: Flush, process: int) -> list[tuple[EndpointHour, int]]:
        """Write rows of the journal."""
        self._rows("BEGIN")
        detailed = {hour: self._detailed(hour) for hour in journal.hours()}
        journal.fold(detailed)
        journal.cap_summaries(lambda place: {(o, a, s) for o, a, s in self._rows(_SUMMARY_ROWS, place)})
        journal.cap_unknown(lambda hour: {(p, a) for p, a in self._rows(_UNKNOWN_ROWS, [hour])})
        if journal.attempts:
            self._rows(_ATTEMPTS, [_ENCODE(journal.attempts).decode()])
        for summary, row in sorted(journal.summaries.items()):  # in one order everywhere: no deadlock
            self._rows(_SUMMARIES, (*summary, *row))
        for counter, row in sorted(journal.counters.items()):
            self._rows(_COUNTERS, (*counter, process, *row))
        for unknown, row in sorted(journal.unknown.items()):
            self._rows(_UNKNOWN, (*unknown, *row))
        self._rows("COMMIT")
        return list(detailed.items())

    def _detailed(self, place: EndpointHour) -> int:
        endpoint, hour = place
        return int(self._rows(_DETAILED, (endpoint, hour, hour + HOUR_MS))[0][0])

    def stored(self, public_ids: Collection[str]) -> set[str]:
        """Which of these leads are stored, once the transaction that was to store them has ended."""
        deadline = time.monotonic() + IN_DOUBT_S
        while self._transaction_id is not None:
            status = self._rows("SELECT pg_xact_status(%s::text::xid8)", [self._transaction_id])[0][0]
            if status != "in progress":
                break
            if time.monotonic() > deadline:
                raise Busy("the transaction is still going on")
            time.sleep(0.02)
        rows = self._rows("SELECT public_id FROM lead WHERE public_id = ANY(%s::uuid[])", [list(public_ids)])
        return {row[0].hex for row in rows}

    def check(self, secret_key: str) -> None:
        """Raise ``SchemaError`` if this lane does not serve the database."""
        exists = self._rows("SELECT to_regclass('installation') IS NOT NULL")[0][0]
        rows = self._rows(statements.INSTALLATION) if exists else []
        schema.check((rows[0][0], rows[0][1], rows[0][2]) if rows else None, secret_key)

    def ping(self, *, write: bool) -> None:
        """Raise unless the database can be read and, with ``write``, written."""
        self._rows(statements.INSTALLATION)
        if write and self._rows("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool")[0][0]:
            self.close()
            raise Gone("the database is read-only")


_DETAILED = statements.DETAILED.format(**_ONE)
_SUMMARY_ROWS = statements.SUMMARY_ROWS.format(**_ONE)
_UNKNOWN_ROWS = statements.UNKNOWN_ROWS.format(**_ONE)
_ENDPOINT = statements.ENDPOINT.format(**_ONE)
_TYPES = statements.TYPES.format(**_ONE)
_NTH = statements.NTH_HIT.format(**_ONE)


class PostgresView:
    """The database as one transaction sees it."""

    def __init__(self, rows: Any, compiled: Compiled, batch: Sequence[Submission], offset_ms: int) -> None:
        self._rows = rows
        read = rows(_KEYS, [keys_of(batch)])
        now = read[0][0] if read else rows(f"SELECT {_NOW}")[0][0]
        self.now: int = now + offset_ms
        self.entries: dict[str, Entry] = compiled.entries(
            [KeyRow(*row[1:]) for row in read], self._endpoint, self._types
        )

    def _endpoint(self, endpoint_id: int) -> EndpointRow:
        return EndpointRow(*self._rows(_ENDPOINT, [endpoint_id])[0])

    def _types(self, workspace_id: int) -> Sequence[TypeRow]:
        return [(row[0], row[1], row[2], row[3]) for row in self._rows(_TYPES, [workspace_id])]

    def bound(self, places: Iterable[Place]) -> dict[Place, Bound]:
        """The bound keys among these."""
        wanted = list(places)
        if not wanted:
            return {}
        rows = self._rows(_BOUND, [[endpoint for endpoint, _ in wanted], [key for _, key in wanted]])
        return {(endpoint, key): Bound(fingerprint, answer) for endpoint, key, fingerprint, answer in rows}

    def windows(self, places: Mapping[Place, int]) -> dict[Place, Window]:
        """The hits in the window of each place."""
        if not places:
            return {}
        start = self.now - WINDOW_MS
        endpoints, buckets = [place[0] for place in places], [place[1] for place in places]
        found = {}
        for endpoint, slot, limit, count, oldest in self._rows(
            _WINDOWS, [endpoints, buckets, list(places.values()), start]
        ):
            nth = self._rows(_NTH, (endpoint, slot, start, limit - 1))[0][0] if count > limit else None
            found[endpoint, slot] = Window(limit, count, oldest, nth)
        return found

    def lead_ids(self, count: int) -> Sequence[int]:
        """The next numbers of the sequence."""
        return [row[0] for row in self._rows(_LEAD_IDS, [count])]


def lock_number(kind: str, endpoint_id: int, name: str) -> int:
    """The signed 64-bit number of an advisory lock. A collision only makes two batches wait for each other."""
    digest = hashlib.blake2b(f"{kind}\0{endpoint_id}\0{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
