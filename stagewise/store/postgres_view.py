"""PostgreSQL as one transaction of the lane sees it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from stagewise.core.limits import WINDOW_MS, Window
from stagewise.core.submission import Submission
from stagewise.store import statements
from stagewise.store.records import Bound, Earlier
from stagewise.store.rows import earlier_of
from stagewise.store.rules import Compiled, EndpointRow, KeyRow, TypeRow
from stagewise.store.session import keys_of
from stagewise.store.view import Entry, Place

ONE = {"one": "%s"}
NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
_KEYS = statements.KEYS.format(among="= ANY(%s)").replace("SELECT ", f"SELECT {NOW}, ", 1)
# Each key and mark is looked up by itself (OFFSET 0 keeps the planner from joining): with statistics of a table that
# was empty a minute ago it would read everything there is.
_BOUND = """
SELECT b.endpoint_id, b.key, b.fingerprint, b.status, b.answer
FROM unnest(%s::bigint[], %s::text[]) AS p(endpoint_id, key)
CROSS JOIN LATERAL (SELECT * FROM bound_key WHERE endpoint_id = p.endpoint_id AND key = p.key OFFSET 0) AS b
"""
_WINDOWS = """
SELECT p.endpoint_id, p.bucket, p.quota, found.hits, found.oldest
FROM unnest(%s::bigint[], %s::text[], %s::int[]) AS p(endpoint_id, bucket, quota),
LATERAL (
  SELECT count(*) AS hits, min(h.at) AS oldest FROM hit h
  WHERE h.endpoint_id = p.endpoint_id AND h.bucket = p.bucket AND h.at > %s
) AS found
"""
_LEAD_IDS = "SELECT nextval('lead_id_seq') FROM generate_series(1, %s)"
_EARLIER = {
    held: f"SELECT repeat_hash, public_id, {at}, name, phone, email, message, id"  # noqa: S608 - constants
    f" FROM unnest(%s::int[]) AS slot CROSS JOIN unnest(%s::bigint[]) AS mark CROSS JOIN LATERAL ("
    f"SELECT * FROM {table} WHERE repeat_slot = slot AND repeat_hash = mark{condition} OFFSET 0) AS found"
    for held, table, at, condition in (
        (False, "lead", "created_at", ""),
        (True, "held_lead", "at", " AND state = 'waiting'"),
    )
}
_ENDPOINT = statements.ENDPOINT.format(**ONE)
_TYPES = statements.TYPES.format(**ONE)
_NTH = statements.NTH_HIT.format(**ONE)


class PostgresView:
    """The database as one transaction sees it."""

    def __init__(self, rows: Any, compiled: Compiled, batch: Sequence[Submission], offset_ms: int) -> None:
        self._rows = rows
        read = rows(_KEYS, [keys_of(batch)])
        now = read[0][0] if read else rows(f"SELECT {NOW}")[0][0]
        self.now: int = now + offset_ms
        self.entries: dict[str, Entry] = compiled.entries(
            [KeyRow(*row[1:]) for row in read], self._endpoint, self._types
        )

    def _endpoint(self, endpoint_id: int) -> EndpointRow:
        row = self._rows(_ENDPOINT, [endpoint_id])[0]
        return EndpointRow(
            row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], (row[9], row[10], row[11])
        )

    def _types(self, workspace_id: int) -> Sequence[TypeRow]:
        return [(row[0], row[1], row[2], row[3]) for row in self._rows(_TYPES, [workspace_id])]

    def bound(self, places: Iterable[Place]) -> dict[Place, Bound]:
        """The bound keys among these."""
        wanted = list(places)
        if not wanted:
            return {}
        rows = self._rows(_BOUND, [[endpoint for endpoint, _ in wanted], [key for _, key in wanted]])
        return {(row[0], row[1]): Bound(*row[2:]) for row in rows}

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
            # A limit of nought frees no slot ever; an OFFSET below nought is an error here.
            nth = self._rows(_NTH, (endpoint, slot, start, max(0, limit - 1)))[0][0] if count > limit else None
            found[endpoint, slot] = Window(limit, count, oldest, nth)
        return found

    def earlier(self, marks: Collection[int], slots: tuple[int, int], *, held: bool) -> dict[int, Earlier]:
        """What bears these marks in one of the slots."""
        rows = self._rows(_EARLIER[held], [list(slots), list(marks)])
        return {row[0]: earlier_of((row[1].hex, *row[2:]), held=held) for row in rows}

    def _first(self, statement: str, values: Sequence[object]) -> Any:
        rows = self._rows(statement.format(**ONE), values)
        return rows[0][0] if rows else None

    def captcha_pass(self, place: Place, since: int) -> str | None:
        """The fingerprint with which a token has passed."""
        found: str | None = self._first(statements.PASSED_WITH, (since, *place))
        return found

    def seen_before(self, endpoint_id: int, message_hash: int, since: int) -> int:
        """How often a message has come."""
        return self._first(statements.SEEN_BEFORE, (endpoint_id, message_hash, since)) or 0

    def held_waiting(self, endpoint_id: int) -> int:
        """How many held leads wait."""
        return int(self._first(statements.HELD_WAITING, (endpoint_id,)))

    def lead_ids(self, count: int) -> Sequence[int]:
        """The next numbers of the sequence."""
        return [row[0] for row in self._rows(_LEAD_IDS, [count])]
