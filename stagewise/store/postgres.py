"""The ledger on PostgreSQL: READ COMMITTED, one statement that takes all locks, then the reads that decide.

The order matters: a lock inside the statement that counts, or REPEATABLE READ, sees hits as they were before the lock
and admits too many. Locks are taken in ascending order of their numbers, so that two batches never wait in a circle.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import psycopg
from psycopg import errors, pq

from stagewise.core.addresses import bucket
from stagewise.core.submission import Submission
from stagewise.options.captcha import REMEMBERED_MS
from stagewise.options.source import ceiling_bucket, source_of
from stagewise.store import schema, statements
from stagewise.store.journal import HOUR_MS, EndpointHour, Flush
from stagewise.store.postgres_view import NOW, ONE, PostgresView
from stagewise.store.records import Rows
from stagewise.store.rows import upserts_of
from stagewise.store.rules import Compiled
from stagewise.store.session import Busy, Gone, StoreError, Unknown
from stagewise.store.view import Entry, Place

#: A batch waits this long for a lock: as long as the second of two calls with one Idempotency-Key waits for the first.
LOCK_WAIT_MS = 2_000
#: How long a new connection may take, in seconds.
CONNECT_S = 2
#: How long to ask whether a COMMIT whose answer was lost is still going on, in seconds.
IN_DOUBT_S = 2.0

_ENCODE = msgspec.json.Encoder().encode
# Just-in-time compilation takes 0.2 s and never pays here: no query of ours runs for long, however dear it is guessed.
_OPTIONS = (
    f"-c lock_timeout={LOCK_WAIT_MS} -c statement_timeout=8000 -c idle_in_transaction_session_timeout=15000"
    " -c synchronous_commit=on -c default_transaction_isolation=read\\ committed -c timezone=UTC"
    " -c client_min_messages=warning -c jit=off"
)
#: A transaction that writes nothing waits for no standby. This makes it write a line of the log that nobody reads, so
#: that its COMMIT waits until the standby has all of the log up to there: everything that the transaction could see.
_WAIT_FOR_STANDBY = (
    "SELECT pg_logical_emit_message(true, 'stagewise', '') WHERE current_setting('synchronous_standby_names') <> ''"
)
#: How a transaction ended; NULL for one that this server never began, as after a failover or a crash.
_ENDED = "SELECT CASE WHEN %s::text::xid8 < pg_current_xact_id() THEN pg_xact_status(%s::text::xid8) END"
_LOCKS = "SELECT pg_advisory_xact_lock(number) FROM unnest(%s::bigint[]) AS number"
_TYPES_OF = {
    "id": "bigint", "workspace_id": "bigint", "endpoint_id": "bigint", "lead_type_id": "bigint", "stage_id": "bigint",
    "at": "bigint", "public_id": "uuid", "event_id": "uuid", "status": "smallint", "preflight": "boolean",
    "lead_id": "bigint", "repeat_slot": "int", "repeat_hash": "bigint", "attribution": "jsonb", "click_ids": "jsonb",
}  # fmt: skip
_STORED = """
SELECT public_id FROM lead WHERE public_id = ANY(%s::uuid[])
UNION ALL SELECT public_id FROM held_lead WHERE public_id = ANY(%s::uuid[])
"""


def _document(values: Sequence[str]) -> str:
    """The rows of a document (an array of arrays) as columns of the right types."""
    columns = ", ".join(f"(r->>{i})::{_TYPES_OF.get(name, 'text')} AS {name}" for i, name in enumerate(values))
    return f"SELECT {columns} FROM jsonb_array_elements(%s::jsonb) AS r"  # noqa: S608 - constants


def _inserts(source: statements.Source) -> str:
    """One statement for all tables of a document: one trip, one parse. It returns the transaction's id."""
    parts = [f"new AS MATERIALIZED ({_document(source.values)})"]
    for table, columns in source.tables.items():
        condition = " WHERE idempotency_key IS NOT NULL" if "idempotency_key" in columns.values() else ""
        chosen = ", ".join(columns.values())
        parts.append(
            f"new_{table} AS (INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM new{condition})"  # noqa: S608
        )
    return f"WITH {', '.join(parts)} SELECT pg_current_xact_id()::text"


_LEADS = _inserts(statements.LEADS)
_TESTS = _inserts(statements.TESTS)
_HELD = _inserts(statements.HELD)
_HITS = _inserts(statements.HITS)
_NEW_BOUND = _inserts(statements.BOUND)
_ATTRIBUTIONS = _inserts(statements.ATTRIBUTIONS)
_ATTEMPTS = _inserts(statements.ATTEMPTS)
_COUNTERS = statements.COUNTERS.format(**ONE)
_SUMMARIES = statements.SUMMARIES.format(**ONE)
_UNKNOWN = statements.UNKNOWN.format(**ONE)
_UNMATCHED = statements.UNMATCHED.format(**ONE)
_UNMATCHED_ROWS = statements.UNMATCHED_ROWS.format(**ONE)
_LANE_MINUTES = statements.LANE_MINUTE.format(**ONE)
_DETAILED = statements.DETAILED.format(**ONE)
_SUMMARY_ROWS = statements.SUMMARY_ROWS.format(**ONE)
_UNKNOWN_ROWS = statements.UNKNOWN_ROWS.format(**ONE)


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
        #: The latest one of the server.
        self._warning = ""

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
            connection.add_notice_handler(self._note)
            self._connection = connection
        return self._connection

    def _note(self, notice: errors.Diagnostic) -> None:
        self._warning = f"{notice.severity_nonlocalized}: {notice.message_primary}"

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
        is_last_word = error.diag.severity_nonlocalized in {"FATAL", "PANIC"}
        if connection is None or connection.closed or connection.broken or is_last_word:
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
        self._transaction_id = None
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
            endpoint, options = entry.rules.endpoint_id, entry.options
            source = source_of(entry.rules, submission, forwarding=options.forwarding)
            if source is not None and source.address and entry.rules.limit is not None:
                numbers.add(lock_number("hits", endpoint, bucket(source.address)))
            if source is not None and source.forwarded_by is not None and options.server_ceiling is not None:
                numbers.add(lock_number("hits", endpoint, ceiling_bucket(source.forwarded_by)))
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

    def insert(self, rows: Rows, process: int) -> None:
        """Write the leads and everything beside them."""
        for document, statement in (
            (rows.leads, _LEADS), (rows.tests, _TESTS), (rows.held, _HELD), (rows.hits, _HITS),
            (rows.bound, _NEW_BOUND), (rows.attributions, _ATTRIBUTIONS),
        ):  # fmt: skip
            if document:
                self._transaction_id = self._rows(statement, [_ENCODE(document).decode()])[0][0]
        for single, values in upserts_of(rows, process):
            self._rows(single.format(**ONE), values)

    def remember_pass(self, place: Place, fingerprint: str) -> str:
        """Keep with what a token has passed."""
        now = self._rows(f"SELECT {NOW}")[0][0] + self.offset_ms
        self._rows(statements.KEEP_PASSED.format(**ONE), (*place, fingerprint, now))
        return str(self._rows(statements.PASSED_WITH.format(**ONE), (now - REMEMBERED_MS, *place))[0][0])

    def commit(self) -> None:
        """Make it durable. Raises ``Unknown`` when the connection broke first, or the standby was not waited for."""
        if self._transaction_id is None:
            self._rows(_WAIT_FOR_STANDBY)
        self._commit()

    def _commit(self) -> None:
        self._warning = ""
        try:
            self._open().execute("COMMIT")
        except psycopg.Error as error:
            if isinstance(self._failed(error), Gone):
                raise Unknown(_line(error)) from error
            raise StoreError(_line(error)) from error
        # A wait for the standby that somebody cancels ends in success, on this server alone, and a warning.
        if self._warning:
            raise Unknown(self._warning)

    def flush(self, journal: Flush, process: int) -> list[tuple[EndpointHour, int]]:
        """Write rows of the journal."""
        self._rows("BEGIN")
        detailed = {hour: self._detailed(hour) for hour in journal.hours()}
        journal.fold(detailed)
        journal.cap_summaries(lambda place: {(o, a, s) for o, a, s in self._rows(_SUMMARY_ROWS, place)})
        journal.cap_unknown(lambda hour: {(p, a) for p, a in self._rows(_UNKNOWN_ROWS, [hour])})
        journal.cap_unmatched(lambda place: {key for (key,) in self._rows(_UNMATCHED_ROWS, [place])})
        if journal.attempts:
            self._rows(_ATTEMPTS, [_ENCODE(journal.attempts).decode()])
        for summary, row in sorted(journal.summaries.items()):  # in one order everywhere: no deadlock
            self._rows(_SUMMARIES, (*summary, *row))
        for counter, row in sorted(journal.counters.items()):
            self._rows(_COUNTERS, (*counter, process, *row))
        for unknown, row in sorted(journal.unknown.items()):
            self._rows(_UNKNOWN, (*unknown, *row))
        for values in journal.unmatched_rows():
            self._rows(_UNMATCHED, values)
        for timing in journal.timings:
            self._rows(_LANE_MINUTES, timing)
        self._rows("COMMIT")
        return list(detailed.items())

    def _detailed(self, place: EndpointHour) -> int:
        endpoint, hour = place
        return int(self._rows(_DETAILED, (endpoint, hour, hour + HOUR_MS))[0][0])

    def stored(self, public_ids: Collection[str]) -> set[str]:
        """Which of these leads are stored or held, once the transaction that was to store them has ended.

        What is found may be on this server alone, after a crash or a cancelled wait: it counts once the standby has it.
        """
        deadline = time.monotonic() + IN_DOUBT_S
        while self._transaction_id is not None:
            status = self._rows(_ENDED, [self._transaction_id] * 2)[0][0]
            if status != "in progress":
                break
            if time.monotonic() > deadline:
                raise Busy("the transaction is still going on")
            time.sleep(0.02)
        self._rows("BEGIN")
        rows = self._rows(_STORED, [list(public_ids), list(public_ids)])
        if rows:
            self._rows(_WAIT_FOR_STANDBY)
        self._commit()
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


def lock_number(kind: str, endpoint_id: int, name: str) -> int:
    """The signed 64-bit number of an advisory lock. A collision only makes two batches wait for each other."""
    digest = hashlib.blake2b(f"{kind}\0{endpoint_id}\0{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
