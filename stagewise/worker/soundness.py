"""Reads SQLite's file through, some time after the start and then once a day, and says when it is damaged.

A drive can spoil what it holds, and a file can be copied badly. SQLite notices only when it comes upon the spot, which
may be months later, when every backup holds the damage too. So somebody looks: table by table, each with a read
transaction of its own, because none of the log can be used again while one is open; with pauses; and with the lowest
priority, in a thread of its own. Leads and deliveries do not wait for it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

from stagewise import log

if TYPE_CHECKING:
    from pathlib import Path

#: Seconds after the start, when the machine has settled down, and from one reading to the next.
FIRST_S: Final = 60.0
EVERY_S: Final = 24 * 3600.0
#: After each table we rest this many times as long as it took.
REST: Final = 3.0
#: Of what SQLite complains about, so much is kept: the first says enough.
_CHARS: Final = 200
#: What it says of a file that is not what it should be, or cannot be read (https://sqlite.org/rescode.html).
_DAMAGED: Final = {"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR"}
_IDLE: Final = 19

_log = log.Log("stagewise.worker")


class Soundness:
    """What is known of the file: ``problem`` is None before the first reading, and "" after one that found nothing."""

    def __init__(self, file: Path) -> None:
        self.problem: str | None = None
        self._file = file

    def run(self, stop: threading.Event) -> None:
        """Read again and again until told to stop; in a thread of its own."""
        with contextlib.suppress(OSError):  # of this thread alone, on Linux
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _IDLE)
        wait_s = FIRST_S
        while not stop.wait(wait_s):
            try:
                self.look(stop)
            except sqlite3.Error as error:
                _log.error("the database's file could not be read through", error=str(error))
            wait_s = EVERY_S

    def look(self, stop: threading.Event) -> None:
        """Read the file through; a reading that is cut short by ``stop`` says nothing. Raises ``sqlite3.Error``."""
        begun = time.monotonic()
        try:
            found = self._found(stop)
        except sqlite3.DatabaseError as error:
            name = getattr(error, "sqlite_errorname", "")
            if "_".join(name.split("_")[:2]) not in _DAMAGED:
                raise
            found = str(error)
        if stop.is_set():
            return
        self.problem = found[:_CHARS]
        took_s = round(time.monotonic() - begun, 1)
        if found:
            _log.error("the database's file is damaged", problem=self.problem, took_s=took_s)
        else:
            _log.info("the database's file is sound", took_s=took_s)

    def _found(self, stop: threading.Event) -> str:
        with closing(sqlite3.connect(f"{self._file.as_uri()}?mode=ro", uri=True, isolation_level=None)) as database:
            tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0").fetchall()
            for (table,) in tables:
                begun = time.monotonic()
                # A pragma takes no parameters; the name is one of our own, and quoted.
                said = database.execute(f"""PRAGMA quick_check("{table.replace('"', '""')}")""").fetchall()
                if said != [("ok",)]:
                    return "; ".join(line for (line,) in said)
                if stop.wait(REST * (time.monotonic() - begun)):
                    break
        return ""
