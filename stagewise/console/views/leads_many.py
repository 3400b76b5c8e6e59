"""Changing many leads at once from the list, watching how far it is, and taking it back."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Role
from stagewise.console import bulk_words, toasts
from stagewise.console.access import Seat, bulk_for, page
from stagewise.console.context import show
from stagewise.console.views.leads_list import to_list
from stagewise.leads import bulk
from stagewise.leads.finding import Filters
from stagewise.leads.models import BulkChange, BulkKind, Lead

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

#: A request works on it for so long, in seconds; the worker does the rest.
_AT_ONCE_S = 0.8
#: So many leads can be marked one by one.
_MARKED = 1_000


@page(write=Role.AGENT)
def leads_bulk(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Do something to the leads that are marked, or to all that match."""
    try:
        kind, value = _asked(request)
        ids, filters = _marked(request, seat), _all(request, seat)
        change = bulk.begin(seat.member, kind, value=value, ids=ids, filters=filters)
    except ActionError as error:
        toasts.refuse(request, error)
        return to_list(request, seat)
    _say(request, seat, bulk.go_on(change, _AT_ONCE_S))
    return to_list(request, seat)


@page(write=Role.AGENT)
def leads_bulk_undo(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Take it back: each lead that nobody has changed since."""
    try:
        change = bulk.take_back(bulk_for(seat, pk))
    except ActionError as error:
        toasts.refuse(request, error)
        return to_list(request, seat)
    _say(request, seat, bulk.go_on(change, _AT_ONCE_S))
    return to_list(request, seat)


@page(read=Role.AGENT)
def leads_bulk_state(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """How far it is."""
    return show(request, seat, "leads_bulk.html", "leads", change=bulk_for(seat, pk), back=request.GET.get("back", ""))


def _say(request: HttpRequest, seat: Seat, change: BulkChange) -> None:
    """Say what was done, with an undo; what goes on is shown above the list."""
    for why, number in change.refused.items():
        toasts.refuse(request, ActionError({"": [bulk_words.left(why, number)]}))
    if change.ended_at is None:
        return
    if change.undone_at is not None:
        toasts.say(request, bulk_words.done(change))
    elif change.changed:
        undo = reverse("leads_bulk_undo", args=[seat.workspace.slug, change.pk])
        toasts.say(request, bulk_words.done(change), undo=undo, fields={"back": request.POST.get("back", "")})
    elif not change.refused:
        toasts.say(request, _("They are like that already: nothing was changed."))


def _asked(request: HttpRequest) -> tuple[BulkKind, str]:
    """Which button was pressed: its name is the kind, its value what the kind calls for."""
    if "one" in request.POST:
        return BulkKind.STAGE, request.POST["one"].partition(" ")[2]
    for kind in BulkKind:
        if kind.value in request.POST:
            # A tag that is new stands in the field beside the button.
            return kind, request.POST[kind.value] or request.POST.get(f"{kind.value}_name", "")
    raise ActionError({"": [_("Choose what to do with them.")]})


def _marked(request: HttpRequest, seat: Seat) -> list[int]:
    """The leads that are marked; the one whose own button was pressed; none where all are meant that match."""
    texts = request.POST.getlist("lead")[:_MARKED]
    if "one" in request.POST:
        texts = [request.POST["one"].partition(" ")[0]]
    elif request.POST.get("all") == "1":
        return []
    ids = [found for found in map(_uuid, texts) if found]
    return list(Lead.objects.filter(workspace=seat.workspace, public_id__in=ids).values_list("pk", flat=True))


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _all(request: HttpRequest, seat: Seat) -> Filters | None:
    if request.POST.get("all") != "1" or "one" in request.POST:
        return None
    return Filters.from_query(QueryDict(request.POST.get("back", ""))).seen_by(seat.member, seat.zone)
