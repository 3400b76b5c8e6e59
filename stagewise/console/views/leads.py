"""Leads: the list, one lead, and working it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Role
from stagewise.console import came_by, toasts
from stagewise.console.access import Seat, lead_for, page, stage_for
from stagewise.console.context import show
from stagewise.endpoints import journal
from stagewise.leads import queries, working
from stagewise.notify import figures

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

    from stagewise.leads.models import LeadType


class Tab(NamedTuple):
    """A tab: its label, the query that it links, and whether it is the one that is open."""

    label: str
    query: str
    current: bool


class Filter(NamedTuple):
    """A field to filter by: its name in the query, its label, what can be chosen as (value, words), what is."""

    name: str
    label: str
    choices: list[tuple[str, str]]
    chosen: str


#: What of test leads to show.
TESTS = {"": "With test leads", "hide": "Without test leads", "only": "Test leads only"}


@page(read=Role.VIEWER)
def leads(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The leads, newest first: searched, by lead type, by campaign, page by page."""
    search = request.GET.get("q", "").strip()[:200]
    types = queries.lead_types(seat.workspace)
    wanted = request.GET.get("type", "")
    chosen = next((each for each in types if str(each.pk) == wanted), None)
    marks = _marks(request)
    found = queries.page(seat.workspace, search, chosen, number(request.GET.get("before")), marks=marks)
    picked = {"q": search, "type": chosen.pk if chosen else "", **marks._asdict()}
    kept: dict[str, str | int] = {name: value for name, value in picked.items() if value}
    return show(
        request,
        seat,
        "leads.html",
        "leads",
        leads=found.leads,
        older=urlencode({**kept, "before": found.next_before}) if found.next_before else "",
        newest=urlencode(kept) if "before" in request.GET else None,
        search=search,
        tabs=_tabs(types, chosen, kept),
        kept=kept,
        filters=_filters(seat, marks),
        created=journal.counts(seat.workspace, now_ms()).get("created", 0),
    )


def _marks(request: HttpRequest) -> queries.Marks:
    test = request.GET.get("test", "")
    texts = (request.GET.get(name, "").strip()[:200] for name in ("source", "campaign"))
    return queries.Marks(test if test in TESTS else "", *texts)


def _tabs(types: list[LeadType], chosen: LeadType | None, kept: Mapping[str, str | int]) -> list[Tab]:
    """A tab for each lead type in use; each keeps what else was chosen."""
    others = {name: value for name, value in kept.items() if name != "type"}
    shown = [each for each in types if not each.archived_at or each == chosen]
    tabs = [Tab(each.name, urlencode({**others, "type": each.pk}), each == chosen) for each in shown]
    return [Tab("All", urlencode(others), chosen is None), *tabs]


def _filters(seat: Seat, marks: queries.Marks) -> list[Filter]:
    """What to filter by, if there is anything of the kind; what is chosen stays offered in any case."""
    found = []
    if marks.test or queries.has_test_leads(seat.workspace):
        found.append(Filter("test", "Test leads", list(TESTS.items()), marks.test))
    fields: tuple[tuple[Literal["utm_source", "utm_campaign"], str, str], ...] = (
        ("utm_source", "source", "All sources"),
        ("utm_campaign", "campaign", "All campaigns"),
    )
    for field, name, everything in fields:
        picked = getattr(marks, name)
        values = queries.campaign_values(seat.workspace, field)
        if picked and picked not in values:
            values.insert(0, picked)
        if values:
            choices = [("", everything), *((value, value) for value in values)]
            found.append(Filter(name, everything, choices, picked))
    return found


@page(read=Role.VIEWER)
def lead(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """One lead with all that is known of it."""
    found = lead_for(seat, public_id)
    stages = [each for each in found.lead_type.stages.all() if each.archived_at is None or each.pk == found.stage_id]
    lines = came_by.lines(queries.came_by(found))
    deliveries = figures.of_lead(found)
    return show(request, seat, "lead.html", "leads", lead=found, stages=stages, came_by=lines, deliveries=deliveries)


@page(write=Role.AGENT)
def lead_stage(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Put the lead into another stage."""
    found = lead_for(seat, public_id)
    stage = stage_for(seat, number(request.POST.get("stage")) or 0)
    before = found.stage
    try:
        working.set_stage(found, stage, seat.user.email)
    except ActionError as error:
        toasts.refuse(request, error)
    else:
        if stage.pk != before.pk:
            undo = reverse("lead_stage", args=[seat.workspace.slug, found.public_id])
            fields = {"stage": before.pk} if before.archived_at is None else None
            toasts.say(request, f"Now in “{stage.name}”.", undo=undo if fields else "", fields=fields)
    return redirect("lead", slug=seat.workspace.slug, public_id=public_id)


@page(read=Role.AGENT, write=Role.AGENT)
def lead_delete(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Ask by naming the lead, then delete it for good."""
    found = lead_for(seat, public_id)
    if request.method != "POST":
        return show(request, seat, "lead_delete.html", "leads", lead=found)
    working.delete_lead(found, seat.user.email)
    toasts.say(request, f"“{found.name[:80]}” was deleted.")
    return redirect("leads", slug=seat.workspace.slug)


def number(text: str | None) -> int | None:
    """A row id as it came in a URL or a form; None where it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
