"""No leads: for longer than usual at this time of the week, or for so many hours.

What is usual is learned from how many leads came in each hour of the past weeks. Time is weighed by the leads that it
usually brings: a night without leads weighs nothing at an endpoint that never gets any at night, an hour on Monday
morning weighs much. A silence is too long when it weighs half as much again as the longest one so far, and would be
rare by chance too. So the rule is never broken by the weeks that it was learned from.
"""

from __future__ import annotations

import datetime
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    import zoneinfo
    from collections.abc import Sequence

    from stagewise.notify.alerts.rules import AlertRules

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000

#: How far back we look, and what is needed at least before anything counts as usual.
WEEKS: Final = 8
LEAST_DAYS, LEAST_LEADS = 14, 20
#: A silence must weigh so much more than the longest one so far …
FACTOR: Final = 1.5
#: … at least so many leads: were they to come at random, one silence in a thousand would weigh more (e⁻⁷) …
LEAST_WEIGHT: Final = 7.0
#: … and last so long: a restart takes a minute too.
LEAST_MS: Final = 30 * MINUTE_MS
#: Silences that we raised an alert for teach nothing, unless there are more of them than this: then they are usual.
MOST_EXCEPTIONS: Final = 2

_SLOTS = 7 * 24


class Row(NamedTuple):
    """Leads of a minute, or of an hour (``length``, in milliseconds); rows without leads are left out."""

    start: int
    length: int
    leads: int

    @property
    def end(self) -> int:
        """When it was over: the last lead had come by then."""
        return self.start + self.length


#: A stretch of time: from, until.
Span = tuple[int, int]


class Usual(NamedTuple):
    """What was learned: leads per hour, by hour of the week from Monday 0:00, and what the longest silence weighed."""

    rates: tuple[float, ...]
    longest: float
    zone: zoneinfo.ZoneInfo

    @property
    def bar(self) -> float:
        """What a silence weighs that is too long."""
        return max(LEAST_WEIGHT, FACTOR * self.longest)

    def weight(self, since: int, until: int) -> float:
        """How many leads this stretch of time usually brings."""
        found, start = 0.0, since - since % HOUR_MS
        while start < until:
            part = min(until, start + HOUR_MS) - max(since, start)
            found += self.rates[_slot(start, self.zone)] * part / HOUR_MS
            start += HOUR_MS
        return found


def learn(rows: Sequence[Row], zone: zoneinfo.ZoneInfo, exceptions: Sequence[Span] = ()) -> Usual | None:
    """What is usual by these rows, the oldest first; None while there is too little to learn from.

    The time after the last row teaches nothing: it may be the very silence that we look for. ``exceptions`` are
    silences that we raised an alert for.
    """
    if not rows or sum(row.leads for row in rows) < LEAST_LEADS or rows[-1].end - rows[0].start < LEAST_DAYS * DAY_MS:
        return None
    if len(exceptions) > MOST_EXCEPTIONS:
        exceptions = ()
    first, last = rows[0].start - rows[0].start % HOUR_MS, rows[-1].end
    hours, leads = [0] * _SLOTS, [0] * _SLOTS
    slots = [_slot(start, zone) for start in range(first, last, HOUR_MS)]
    for place, slot in enumerate(slots):
        start = first + place * HOUR_MS
        hours[slot] += not any(since < start + HOUR_MS and start < until for since, until in exceptions)
    for row in rows:
        leads[slots[(row.start - first) // HOUR_MS]] += row.leads
    rates = tuple(count / max(seen, 1) for count, seen in zip(leads, hours, strict=True))
    return Usual(rates, _longest(rows, rates, slots, exceptions), zone)


def _longest(rows: Sequence[Row], rates: Sequence[float], slots: Sequence[int], exceptions: Sequence[Span]) -> float:
    """What the longest silence between two rows weighs."""
    first = rows[0].start - rows[0].start % HOUR_MS
    # What all hours before each one weigh together, so that any stretch is a difference.
    sums = [0.0]
    for slot in slots:
        sums.append(sums[-1] + rates[slot])

    def before(moment: int) -> float:
        place, part = divmod(moment - first, HOUR_MS)
        if place >= len(slots):
            return sums[-1]
        return sums[place] + rates[slots[place]] * part / HOUR_MS

    longest = 0.0
    for row, following in pairwise(rows):
        until = following.start + MINUTE_MS
        if not any(since < until and row.end <= end for since, end in exceptions):
            longest = max(longest, before(until) - before(min(row.end, until)))
    return longest


def too_long(rules: AlertRules, usual: Usual | None, last: int | None, now: int) -> dict[str, Any] | None:
    """Whether nothing came for too long since ``last`` (None: there never was a lead), with the figures that say so."""
    if last is None or now <= last:
        return None
    if rules.usual_silence and usual is not None and now - last >= LEAST_MS:
        weight = usual.weight(last, now)
        if weight >= usual.bar:
            return {"rule": "usual", "last_lead_at": last, "usually": round(weight)}
    if rules.no_lead_hours is not None and now - last >= rules.no_lead_hours * HOUR_MS:
        return {"rule": "hours", "last_lead_at": last, "hours": rules.no_lead_hours}
    return None


def last_before(rows: Sequence[Row], moment: int) -> int | None:
    """The end of the last row that began before this moment."""
    place = bisect_right(rows, (moment,))
    return rows[place - 1].end if place else None


def _slot(start: int, zone: zoneinfo.ZoneInfo) -> int:
    local = datetime.datetime.fromtimestamp(start / 1000, zone)
    return local.weekday() * 24 + local.hour
