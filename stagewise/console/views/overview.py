"""The overview: how many leads came, what needs attention, how the endpoints are; first of all, the way to a lead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import ngettext

from stagewise.accounts.clock import now_ms
from stagewise.accounts.days import Days
from stagewise.accounts.models import Role
from stagewise.console import attention, first_steps, overview
from stagewise.console.access import Seat, page
from stagewise.console.context import show
from stagewise.console.views.leads import Tab
from stagewise.endpoints import figures as calls
from stagewise.endpoints import state
from stagewise.leads import figures as leads
from stagewise.leads import news

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

#: Days that the charts may show; the last is the usual one.
_LENGTHS = (7, 30)
_NEWEST = 5


@page(read=Role.VIEWER)
def home(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The figures; until the first lead has come, the three steps to it."""
    workspace, now = seat.workspace, now_ms()
    if not leads.any_came(workspace):
        steps = first_steps.steps(seat)
        if steps is not None:
            return show(request, seat, "overview_first.html", "overview", first=steps)
    days = Days.until(now, seat.zone)
    length = next((each for each in _LENGTHS if str(each) == request.GET.get("days")), _LENGTHS[-1])
    states = state.states(workspace)
    counted, called = leads.counted(workspace, days), calls.counted(workspace, days)
    figures, answered = overview.three(counted, called, workspace, days)
    columns = overview.columns(workspace, counted.by_type[-length:])
    waiting = attention.matters(seat, states, now, days.spans[-1].until)
    new = news.count(workspace, now)
    outcomes = called.outcomes(length)
    return show(
        request,
        seat,
        "overview.html",
        "overview",
        said=overview.sentence(counted.all.of(1), new, states, len(waiting)),
        figures=figures,
        columns=columns,
        by_day=overview.table(columns, counted, called, answered, days, length),
        total=sum(each.total for each in columns),
        reasons=overview.reasons(outcomes),
        calls=outcomes.total(),
        since=days.period(length).since,
        length=length,
        tabs=[Tab(ngettext("%d day", "%d days", each) % each, f"days={each}", each == length) for each in _LENGTHS],
        matters=waiting,
        states=states,
        newest=[(each, news.is_new(each, now)) for each in leads.newest(workspace, _NEWEST)],
        now=now,
    )
