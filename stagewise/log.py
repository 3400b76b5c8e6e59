"""The log: one JSON object per line on stderr, the same from every process.

The lane must boot in a fifth of a second, and logging libraries take longer than that to import; so this is the
standard library's logging with a formatter, and a logger that takes named values.
"""

from __future__ import annotations

import atexit
import contextlib
import datetime
import json
import logging
import queue
import sys
import threading
import traceback

_FIELDS = "stagewise_fields"
#: Lines that may wait to be written.
WAITING_LINES = 10_000


class Log:
    """``log.warning("what happened", name=value, …)``: a constant text and what belongs to it."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, event: str, **fields: object) -> None:
        """Something worth knowing."""
        self._write(logging.INFO, event, None, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Something that somebody should look at."""
        self._write(logging.WARNING, event, None, fields)

    def error(self, event: str, *, exc_info: BaseException | None = None, **fields: object) -> None:
        """Something that failed; ``exc_info`` adds the traceback."""
        self._write(logging.ERROR, event, exc_info, fields)

    def exception(self, event: str, **fields: object) -> None:
        """Something that failed, with the traceback of the exception being handled."""
        self._write(logging.ERROR, event, sys.exc_info()[1], fields)

    def _write(self, level: int, event: str, error: BaseException | None, fields: dict[str, object]) -> None:
        self._logger.log(level, "%s", event, exc_info=error, extra={_FIELDS: fields})


class JsonLines(logging.Formatter):
    """One record as one line; control characters are escaped by JSON, so no text can forge a line."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The record as a JSON object."""
        at = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line: dict[str, object] = {
            "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "process": self._process,
            "event": record.getMessage(),
            **getattr(record, _FIELDS, {"logger": record.name}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["traceback"] = "".join(traceback.format_exception(record.exc_info[1]))
        return json.dumps(line, default=str)


class Aside(logging.Handler):
    """Writes in a thread of its own: whoever reads our log slowly, or not at all, holds up nobody who logs.

    Lines that find the queue full are counted, and the count is the next line that gets through.
    """

    def __init__(self, process: str) -> None:
        super().__init__()
        self.setFormatter(JsonLines(process))
        self._lines: queue.Queue[str | None] = queue.Queue(WAITING_LINES)
        self._process = process
        self._lost = 0
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line; never waits, never raises."""
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._lost += 1
        except Exception:  # noqa: BLE001 - a value that cannot be written as text must not stop who logged it
            self._lost += 1

    def close(self) -> None:
        """Write what is queued, for a second at most."""
        with contextlib.suppress(queue.Full):
            self._lines.put_nowait(None)
        self._thread.join(1)
        super().close()

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            lost, self._lost = self._lost, 0
            if lost:
                words = {"level": "warning", "process": self._process, "event": "lines of the log lost", "count": lost}
                line = f"{json.dumps(words)}\n{line}"
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(line + "\n")
                sys.stderr.flush()


def configure(process: str) -> None:
    """Write the log of a process of this name to stderr, from INFO on."""
    root = logging.getLogger()
    root.handlers[:] = [Aside(process)]
    root.setLevel(logging.INFO)
