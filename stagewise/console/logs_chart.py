"""The chart above Logs: a bar for each hour (or four of them), and each bar a link to its calls."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from stagewise.console import charts, numbers
from stagewise.console.logs_asked import DAY_MS, HOUR_MS, periods, span_words
from stagewise.endpoints import figures

if TYPE_CHECKING:
    import zoneinfo

    from stagewise.accounts.models import Workspace
    from stagewise.console.logs_asked import Asked
    from stagewise.endpoints.figures import Step

#: Units of the box that a bar takes, the space beside it among them.
_STEP, _BAR = 10, 8
_HEIGHT = 100


class Bar(NamedTuple):
    """A bar as paths for an SVG; ``query`` leads to its calls, or to all where it is chosen already."""

    x: int
    accepted: int
    refused: int
    accepted_path: str
    refused_path: str
    time: str
    words: str
    query: str
    chosen: bool


@dataclass(frozen=True)
class Chart:
    """The bars, and the words of the axes from left to right and from the top down."""

    bars: list[Bar]
    width: int
    across: list[str]
    up: list[str]
    accepted: int
    refused: int

    @property
    def bars_with_calls(self) -> list[Bar]:
        """Those that a table has lines for, the newest first."""
        return [bar for bar in reversed(self.bars) if bar.accepted or bar.refused]


def chart(workspace: Workspace, asked: Asked, zone: zoneinfo.ZoneInfo, now: int) -> Chart:
    """The chart for what was asked: outcome and endpoint narrow it; of address and origin the counters know nothing."""
    period = periods()[asked.period]
    since, until = _window(asked, zone, now)
    wanted = asked.wanted
    steps = figures.steps(
        workspace, since, until, period.step, endpoint_id=wanted.endpoint_id, outcomes=wanted.outcomes
    )
    most = charts.round_up(max((each.accepted + each.refused for each in steps), default=0))
    return Chart(
        [_bar(place, each, most, asked, zone) for place, each in enumerate(steps)],
        len(steps) * _STEP,
        _across(steps, zone, period.step),
        [numbers.count(int(most)), numbers.count(int(most / 2)), "0"],
        sum(each.accepted for each in steps),
        sum(each.refused for each in steps),
    )


def _window(asked: Asked, zone: zoneinfo.ZoneInfo, now: int) -> tuple[int, int]:
    """From when to when: up to now in whole steps of local time; where an earlier time is chosen, from its day on."""
    period = periods()[asked.period]
    until = _next_step(now, period.step, zone)
    since, chosen = until - period.length, asked.wanted.since
    if chosen is not None and chosen < since:
        since = _next_step(chosen, DAY_MS, zone) - DAY_MS
        until = since + period.length
    return since, until


def _next_step(at: int, step: int, zone: zoneinfo.ZoneInfo) -> int:
    """The next multiple of a step of local time after a moment."""
    offset = datetime.datetime.fromtimestamp(at / 1000, zone).utcoffset() or datetime.timedelta()
    local = at + int(offset.total_seconds()) * 1000
    return at - local % step + step


def _bar(place: int, step: Step, most: float, asked: Asked, zone: zoneinfo.ZoneInfo) -> Bar:
    x, total = place * _STEP + (_STEP - _BAR) // 2, step.accepted + step.refused
    good, bad = (_HEIGHT * count / most for count in (step.accepted, step.refused))
    # What is there is seen, however much more there is elsewhere.
    good, bad = (max(high, 2.0) if high else 0.0 for high in (good, bad))
    chosen = asked.wanted.since == step.since and asked.wanted.until == step.until
    time = span_words(step.since, step.until, zone)
    counts = _("%(accepted)s taken, %(refused)s refused") % {
        "accepted": numbers.count(step.accepted),
        "refused": numbers.count(step.refused),
    }
    span: dict[str, int | None] = {"from": None, "until": None} if chosen else {"from": step.since, "until": step.until}
    return Bar(
        place * _STEP,
        step.accepted,
        step.refused,
        f"M{x} {_HEIGHT - good:.2f}h{_BAR}v{good:.2f}h-{_BAR}z" if good else "",
        f"M{x} {_HEIGHT - good - bad:.2f}h{_BAR}v{bad:.2f}h-{_BAR}z" if bad else "",
        time,
        f"{time}: {counts if total else _('no calls')}",
        asked.link(**span, before=None),
        chosen,
    )


def _across(steps: list[Step], zone: zoneinfo.ZoneInfo, step: int) -> list[str]:
    """Words below the bars at equal distances: hours, or days."""
    form = "H:i" if step <= HOUR_MS else "D j M"
    parts = 6 if step <= HOUR_MS else 7
    starts = [steps[len(steps) * part // parts].since for part in range(parts)]
    return [date_format(datetime.datetime.fromtimestamp(at / 1000, zone), form) for at in starts]
