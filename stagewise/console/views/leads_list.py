"""The list of the leads: searched, filtered, in order, page by page; and what a member wants to see of it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import QueryDict
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from stagewise.accounts import preferences
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Role
from stagewise.console import leads_table, toasts
from stagewise.console.access import Seat, page, view_for
from stagewise.console.context import show
from stagewise.console.leads_filters import Choice, Shown
from stagewise.leads import bulk, finding, news, saved, search, tasks
from stagewise.leads.finding import Budget, Count, Filters

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from stagewise.leads.finding import LeadPage
    from stagewise.leads.models import SavedView

#: How long is looked where somebody asks for what was not found at once, in seconds.
_FURTHER_S = 0.5
#: The longest that is looked for how many leads match, in seconds: the page does not wait for a number. Where the
#: leads took long to find, less is left for it, but no less than this.
_COUNTING_S = 0.02
_COUNTING_AT_LEAST_S = 0.004
#: So many ways out are shown where nothing matches: each is counted.
_WAYS = 4
_COUNTED = 1_000


@dataclass(frozen=True)
class Way:
    """A filter that could be let go, and how many leads there would be."""

    choice: Choice
    count: int
    exact: bool


@page(read=Role.VIEWER)
def leads(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The leads that somebody asked for."""
    filters = Filters.from_query(request.GET).seen_by(seat.member, seat.zone)
    shown, now = Shown(seat, filters), now_ms()
    before = finding.read(request.GET.get("before"), filters.sort)
    budget = Budget(_FURTHER_S) if "further" in request.GET else Budget()
    found = finding.find(seat.workspace, filters, before, budget=budget)
    return show(
        request,
        seat,
        "leads.html",
        "leads",
        filters=filters,
        shown=shown,
        rows=leads_table.rows_of(found.leads, shown.types, now),
        columns=leads_table.columns_of(seat.member.prefs),
        all_columns=leads_table.COLUMNS,
        following=_following(filters, found),
        newest=shown.query if before else None,
        looked_until=found.looked_until,
        short=[term for term in search.terms(filters.search) if len(term) < 3],
        not_searchable=found.not_searchable,
        count=_count(seat, filters, found, budget, begins=before is None) if filters.chosen else None,
        ways=_ways(seat, shown) if not found.leads and found.looked_until is None and before is None else [],
        new=news.count(seat.workspace, now),
        due=tasks.count_due(seat.workspace, seat.member, _end_of_today(seat, now)),
        running=bulk.running(seat.member) if seat.works_leads else [],
        at_most=bulk.AT_MOST,
        back=request.GET.urlencode(),
        export=_export(seat),
    )


@page(write=Role.VIEWER)
def lead_columns(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Keep which columns this member wants to see."""
    chosen = [name for name in leads_table.COLUMNS if name in request.POST.getlist("column")]
    preferences.keep(seat.member, leads_table.PREFERENCE, chosen)
    return to_list(request, seat)


@page(write=Role.VIEWER)
def lead_view_save(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Keep the filters under a name, for oneself or for everybody."""
    filters = Filters.from_query(QueryDict(request.POST.get("back", "")))
    shared = request.POST.get("shared") == "on" and seat.works_leads
    try:
        view = saved.save(seat.member, request.POST.get("name", ""), filters, shared=shared)
    except ActionError as error:
        toasts.refuse(request, error)
        return to_list(request, seat)
    toasts.say(request, _("“%s” is a tab now.") % view.name)
    return redirect(f"{_url(seat)}?{view.query}")


@page(write=Role.VIEWER)
def lead_view(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Rename a saved view, move it, or forget it."""
    view = view_for(seat, pk)
    try:
        _check_may_change(seat, view)
        match request.POST.get("act"):
            case "delete":
                kept = {"name": view.name, "back": view.query, "shared": "" if view.member_id else "on"}
                saved.delete(view, seat.user.email)
                undo = reverse("lead_view_save", args=[seat.workspace.slug])
                toasts.say(request, _("The view “%s” is gone; its leads are not.") % view.name, undo=undo, fields=kept)
            case "earlier":
                saved.move(seat.member, view, -1)
            case "later":
                saved.move(seat.member, view, 1)
            case _:
                saved.rename(view, request.POST.get("name", ""), seat.user.email)
    except ActionError as error:
        toasts.refuse(request, error)
    return redirect(f"{_url(seat)}?{view.query}")


def _check_may_change(seat: Seat, view: SavedView) -> None:
    if view.member_id is None and not seat.works_leads:
        raise ActionError({"": [_("This view is everybody's: an agent can change it.")]})


def to_list(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Back to the list as it was: its query was sent along as ``back``."""
    back = request.POST.get("back", "")[:4_000]
    query = QueryDict(back).urlencode() if back.isascii() and back.isprintable() else ""
    return redirect(f"{_url(seat)}?{query}" if query else _url(seat))


def _url(seat: Seat) -> str:
    return reverse("leads", args=[seat.workspace.slug])


def _following(filters: Filters, found: LeadPage) -> str:
    """Where the next page is; where time was up before this one was full, it may take longer."""
    if found.following is None:
        return ""
    further = [("further", "1")] if found.looked_until is not None else []
    return urlencode([*filters.to_query(), ("before", str(found.following)), *further])


def _export(seat: Seat) -> str:
    try:
        return reverse("leads_export", args=[seat.workspace.slug])
    except NoReverseMatch:
        return ""


def _count(seat: Seat, filters: Filters, found: LeadPage, budget: Budget, *, begins: bool) -> Count:
    """How many leads match. What the first page has found in all is not looked for again."""
    if begins and found.following is None:
        return Count(len(found.leads), exact=True)
    if begins and found.looked_until:
        return Count(len(found.leads), exact=False)
    seconds = min(_COUNTING_S, max(budget.left or 0, _COUNTING_AT_LEAST_S))
    return finding.count(seat.workspace, filters, _COUNTED, Budget(seconds))


def _ways(seat: Seat, shown: Shown) -> list[Way]:
    """Nothing matches: which of the filters could be let go, and what there would be then; the first few of them."""
    found = []
    for choice in shown.all_chosen()[:_WAYS]:
        without = Filters.from_query(QueryDict(choice.query)).seen_by(seat.member, seat.zone)
        count = finding.count(seat.workspace, without, _COUNTED, Budget(_COUNTING_AT_LEAST_S))
        found.append(Way(choice, count.number, count.exact))
    return sorted(found, key=lambda way: -way.count)


def _end_of_today(seat: Seat, now: int) -> int:
    """The last millisecond of the day, where the member is."""
    today = datetime.datetime.fromtimestamp(now / 1000, seat.zone).date()
    tomorrow = datetime.datetime.combine(today + datetime.timedelta(days=1), datetime.time(), seat.zone)
    return int(tomorrow.timestamp() * 1000) - 1
