"""Monitoring: how many calls came to what, how fast they were answered, where they came from, what waits to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Role
from stagewise.console import charts
from stagewise.console.access import Seat, page
from stagewise.console.context import show
from stagewise.console.templatetags.console import thousands
from stagewise.console.views.leads import Tab, number
from stagewise.endpoints import journal, monitoring
from stagewise.endpoints import queries as endpoints
from stagewise.endpoints.monitoring import DAY_MS, GROUPS, HOUR_MS, MINUTE_MS, Period
from stagewise.notify import figures

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrPromise

    from stagewise.endpoints.models import Endpoint
    from stagewise.endpoints.monitoring import Calls, Speed


class Choice(NamedTuple):
    """A period to choose: in words, its length and the length of one step in milliseconds, the heading of its chart."""

    label: str | _StrPromise
    length: int
    step: int
    heading: str | _StrPromise


#: The word in the query → the period.
PERIODS = {
    "1h": Choice(gettext_lazy("Last hour"), HOUR_MS, MINUTE_MS, gettext_lazy("Calls in each minute")),
    "24h": Choice(gettext_lazy("24 hours"), DAY_MS, 15 * MINUTE_MS, gettext_lazy("Calls in each 15 minutes")),
    "7d": Choice(gettext_lazy("7 days"), 7 * DAY_MS, 2 * HOUR_MS, gettext_lazy("Calls in each 2 hours")),
}
USUAL = "24h"


@page(read=Role.VIEWER)
def monitor(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The figures of one endpoint, or of all, in one period."""
    listed = endpoints.of_workspace(seat.workspace)
    wanted = number(request.GET.get("endpoint"))
    chosen = next((each for each in listed if each.pk == wanted), None)
    name = request.GET.get("period", USUAL)
    name = name if name in PERIODS else USUAL
    choice = PERIODS[name]
    period = Period.ending(now_ms(), choice.length, choice.step)
    only = chosen.pk if chosen else None
    calls = monitoring.calls(seat.workspace, period, only)
    return show(
        request,
        seat,
        "monitoring.html",
        "monitoring",
        endpoints=listed,
        chosen=chosen,
        period=name,
        choice=choice,
        tabs=_tabs(name, chosen),
        calls=calls,
        sentence=_sentence(calls, chosen),
        busiest=monitoring.busiest_minute(seat.workspace, period, only),
        tops=[(title, value, monitoring.top(seat.workspace, period, value, only)) for title, value in _TOPS],
        by_endpoint=_by_endpoint(listed, calls),
        deliveries=figures.figures(seat.workspace, period.since),
        newest_calls=monitoring.NEWEST,
        newest_deliveries=figures.NEWEST,
        **_charts(seat, period, calls),
    )


_TOPS: tuple[tuple[_StrPromise, Any], ...] = (
    (gettext_lazy("Top IP addresses"), "address"),
    (gettext_lazy("Top origins"), "origin"),
)


def _sentence(calls: Calls, chosen: Endpoint | None) -> str:
    """How the calls of the period went, in words."""
    name = chosen.name if chosen else ""
    if not calls.total:
        return _("No calls of “%s” in this time") % name if chosen else _("No calls in this time")
    counts = {"taken": thousands(calls.accepted), "total": thousands(calls.total), "name": name}
    if chosen:
        of = ngettext(
            "%(taken)s of %(total)s call taken by “%(name)s”",
            "%(taken)s of %(total)s calls taken by “%(name)s”",
            calls.total,
        )
    else:
        of = ngettext("%(taken)s of %(total)s call taken", "%(taken)s of %(total)s calls taken", calls.total)
    return of % counts


def _tabs(name: str, chosen: Endpoint | None) -> list[Tab]:
    kept: dict[str, int | str] = {"endpoint": chosen.pk} if chosen else {}
    return [Tab(str(each.label), urlencode({**kept, "period": word}), word == name) for word, each in PERIODS.items()]


def _charts(seat: Seat, period: Period, calls: Calls) -> dict[str, Any]:
    """The three charts, each with the rows of its table: a moment, and what is said of it."""
    starts, groups = period.starts, {name: str(label) for name, label in GROUPS.items()}
    times = [charts.clock(at, seat.zone, period.step) for at in starts]
    across = charts.across(starts, seat.zone, period.step)
    speeds, speed = monitoring.speeds(period)
    slow = {
        "half": (_("Half within"), [each.p50 for each in speeds]),
        "most": (_("99 of 100 within"), [each.p99 for each in speeds]),
    }
    waiting = [float(each.waiting) if each.p50 is not None else None for each in speeds]
    return {
        "calls_chart": charts.bars(calls.steps, groups, times, across),
        "calls_rows": [
            (time, [thousands(step.get(group, 0)) for group in GROUPS])
            for time, step in zip(times, calls.steps, strict=True)
            if step
        ],
        "groups": groups,
        "outcomes": _outcomes(calls),
        "speed": speed,
        "speed_words": None if speed.p50 is None or speed.p99 is None else (_s(speed.p50), _s(speed.p99)),
        "speed_chart": charts.lines(slow, times, across, _s),
        "queue_chart": charts.lines({"queue": (_("Longest queue"), waiting)}, times, across, _count, whole=True),
        "speed_rows": _speed_rows(times, speeds),
    }


def _speed_rows(times: list[str], speeds: list[Speed]) -> list[tuple[str, str, str, int]]:
    return [
        (time, _s(each.p50), _s(each.p99), each.waiting)
        for time, each in zip(times, speeds, strict=True)
        if each.p50 is not None and each.p99 is not None
    ]


def _outcomes(calls: Calls) -> list[dict[str, Any]]:
    """Each outcome that there was, most of them first."""
    ordered = sorted(calls.outcomes.items(), key=lambda item: (-item[1], item[0]))
    return [
        {
            "outcome": journal.outcome_of(code, 0),
            "group": monitoring.group_of(code),
            "count": count,
            "percent": 100 * count / calls.total,
        }
        for code, count in ordered
    ]


def _by_endpoint(listed: list[Endpoint], calls: Calls) -> list[dict[str, Any]]:
    return [
        {
            "endpoint": each,
            "accepted": good,
            "refused": bad,
            "percent": 100 * bad / (good + bad) if good + bad else None,
        }
        for each in listed
        for good, bad in [calls.endpoints.get(each.pk, (0, 0))]
    ]


_s = charts.seconds


def _count(value: float) -> str:
    return thousands(round(value))
