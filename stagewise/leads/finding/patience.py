"""Breaking off a look that takes far longer than those before it, as where it comes to pages that only the disk has."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import OperationalError, connection

if TYPE_CHECKING:
    from collections.abc import Iterator

#: So many steps SQLite makes between two looks at the clock: some thirty leads.
_STEPS = 1_000


class TooLate(Exception):
    """Time was up in the middle of a statement, whose finds are lost."""


@contextmanager
def broken_off_after(seconds: float | None) -> Iterator[None]:
    """Raise :class:`TooLate` when a reading statement within is not done after so many seconds; None: let it end.

    On SQLite only: a server reads with several hands, and was never seen to need this.
    """
    if seconds is None or connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    database, end = connection.connection, time.monotonic() + seconds
    database.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        yield
    except OperationalError as error:
        if "interrupted" not in str(error):
            raise
        raise TooLate from error
    finally:
        database.set_progress_handler(None, _STEPS)
