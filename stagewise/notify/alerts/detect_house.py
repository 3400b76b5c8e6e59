"""What is wrong with the installation itself: channels that fail, queues that grow, a disk that fills up."""

from __future__ import annotations

from typing import Any, Final

from stagewise.checks import ENOUGH_SPACE
from stagewise.notify.alerts.detect_refusals import STAYS
from stagewise.options.holding import MOST_WAITING

MINUTE_MS: Final = 60_000

#: A channel whose every try has failed for so long.
FAILING_MS: Final = 30 * MINUTE_MS
#: Events that nobody has handed on, and deliveries that are due and not tried, for so long.
LATE_MS: Final = 10 * MINUTE_MS
#: Parts of what may wait in a lane, and of the held leads that may wait at an endpoint.
FULL: Final = 0.8
#: With the alert open, the disk must have so much more free space than the bar before it is resolved.
_FREE_AGAIN: Final = 1.25


def failing(failing_since: int | None, now: int) -> dict[str, Any] | None:
    """Whether a channel has failed for too long."""
    if failing_since is None or now - failing_since < FAILING_MS:
        return None
    return {"since": failing_since}


def late(oldest: int | None, count: int, now: int) -> dict[str, Any] | None:
    """Whether the oldest of ``count`` waiting things waits too long; ``oldest`` is since when it could be done."""
    if oldest is None or now - oldest < LATE_MS:
        return None
    return {"waiting": count, "since": oldest}


def lane_full(waiting: int, room: int, is_open: bool) -> dict[str, Any] | None:
    """Whether so many submissions waited at once in an intake process that it is close to answering 503."""
    return {"waiting": waiting, "room": room} if waiting >= room * FULL * (STAYS if is_open else 1) else None


def held_full(waiting: int, is_open: bool) -> dict[str, Any] | None:
    """Whether so many held leads wait that more are soon refused."""
    bar = MOST_WAITING * FULL * (0.9 if is_open else 1)
    return {"waiting": waiting, "room": MOST_WAITING} if waiting >= bar else None


def disk_full(free: int, total: int, is_open: bool) -> dict[str, Any] | None:
    """Whether a disk has too little space left, in bytes."""
    if free >= ENOUGH_SPACE * (_FREE_AGAIN if is_open else 1):
        return None
    return {"free_mib": free // 1024**2, "total_mib": total // 1024**2}
