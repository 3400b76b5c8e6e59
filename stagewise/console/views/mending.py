"""Mends that are one click: where a refusal is shown, what let it happen is changed; Undo changes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from stagewise.accounts.caller import address_of
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Role
from stagewise.console import numbers, toasts, way_back
from stagewise.console.access import Seat, endpoint_for, lead_type_for, page
from stagewise.console.views.leads import number
from stagewise.endpoints.actions import RuleChanges, save_rules
from stagewise.leads import actions as leads
from stagewise.leads.models import LeadType

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from stagewise.endpoints.models import Endpoint


@page(write=Role.ADMIN)
def mend_limit(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Set an endpoint's limit, if it is still what the person saw; Undo sets that again."""
    found = endpoint_for(seat, pk)
    before = found.max_leads_per_ip
    try:
        limit = _set_limit(request, seat, found)
    except ActionError as error:
        toasts.refuse(request, error)
    else:
        said = _("“%(name)s” takes %(limit)s leads from an IP in 24 hours now.")
        words = said % {"name": found.name, "limit": numbers.count(limit)}
        undo = reverse("mend_limit", args=[seat.workspace.slug, pk])
        fields = {"from": str(limit), "to": str(before or 0)} | way_back.kept(request)
        toasts.say(request, words, undo=undo, fields=fields)
    return _done(request, seat)


def _set_limit(request: HttpRequest, seat: Seat, endpoint: Endpoint) -> int:
    limit = number(request.POST.get("to"))
    if limit is None or number(request.POST.get("from")) != endpoint.max_leads_per_ip:
        raise ActionError({"": [_("Somebody changed the limit in the meantime. Look at it once more.")]})
    # Who saves at the same moment is told: the version is the one that was looked at.
    changes = RuleChanges(max_leads_per_ip=limit)
    save_rules(endpoint, changes, seat.user.email, address_of(request), endpoint.version)
    return limit


@page(write=Role.ADMIN)
def mend_lead_type(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Make a lead type of a name that came and was none's; Undo puts it into the archive."""
    name = request.POST.get("name", "")
    before = set(LeadType.objects.filter(workspace=seat.workspace, archived_at=None).values_list("pk", flat=True))
    try:
        added = leads.add_lead_type(seat.workspace, name, seat.user.email)
    except ActionError as error:
        toasts.refuse(request, error)
        return _done(request, seat)
    if added.pk in before:
        toasts.say(request, _("There is a lead type “%s” already.") % added.name)
    else:
        undo = reverse("mend_lead_type_undo", args=[seat.workspace.slug, added.pk])
        toasts.say(request, _("“%s” is a lead type now.") % added.name, undo=undo, fields=way_back.kept(request))
    return _done(request, seat)


@page(write=Role.ADMIN)
def mend_lead_type_undo(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Archive the lead type again, whose leads keep it."""
    try:
        archived = leads.archive_lead_type(lead_type_for(seat, pk), seat.user.email)
    except ActionError as error:
        toasts.refuse(request, error)
    else:
        toasts.say(request, _("“%s” is in the archive.") % archived.name)
    return _done(request, seat)


def _done(request: HttpRequest, seat: Seat) -> HttpResponse:
    return way_back.way_back(request, seat) or redirect("logs", slug=seat.workspace.slug)
