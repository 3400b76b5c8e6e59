"""Held leads: what looked suspicious and waits for somebody to release or discard it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stagewise.accounts.models import Role
from stagewise.console import came_by, toasts
from stagewise.console.access import Seat, page
from stagewise.console.context import show
from stagewise.console.templatetags.console import thousands
from stagewise.console.views.leads import number
from stagewise.leads import held as actions
from stagewise.leads import held_queries as queries
from stagewise.leads.models import HeldLead, HeldState, Lead
from stagewise.leads.queries import came_by_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@page(read=Role.VIEWER)
def held(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Held leads in one state, newest first; those that wait unless another state is chosen."""
    wanted = request.GET.get("state", "")
    state = wanted if wanted in HeldState.values else HeldState.WAITING.value
    before = number(request.GET.get("before"))
    found = queries.page(seat.workspace, state, before)
    kept: dict[str, str | int] = {} if state == HeldState.WAITING else {"state": state}
    counts = queries.counts(seat.workspace)
    return show(
        request,
        seat,
        "held.html",
        "held",
        rows=_dressed(seat, found.held),
        older=urlencode({**kept, "before": found.next_before}) if found.next_before else "",
        newest=urlencode(kept) if "before" in request.GET else None,
        state=state,
        counts=counts,
        tabs=[(each.value, _TABS[each], counts[each]) for each in HeldState],
        until=found.held[0].pk if found.held and before is None else None,
    )


_TABS = {
    HeldState.WAITING: gettext_lazy("Waiting"),
    HeldState.DISCARDED: gettext_lazy("Discarded"),
    HeldState.RELEASED: gettext_lazy("Released"),
}


@page(write=Role.AGENT)
def held_release(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Make leads of the chosen ones."""
    made = actions.release(seat.workspace, _chosen(request), seat.user.email)
    if len(made) == 1:
        toasts.say(request, _("“%s” is a lead now, with the time at which it came.") % made[0].name[:80])
        if "one" in request.POST:
            return redirect("lead", slug=seat.workspace.slug, public_id=made[0].public_id)
    elif made:
        released = ngettext("%(count)s lead was released.", "%(count)s leads were released.", len(made))
        toasts.say(request, released % {"count": thousands(len(made))})
    else:
        _say_nothing_done(request)
    return redirect("held", slug=seat.workspace.slug)


@page(write=Role.AGENT)
def held_discard(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Discard the chosen ones, or all that waited when the page was made; Undo lets them wait again."""
    until = number(request.POST.get("until")) if "all" in request.POST else None
    if until is not None:
        count, at = actions.discard_all(seat.workspace, until, seat.user.email)
    else:
        count, at = actions.discard(seat.workspace, _chosen(request), seat.user.email)
    if count:
        many = ngettext(
            "%(count)s held lead was discarded. It is kept for 7 days.",
            "%(count)s held leads were discarded. They are kept for 7 days.",
            count,
        )
        undo = reverse("held_restore", args=[seat.workspace.slug])
        toasts.say(request, many % {"count": thousands(count)}, undo=undo, fields={"at": at})
    else:
        _say_nothing_done(request)
    return redirect("held", slug=seat.workspace.slug)


@page(write=Role.AGENT)
def held_restore(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Let discarded ones wait again: the chosen ones, or what this person discarded at one moment."""
    at = number(request.POST.get("at"))
    if at is not None:
        count = actions.restore_discarded_at(seat.workspace, at, seat.user.email)
    else:
        count = actions.restore(seat.workspace, _chosen(request), seat.user.email)
    if count:
        many = ngettext("%(count)s held lead waits again.", "%(count)s held leads wait again.", count)
        toasts.say(request, many % {"count": thousands(count)})
    else:
        _say_nothing_done(request)
    return redirect("held", slug=seat.workspace.slug)


def _dressed(seat: Seat, held: list[HeldLead]) -> list[dict[str, Any]]:
    ids = [each.lead_id for each in held if each.lead_id is not None]
    leads = dict(Lead.objects.filter(workspace=seat.workspace, id__in=ids).values_list("id", "public_id"))
    return [
        {
            "held": each,
            "reasons": queries.reasons(each),
            "deleted_at": queries.deleted_at(each),
            "came_by": came_by.lines(came_by_of(each.attribution)),
            "lead": leads.get(each.lead_id or 0),
        }
        for each in held
    ]


def _chosen(request: HttpRequest) -> list[uuid.UUID]:
    """The one whose button was pressed, else those that are marked."""
    texts = request.POST.getlist("one") or request.POST.getlist("held")
    return [uuid.UUID(text) for text in texts if _is_uuid(text)]


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _say_nothing_done(request: HttpRequest) -> None:
    toasts.say(request, _("Nothing was changed: mark held leads first, or somebody else was quicker."))
