"""Leads: the list, one lead, and working it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Role
from stagewise.console import toasts
from stagewise.console.access import Seat, lead_for, page, stage_for
from stagewise.console.context import show
from stagewise.endpoints import journal
from stagewise.endpoints import queries as endpoints
from stagewise.leads import actions, queries

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest, HttpResponse


@page(read=Role.VIEWER)
def leads(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The leads, newest first: searched, by lead type, page by page."""
    search = request.GET.get("q", "").strip()[:200]
    types = queries.lead_types(seat.workspace)
    wanted = request.GET.get("type", "")
    chosen = next((each for each in types if str(each.pk) == wanted), None)
    found = queries.page(seat.workspace, search, chosen, number(request.GET.get("before")))
    kept = {name: value for name, value in (("q", search), ("type", chosen.pk if chosen else "")) if value}
    return show(
        request,
        seat,
        "leads.html",
        "leads",
        leads=found.leads,
        older=urlencode({**kept, "before": found.next_before}) if found.next_before else "",
        newest=urlencode(kept) if "before" in request.GET else None,
        search=search,
        types=types,
        chosen=chosen,
        created=journal.counts(seat.workspace, now_ms()).get("created", 0),
        endpoints=endpoints.of_workspace(seat.workspace),
    )


@page(read=Role.VIEWER)
def lead(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """One lead with all that is known of it."""
    found = lead_for(seat, public_id)
    stages = [each for each in found.lead_type.stages.all() if each.archived_at is None or each.pk == found.stage_id]
    return show(request, seat, "lead.html", "leads", lead=found, stages=stages)


@page(write=Role.AGENT)
def lead_stage(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Put the lead into another stage."""
    found = lead_for(seat, public_id)
    stage = stage_for(seat, number(request.POST.get("stage")) or 0)
    before = found.stage
    try:
        actions.set_stage(found, stage, seat.user.email)
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
    actions.delete_lead(found, seat.user.email)
    toasts.say(request, f"“{found.name[:80]}” was deleted.")
    return redirect("leads", slug=seat.workspace.slug)


def number(text: str | None) -> int | None:
    """A row id as it came in a URL or a form; None where it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
