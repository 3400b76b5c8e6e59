"""Walking back through the journal: what an index finds at once, and what has to be looked for row by row.

The journal has two indexes, because each would be written with every lead: a workspace's calls in their order, and the
same for each outcome. Times are found in that order by halving; everything else is compared, slice by slice, until
there is enough or the time for a page is over.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Q

from stagewise.endpoints.models import Attempt, AttemptSummary

if TYPE_CHECKING:
    from stagewise.endpoints.journal import Wanted

#: Rows of a slice in which something is looked for; fewer where they are gathered from several parts of the index.
SLICE: Final = 5_000
_GATHERED: Final = 1_000
#: A page looks for so long, in seconds.
PATIENCE_S: Final = 0.03
#: A call's row may be written so much later than those of its neighbours, in milliseconds.
_LATE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
#: Above every row id.
_END: Final = 2**62

_Key = TypeVar("_Key")
_Of = TypeVar("_Of", Attempt, AttemptSummary)


class Walked(NamedTuple, Generic[_Of, _Key]):
    """Rows, newest first; and where the search ended early, if it did: from where it goes on, and its time."""

    rows: list[_Of]
    following: _Key | None = None
    looked_until: int = 0


def attempts(
    workspace_id: int, wanted: Wanted, before: int | None, size: int, *, patient: bool = False
) -> Walked[Attempt, int]:
    """Detail rows whose id is below ``before``."""
    bottom = 0 if wanted.since is None else _first_id_at(workspace_id, wanted.since - _LATE_MS)
    top = _END if before is None else before
    if wanted.until is not None:
        top = min(top, _first_id_at(workspace_id, wanted.until + _LATE_MS))
    compare, values = _compared(wanted)
    walk = _Ids(workspace_id, wanted.outcomes, bottom)
    if not compare:
        return Walked(_read(workspace_id, walk.newest(top, size)))
    if wanted.request_id:
        size = 1  # there is but one
    found: list[int] = []
    deadline = time.monotonic() + PATIENCE_S
    while True:
        last = walk.newest(top, 1, skip=walk.slice - 1)
        floor = last[0] if last else bottom
        found += walk.newest(top, size - len(found), compare, values, floor)
        if not last or len(found) >= size:
            return Walked(_read(workspace_id, found))
        top = floor
        if not patient and time.monotonic() > deadline:
            return Walked(_read(workspace_id, found), floor, _read(workspace_id, [floor])[0].at)


def summaries(
    workspace_id: int, wanted: Wanted, before: tuple[int, int, int] | None, size: int, *, patient: bool = False
) -> Walked[AttemptSummary, tuple[int, int, int]]:
    """Summary rows after ``before``: (hour, time of the last call, row id)."""
    if wanted.request_id:
        return Walked([])
    chosen = AttemptSummary.objects.filter(workspace_id=workspace_id)
    if wanted.since is not None:
        chosen = chosen.filter(hour__gte=wanted.since - wanted.since % _HOUR_MS)
    if wanted.until is not None:
        chosen = chosen.filter(hour__lt=wanted.until)
    matches = _matching(wanted)
    place = before
    found: list[AttemptSummary] = []
    deadline = time.monotonic() + PATIENCE_S
    while True:
        rest = chosen if place is None else chosen.filter(_after(place))
        # Whole hours: within one, rows are in no order that an index knows.
        last = rest.order_by("-hour").values_list("hour", flat=True)[SLICE - 1 : SLICE].first()
        here = rest if last is None else rest.filter(hour__gte=last)
        found += here.filter(matches).order_by("-hour", "-last_at", "-id")[: size - len(found)]
        if last is None or len(found) >= size:
            return Walked(found)
        place = (last, 0, 0)
        if not patient and time.monotonic() > deadline:
            return Walked(found, place, last)


class _Ids:
    """Row ids of a workspace's calls, newest first; of several outcomes each is read from its own part of the index."""

    def __init__(self, workspace_id: int, outcomes: list[str] | None, bottom: int) -> None:
        self._workspace_id = workspace_id
        self._outcomes = outcomes
        self._bottom = bottom
        self.slice = SLICE if outcomes is None or len(outcomes) == 1 else _GATHERED

    def newest(
        self, below: int, size: int, compare: str = "", values: tuple[Any, ...] = (), floor: int = 0, *, skip: int = 0
    ) -> list[int]:
        """At most ``size`` ids after the first ``skip`` ones, below one and from the bottom (or ``floor``) on."""
        statements, filled = [], list[Any]()
        arms: list[str | None] = [None] if self._outcomes is None else [*self._outcomes]
        # Without statistics SQLite may take the other index, and read all calls for each outcome.
        index = "" if self._outcomes is None or connection.vendor == "postgresql" else " INDEXED BY attempt_by_outcome"
        for outcome in arms:
            of = "" if outcome is None else " AND outcome = %s"
            statements.append(
                f"SELECT * FROM (SELECT id FROM attempt{index} WHERE workspace_id = %s"  # noqa: S608 - constants
                f"{of} AND id < %s AND id >= %s{compare} ORDER BY id DESC LIMIT %s) AS arm"
            )
            filled += [self._workspace_id, *([] if outcome is None else [outcome])]
            filled += [below, max(self._bottom, floor), *values, size + skip]
        with connection.cursor() as cursor:
            cursor.execute(
                f"{' UNION ALL '.join(statements)} ORDER BY 1 DESC LIMIT %s OFFSET %s",
                [*filled, size, skip],
            )
            return [row_id for (row_id,) in cursor.fetchall()]


def _compared(wanted: Wanted) -> tuple[str, tuple[Any, ...]]:
    """What each row is compared with, as SQL and its values."""
    parts: list[str] = []
    values: list[Any] = []

    def add(sql: str, *found: Any) -> None:
        parts.append(sql)
        values.extend(found)

    if wanted.endpoint_id is not None:
        add("endpoint_id = %s", wanted.endpoint_id)
    if wanted.address:
        add("(address = %s OR forwarded_by = %s)", wanted.address, wanted.address)
    if wanted.origin:
        add("origin LIKE %s ESCAPE '!'", f"%{_escaped(wanted.origin)}%")
    if wanted.request_id:
        add("request_id = %s", wanted.request_id)
    if wanted.since is not None:
        add("at >= %s", wanted.since)
    if wanted.until is not None:
        add("at < %s", wanted.until)
    return "".join(f" AND {part}" for part in parts), tuple(values)


def _matching(wanted: Wanted) -> Q:
    """The same of a summary row; which hours it may be of is asked before."""
    found = Q()
    if wanted.outcomes is not None:
        found &= Q(outcome__in=wanted.outcomes)
    if wanted.endpoint_id is not None:
        found &= Q(endpoint_id=wanted.endpoint_id)
    if wanted.address:
        found &= Q(address=wanted.address)
    if wanted.origin:
        found &= Q(origin__contains=wanted.origin)
    return found


def _after(place: tuple[int, int, int]) -> Q:
    hour, last_at, row = place
    return Q(hour__lt=hour) | Q(hour=hour, last_at__lt=last_at) | Q(hour=hour, last_at=last_at, id__lt=row)


def _read(workspace_id: int, ids: list[int]) -> list[Attempt]:
    return list(Attempt.objects.filter(workspace_id=workspace_id, id__in=ids).order_by("-id")) if ids else []


def _first_id_at(workspace_id: int, at: int) -> int:
    """From which id on calls came at this time or later: ids are given in the order of writing.

    Guessed by how far the time lies between two known ones, and by halving every other time, where the guess is bad.
    """
    rows = Attempt.objects.filter(workspace_id=workspace_id).order_by("id").values_list("id", "at")
    low, high = rows.first(), rows.last()
    if low is None or high is None or low[1] >= at:
        return low[0] if low else 0
    if high[1] < at:
        return high[0] + 1
    halve = False
    while high[0] - low[0] > 1:
        width, part = high[0] - low[0], 0.5 if halve else (at - low[1]) / (high[1] - low[1] + 1)
        middle, halve = low[0] + min(max(1, int(width * part)), width - 1), not halve
        found = rows.filter(id__gte=middle, id__lt=high[0]).first()
        if found is not None and found[1] < at:
            low = found
        else:
            # Between the middle and what was found there is no call, so that the middle says the same.
            high = (middle, found[1] if found else high[1])
    return high[0]


def _escaped(text: str) -> str:
    """A text of which ``LIKE`` takes every character as it is."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
