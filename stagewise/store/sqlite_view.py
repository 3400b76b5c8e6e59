"""The SQLite file as one transaction of the lane sees it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from stagewise.core.limits import WINDOW_MS, Window
from stagewise.core.submission import Submission
from stagewise.store import statements
from stagewise.store.recent import Recent
from stagewise.store.records import Bound, Earlier
from stagewise.store.rows import earlier_of
from stagewise.store.rules import Compiled, EndpointRow, KeyRow, TypeRow
from stagewise.store.session import keys_of
from stagewise.store.view import Entry, Place

ONE = {"one": "?"}
#: The clock that all rules compare by.
NOW = "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)"
# One statement for clock, last row id and keys; its one row without a key is what unknown keys leave. Every call into
# the database costs a hand-over of the interpreter lock, twice.
_KEYS = (
    f"SELECT {NOW}, (SELECT seq FROM sqlite_sequence WHERE name = 'lead'), found.* FROM (SELECT 1) LEFT JOIN"  # noqa: S608 - constants
    f" ({statements.KEYS.format(among='IN (SELECT value FROM json_each(?))')}) found"
)
_ENDPOINT = statements.ENDPOINT.format(**ONE)
_TYPES = statements.TYPES.format(**ONE)
_BOUND = """
SELECT b.endpoint_id, b.key, b.fingerprint, b.status, b.answer FROM json_each(?) p
JOIN bound_key b ON b.endpoint_id = p.value->>0 AND b.key = p.value->>1
"""
_WINDOWS = """
SELECT p.value->>0, p.value->>1, p.value->>2, count(h.at), min(h.at) FROM json_each(?) p
LEFT JOIN hit h ON h.endpoint_id = p.value->>0 AND h.bucket = p.value->>1 AND h.at > ?
GROUP BY p.key
"""
_NTH = statements.NTH_HIT.format(**ONE)


_EARLIER = """
SELECT repeat_hash, public_id, created_at, name, phone, email, message, id FROM lead
WHERE id IN (SELECT value FROM json_each(?))
"""
_EARLIER_HELD = """
SELECT repeat_hash, public_id, at, name, phone, email, message, held_lead.id FROM json_each(?) p
CROSS JOIN held_lead ON repeat_slot IN (?, ?) AND repeat_hash = p.value WHERE state = 'waiting'
"""


class SQLiteView:
    """The file as one transaction sees it."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        compiled: Compiled,
        batch: Sequence[Submission],
        offset_ms: int,
        recent: Recent,
    ) -> None:
        self._connection = connection
        self._recent = recent
        read = connection.execute(_KEYS, (json.dumps(keys_of(batch)),)).fetchall()
        self.now: int = read[0][0] + offset_ms
        self._last_lead: int = read[0][1] or 0
        rows = [KeyRow(*row[2:]) for row in read if row[2] is not None]
        self.entries: dict[str, Entry] = compiled.entries(rows, self._endpoint, self._types)

    def _endpoint(self, endpoint_id: int) -> EndpointRow:
        row = self._connection.execute(_ENDPOINT, (endpoint_id,)).fetchone()
        captcha, holding, form = map(json.loads, row[9:])
        return EndpointRow(
            bool(row[0]), bool(row[1]), json.loads(row[2]), json.loads(row[3]), row[4], row[5], bool(row[6]), row[7],
            row[8], (captcha, holding, form),
        )  # fmt: skip

    def _types(self, workspace_id: int) -> Sequence[TypeRow]:
        return self._connection.execute(_TYPES, (workspace_id,)).fetchall()

    def bound(self, places: Iterable[Place]) -> dict[Place, Bound]:
        """The bound keys among these."""
        wanted = list(places)
        if not wanted:
            return {}
        rows = self._connection.execute(_BOUND, (json.dumps(wanted),))
        return {(row[0], row[1]): Bound(*row[2:]) for row in rows}

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

    def earlier(self, marks: Collection[int], slots: tuple[int, int], *, held: bool) -> dict[int, Earlier]:
        """What bears these marks in one of the slots."""
        if held:
            rows = self._connection.execute(_EARLIER_HELD, (json.dumps(marks), *slots)).fetchall()
        else:
            found = self._recent.find(self._connection, self._last_lead, marks, self.now)
            rows = self._connection.execute(_EARLIER, (json.dumps(list(found.values())),)).fetchall() if found else []
        return {row[0]: earlier_of(row[1:], held=held) for row in rows}

    def _first(self, statement: str, values: Sequence[object]) -> Any:
        row = self._connection.execute(statement.format(**ONE), values).fetchone()
        return None if row is None else row[0]

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
        """The next row ids: under the write lock nobody else can take them."""
        return range(self._last_lead + 1, self._last_lead + 1 + count)
