"""The marks of the leads of the last minutes, beside the SQLite file and in step with it.

In the file, an index over marks would be written all over the place: at full speed it doubled what a COMMIT writes.
Only one process at a time writes, and row ids grow; so whoever has the write lock knows its own leads, and learns what
others have stored by reading the rows after the last one that it knows. Nothing here need survive: a new process reads
the last minutes.

The newest marks are in a dictionary; when they are many they move on into tables in memory, which need a quarter of
the space. Statements are few, and give one row each: every step of SQLite hands over the interpreter lock.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable

from stagewise.store.records import Rows
from stagewise.store.repeats import WITHIN_MS

#: Marks that the dictionary holds before they move on: some milliseconds of work at once.
FRESH = 4_096

_TABLE = "CREATE TABLE slot{} (mark INTEGER PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID"
_ADD = "INSERT OR REPLACE INTO slot{} SELECT value->>0, value->>1 FROM json_each(?)"
_FIND = " UNION ALL ".join(
    f"SELECT mark, id FROM slot{half} WHERE mark IN (SELECT value FROM json_each(:marks))"  # noqa: S608 - 0 or 1
    for half in (0, 1)
)
_NEWER = """
SELECT json_group_array(json_array(repeat_slot, repeat_hash, id)) FROM lead
WHERE id > ? AND repeat_hash IS NOT NULL AND repeat_slot IS NOT NULL
"""
_BACKWARDS = """
SELECT repeat_slot, repeat_hash, id, created_at FROM lead
WHERE repeat_hash IS NOT NULL AND repeat_slot IS NOT NULL ORDER BY id DESC
"""

#: (slot, mark, row id)
Marked = tuple[int, int, int]


class Recent:
    """Marks of two slots of time at most; what a later slot needs room for is forgotten.

    Used under the write lock only, by one thread at a time.
    """

    def __init__(self) -> None:
        self._fresh: dict[int, Marked] = {}
        self._older = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._slots: list[int | None] = [None, None]
        for half in (0, 1):
            self._older.execute(_TABLE.format(half))
        self._known: int | None = None

    def find(self, file: sqlite3.Connection, last_id: int, marks: Collection[int], now: int) -> dict[int, int]:
        """Row ids of recent leads that bear one of the marks; the caller looks whether they are still there.

        ``last_id`` is the newest row id of the file, read under the write lock.
        """
        if self._known is None or self._known > last_id:  # a new process, or a file that was put back
            self._read_back(file, now)
        elif self._known < last_id:
            self._add(json.loads(file.execute(_NEWER, (self._known,)).fetchone()[0]))
        self._known = last_id
        found: dict[int, int] = {}
        if any(slot is not None for slot in self._slots):
            rows = self._older.execute(_FIND, {"marks": json.dumps(list(marks))}).fetchall()
            found.update(sorted(rows, key=lambda row: row[1]))  # of two with one mark the later
        fresh = self._fresh
        found.update((mark, fresh[mark][2]) for mark in marks if mark in fresh)
        return found

    def committed(self, rows: Rows) -> None:
        """Learn the leads of a transaction that has been committed; :meth:`find` was asked in it."""
        self._add((lead.repeat_slot, lead.repeat_hash, lead.id) for lead in rows.leads if lead.repeat_slot is not None)
        self._add((lead.repeat_slot, lead.repeat_hash, lead.id) for lead in rows.tests if lead.repeat_slot is not None)
        self._known = max((lead.id for leads in (rows.leads, rows.tests) for lead in leads), default=self._known)

    def _read_back(self, file: sqlite3.Connection, now: int) -> None:
        self._fresh.clear()
        recent = []
        for *marked, created_at in file.execute(_BACKWARDS):
            # A released lead is older than its row id says: it was held for a while.
            if created_at <= now - 2 * WITHIN_MS:
                break
            if created_at > now - WITHIN_MS:
                recent.append(marked)
        self._add((slot, mark, row_id) for slot, mark, row_id in reversed(recent))

    def _add(self, marked: Iterable[Marked]) -> None:
        self._fresh.update((each[1], (each[0], each[1], each[2])) for each in marked)
        if len(self._fresh) > FRESH:
            self._move_on()

    def _move_on(self) -> None:
        """Move the fresh marks into the tables of their slots."""
        by_slot: dict[int, list[tuple[int, int]]] = {}
        for slot, mark, row_id in self._fresh.values():
            by_slot.setdefault(slot, []).append((mark, row_id))
        self._fresh.clear()
        for slot in sorted(by_slot):
            half = slot % 2
            there = self._slots[half]
            if there is not None and there > slot:
                continue  # older than what is kept
            if there != slot:
                self._older.execute(f"DELETE FROM slot{half}")  # noqa: S608 - 0 or 1
                self._slots[half] = slot
            self._older.execute(_ADD.format(half), (json.dumps(by_slot[slot]),))
