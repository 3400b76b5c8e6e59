"""The marks of the leads of the last minutes, beside the SQLite file and in step with it.

In the file, an index over marks would be written all over the place: at full speed it doubled what a COMMIT writes.
Only one process at a time writes, and row ids grow; so whoever has the write lock learns what others have stored by
reading the rows after the last one that it knows. Nothing here need survive: a new process reads the last minutes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from itertools import islice

from stagewise.store.repeats import WITHIN_MS

_TABLE = "CREATE TABLE slot{} (mark INTEGER PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID"
_ADD = "INSERT OR REPLACE INTO slot{} VALUES (?, ?)"
_FIND = " UNION ALL ".join(
    f"SELECT mark, id FROM slot{half} WHERE mark IN (SELECT value FROM json_each(:marks))"  # noqa: S608 - 0 or 1
    for half in (0, 1)
)
_NEWER = "SELECT repeat_slot, repeat_hash, id FROM lead WHERE id > ? AND repeat_hash IS NOT NULL"
_BACKWARDS = "SELECT repeat_slot, repeat_hash, id, created_at FROM lead WHERE repeat_hash IS NOT NULL ORDER BY id DESC"
_CHUNK = 1_000


class Recent:
    """Marks of two slots of time at most, each in a table that is emptied when a later slot needs it.

    Used under the write lock only, by one thread at a time.
    """

    def __init__(self) -> None:
        self._marks = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._slots: list[int | None] = [None, None]
        for half in (0, 1):
            self._marks.execute(_TABLE.format(half))
        self._known: int | None = None

    def find(self, file: sqlite3.Connection, last_id: int, marks: Collection[int], now: int) -> dict[int, int]:
        """Row ids of recent leads that bear one of the marks; the caller looks whether they are still there."""
        if self._known is None or self._known > last_id:  # a new process, or a file that was restored
            self._read_back(file, now)
        elif self._known < last_id:
            self._add(file.execute(_NEWER, (self._known,)).fetchall())
        self._known = last_id
        found = self._marks.execute(_FIND, {"marks": json.dumps(list(marks))}).fetchall()
        return dict(sorted(found, key=lambda row: row[1]))  # of two with one mark the later

    def _read_back(self, file: sqlite3.Connection, now: int) -> None:
        rows = file.execute(_BACKWARDS)
        while chunk := list(islice(rows, _CHUNK)):
            recent = [row[:3] for row in chunk if row[3] > now - WITHIN_MS]
            self._add(recent)
            if len(recent) < len(chunk):
                break

    def _add(self, rows: Collection[tuple[int | None, int, int]]) -> None:
        by_slot: dict[int, list[tuple[int, int]]] = {}
        for slot, mark, row_id in rows:
            if slot is not None:
                by_slot.setdefault(slot, []).append((mark, row_id))
        for slot in sorted(by_slot):
            half = slot % 2
            if self._slots[half] != slot:
                if (self._slots[half] or 0) > slot:
                    continue  # older than what is kept
                self._marks.execute(f"DELETE FROM slot{half}")  # noqa: S608 - 0 or 1
                self._slots[half] = slot
            self._marks.execute("BEGIN")
            self._marks.executemany(_ADD.format(half), by_slot[slot])
            self._marks.execute("COMMIT")
