"""One lead: its page, and its fields, stage, type and owner.

The list is in leads_list.py; notes, tags, follow-ups and merging are in lead_work.py, deleting in lead_trash.py.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from stagewise.accounts.errors import ActionError, Conflict
from stagewise.accounts.models import Role
from stagewise.console import lead_page, toasts
from stagewise.console.access import Seat, deleted_lead_for, lead_for, lead_type_for, member_for, page, stage_for
from stagewise.console.context import show
from stagewise.leads import trash, working
from stagewise.leads.models import StageKind

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from stagewise.leads.models import Lead


class Tab(NamedTuple):
    """A tab: its label, the query that it links, and whether it is the one that is open."""

    label: str
    query: str
    current: bool


@page(read=Role.VIEWER)
def lead(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """One lead with all that is known of it; of a deleted one, what became of it and how it comes back."""
    try:
        return shown(request, seat, lead_for(seat, public_id))
    except Http404:
        gone = deleted_lead_for(seat, public_id)
    into = trash.went_into([gone]).get(gone.merged_into or 0)
    return show(request, seat, "lead_gone.html", "leads", 410, deleted=gone, into=into, days=trash.DAYS_KEPT)


@page(write=Role.AGENT)
def lead_stage(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Put the lead into another stage. Who saw it in another one than it stands in is told, and may insist."""
    found = lead_for(seat, public_id)
    stage, reason = stage_for(seat, number(request.POST.get("stage")) or 0), request.POST.get("reason", "")
    before = found.stage
    fields: dict[str, str | int] = {"stage": before.pk, "seen": stage.pk, "reason": found.closed_reason or ""}
    try:
        working.set_stage(found, stage, seat.user.email, seen=number(request.POST.get("seen")), reason=reason)
    except Conflict as conflict:
        there = lead_for(seat, public_id)
        return shown(request, seat, there, 409, moved=str(conflict), wanted=stage, reason=reason)
    except ActionError as error:
        if "reason" in error.problems:
            return shown(request, seat, found, 422, problems=error.problems, wanted=stage, reason=reason)
        toasts.refuse(request, error)
    else:
        if stage.pk != before.pk:
            undo = url("lead_stage", seat, found) if before.archived_at is None else ""
            toasts.say(request, _("Now in “%s”.") % stage.name, undo=undo, fields=fields)
    return back(seat, found)


@page(write=Role.AGENT)
def lead_type(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Make it a lead of another type; Undo puts it into the stage that it came from."""
    found = lead_for(seat, public_id)
    chosen = lead_type_for(seat, number(request.POST.get("lead_type")) or 0)
    stage = stage_for(seat, number(request.POST["stage"]) or 0) if request.POST.get("stage") else None
    before, stage_before = found.lead_type, found.stage
    try:
        working.set_lead_type(found, chosen, seat.user.email, stage=stage)
    except ActionError as error:
        toasts.refuse(request, error)
    else:
        if chosen.pk != before.pk:
            can_go_back = before.archived_at is None and stage_before.archived_at is None
            undo = url("lead_type", seat, found) if can_go_back else ""
            fields = {"lead_type": before.pk, "stage": stage_before.pk}
            toasts.say(request, _("Now a lead of the type “%s”.") % chosen.name, undo=undo, fields=fields)
    return back(seat, found)


@page(write=Role.AGENT)
def lead_owner(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Give the lead to a member, or to nobody."""
    found = lead_for(seat, public_id)
    owner = member_for(seat, number(request.POST["owner"]) or 0) if request.POST.get("owner") else None
    before = found.owner
    try:
        working.assign(found, owner, seat.user.email)
    except ActionError as error:
        toasts.refuse(request, error)
    else:
        if owner != before:
            text = _("%s works it now.") % lead_page.called(owner) if owner else _("It is nobody's now.")
            undo = url("lead_owner", seat, found)
            toasts.say(request, text, undo=undo, fields={"owner": before.pk if before else ""})
    return back(seat, found)


@page(write=Role.AGENT)
def lead_edit(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Correct what the lead says; what was typed stays when it is refused, or when somebody else was quicker."""
    found = lead_for(seat, public_id)
    raw = {field: request.POST[field] for field in lead_page.FIELDS if field in request.POST}
    before = {field: getattr(found, field) or "" for field in raw}
    try:
        changed = working.edit(found, raw, seat.user.email, seen=number(request.POST.get("seen")))
    except ActionError as error:
        status = 409 if isinstance(error, Conflict) else 422
        values = {**{name: getattr(found, name) or "" for name in lead_page.FIELDS}, **raw}
        return shown(request, seat, found, status, editing=True, values=values, problems=error.problems)
    old = {field: text for field, text in before.items() if text != (getattr(changed, field) or "")}
    if old:
        toasts.say(request, _("Saved."), undo=url("lead_edit", seat, found), fields=old)
    return back(seat, found)


# For the views beside these


def shown(request: HttpRequest, seat: Seat, lead: Lead, status: int = 200, **typed: Any) -> HttpResponse:
    """The lead's page; ``typed`` is what was refused, and why."""
    found = lead_page.context(seat, lead, request.GET, **typed)
    return show(request, seat, "lead.html", "leads", status, stage_kinds=StageKind, **found)


def back(seat: Seat, lead: Lead) -> HttpResponse:
    """To the lead's page, after an act."""
    return redirect("lead", slug=seat.workspace.slug, public_id=lead.public_id)


def url(name: str, seat: Seat, lead: Lead, *more: int) -> str:
    """The address of an act on the lead."""
    return reverse(name, args=[seat.workspace.slug, lead.public_id, *more])


def public_id_of(text: str | None) -> uuid.UUID:
    """A lead's id as it came in a form; 404 where it is none."""
    try:
        return uuid.UUID(text or "")
    except ValueError:
        raise Http404 from None


def number(text: str | None) -> int | None:
    """A row id as it came in a URL or a form; None where it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None
