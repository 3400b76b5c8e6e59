"""The relay's log: a JSON object for each event, without the URL of the endpoint and without what visitors typed.

Inside another program the objects go to the logger ``stagewise_client.relay`` as the text of its records; the command
``stagewise-relay`` writes them to standard error, one to a line, and everything else that is logged likewise.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

_logger = logging.getLogger("stagewise_client.relay")
_OURS = "stagewise_relay_event"


def note(level: int, event: str, **details: object) -> None:
    """Log an event. Details that are None or empty are left out."""
    kept = {"event": event, **{name: value for name, value in details.items() if value not in (None, "", (), [])}}
    _logger.log(level, "%s", json.dumps(kept, ensure_ascii=False, default=str), extra={_OURS: kept})


class JsonLines(logging.Formatter):
    """One record as one line. JSON escapes control characters, so no text can forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a JSON object with time and level."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said = getattr(record, _OURS, None) or {"event": record.getMessage(), "logger": record.name}
        line = {"at": at, "level": record.levelname.lower(), **said}
        if record.exc_info and record.exc_info[1] is not None:
            line["traceback"] = "".join(traceback.format_exception(record.exc_info[1]))
        return json.dumps(line, ensure_ascii=False, default=str)


def configure() -> None:
    """Write the log of this process to standard error, from INFO on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # The HTTP library tells every URL at this level, and the endpoint's is nobody's business.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
