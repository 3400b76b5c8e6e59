"""Deleted leads: deleting one, the list of those that can be put back, and deleting for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.shortcuts import redirect
from django.utils.translation import gettext as _

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Role
from stagewise.console import toasts
from stagewise.console.access import Seat, deleted_lead_for, lead_for, page
from stagewise.console.context import show
from stagewise.console.views.leads import number, public_id_of, url
from stagewise.leads import trash, working

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest, HttpResponse

    from stagewise.leads.models import DeletedLead, Lead


class Row(NamedTuple):
    """A deleted lead, when it goes for good, and the lead that it was merged into where that is still there."""

    deleted: DeletedLead
    until: int
    into: Lead | None


@page(write=Role.AGENT)
def lead_delete(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Delete the lead; Undo, and for a month the list below, puts it back."""
    found = lead_for(seat, public_id)
    working.delete_lead(found, seat.user.email)
    toasts.say(request, _("“%s” was deleted.") % found.name[:80], undo=url("lead_restore", seat, found))
    return redirect("leads", slug=seat.workspace.slug)


@page(read=Role.VIEWER)
def leads_deleted(request: HttpRequest, seat: Seat) -> HttpResponse:
    """What was deleted in the last month, newest first."""
    found = trash.page(seat.workspace, number(request.GET.get("before")))
    into = trash.went_into(found.leads)
    rows = [Row(each, each.deleted_at + trash.KEPT_MS, into.get(each.merged_into or 0)) for each in found.leads]
    return show(
        request,
        seat,
        "leads_deleted.html",
        "leads",
        rows=rows,
        days=trash.DAYS_KEPT,
        older=f"before={found.next_before}" if found.next_before else "",
        newest="" if "before" in request.GET else None,
    )


@page(write=Role.AGENT)
def lead_restore(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Put a deleted lead back; one that was merged into another one parts from it."""
    try:
        restored = working.restore(seat.workspace, public_id, seat.user.email)
    except ActionError as error:
        # Somebody else put it back already, or it is somebody else's: either way it is found, or it is not.
        found = lead_for(seat, public_id)
        toasts.refuse(request, error)
        return redirect("lead", slug=seat.workspace.slug, public_id=found.public_id)
    toasts.say(request, _("“%s” is back.") % restored.name[:80])
    # After a merge, to the lead that the person looks at.
    back = request.POST.get("back")
    public_id = public_id_of(back) if back else restored.public_id
    return redirect("lead", slug=seat.workspace.slug, public_id=public_id)


@page(read=Role.AGENT, write=Role.AGENT)
def lead_remove(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Ask by naming the lead, then delete it for good."""
    found = deleted_lead_for(seat, public_id)
    if request.method != "POST":
        return show(request, seat, "lead_remove.html", "leads", deleted=found)
    try:
        trash.delete_for_good(seat.workspace, public_id, seat.user.email)
    except ActionError as error:
        toasts.refuse(request, error)
    else:
        toasts.say(request, _("“%s” is deleted for good.") % found.name[:80])
    return redirect("leads_deleted", slug=seat.workspace.slug)
