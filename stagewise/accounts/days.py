"""Calendar days as a person's time zone has them: what figures "by day" are counted in."""

from __future__ import annotations

import datetime
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import zoneinfo

#: Figures are said of today, of 7 and of 30 days; today is one of them.
PERIODS: Final = (1, 7, 30)
#: So many days it takes to say how the longest period was before.
NEEDED: Final = 2 * PERIODS[-1]


class Span(NamedTuple):
    """A stretch of time in milliseconds since 1970; ``until`` is not in it."""

    since: int
    until: int


@dataclass(frozen=True)
class Days:
    """Days in a row, the last is today. Where clocks change one has 23 or 25 hours."""

    #: Each day's date, the oldest first.
    dates: list[datetime.date]
    #: Each whole day; today goes on until midnight.
    spans: list[Span]
    #: For each of :data:`PERIODS`: that many days ago, from midnight until it was as late as it is now.
    heads: dict[int, Span]

    @classmethod
    def until(cls, now: int, zone: zoneinfo.ZoneInfo, count: int = NEEDED) -> Days:
        """The last ``count`` days; ``now`` is in milliseconds since 1970."""
        moment = datetime.datetime.fromtimestamp(now / 1000, zone)
        today = moment.date()
        dates = [today - datetime.timedelta(days=back) for back in range(count - 1, -1, -1)]
        starts = [_start(each, zone) for each in [*dates, today + datetime.timedelta(days=1)]]
        heads = {}
        for period in PERIODS:
            day = today - datetime.timedelta(days=period)
            as_late = datetime.datetime.combine(day, moment.time(), zone)
            heads[period] = Span(_start(day, zone), int(as_late.timestamp() * 1000))
        return cls(dates, [Span(*pair) for pair in itertools.pairwise(starts)], heads)

    def period(self, days: int) -> Span:
        """The last so many days, today among them."""
        return Span(self.spans[-days].since, self.spans[-1].until)

    def period_before(self, days: int) -> Span:
        """As many days before those, up to the time of day that it is now: the two can be compared."""
        return Span(self.spans[-2 * days].since, self.heads[days].until)


@dataclass(frozen=True)
class Daily:
    """A number for each day of a :class:`Days`, and for each of its heads."""

    days: list[int]
    heads: dict[int, int]

    def of(self, period: int) -> int:
        """The last so many days together."""
        return sum(self.days[-period:])

    def before(self, period: int) -> int:
        """As many days before those, up to the time of day that it is now."""
        return sum(self.days[-2 * period : -period - 1]) + self.heads[period]


def _start(day: datetime.date, zone: zoneinfo.ZoneInfo) -> int:
    """When a day begins; where clocks skip midnight, the moment at which they do."""
    return int(datetime.datetime.combine(day, datetime.time(), zone).timestamp() * 1000)
