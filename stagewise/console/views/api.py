"""Integration → Stagewise API: an endpoint's URL, who may call, how often, and its key."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, get_args

from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stagewise.accounts.caller import address_of
from stagewise.accounts.errors import ActionError, Conflict
from stagewise.accounts.models import Role
from stagewise.console import inputs, toasts, way_back
from stagewise.console.access import Seat, endpoint_for, page
from stagewise.console.api_page import shown
from stagewise.console.inputs import NameForm, OverlapForm
from stagewise.console.rules_form import RulesForm, with_entry
from stagewise.endpoints import actions, queries
from stagewise.endpoints.actions import EntryField, RuleChanges

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse


@page(read=Role.VIEWER)
def api(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The workspace's first endpoint; where there is none, how to add one."""
    first = queries.of_workspace(seat.workspace)[:1]
    return shown(request, seat, first[0] if first else None)


@page(read=Role.VIEWER, write=Role.ADMIN)
def endpoint(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """One endpoint's settings; Save Config checks and saves them."""
    found = endpoint_for(seat, pk)
    if request.method != "POST":
        return shown(request, seat, found)
    form, typed = RulesForm(request.POST), request.POST.dict()
    problems, status = inputs.problems(form), 422
    if not problems:
        changes, version = form.changes(), form.cleaned_data["version"]
        try:
            actions.save_rules(found, changes, seat.user.email, address_of(request), version)
        except Conflict as error:
            problems, status = error.problems, 409
            typed["version"] = ""  # whoever sends it again has seen both
        except ActionError as error:
            problems = error.problems
        else:
            toasts.say(request, " ".join([_("Saved. It holds for the next call."), *form.notes()]))
            return redirect("endpoint", slug=seat.workspace.slug, pk=pk)
    return shown(request, seat, endpoint_for(seat, pk), typed=typed, problems=problems, status=status)


@page(write=Role.ADMIN)
def endpoint_add(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Add an endpoint for another website."""
    form = NameForm(request.POST)
    form.is_valid()
    name = str(form.cleaned_data.get("name", ""))
    try:
        added = actions.add_endpoint(seat.workspace, name, seat.user.email)
    except ActionError as error:
        first = queries.of_workspace(seat.workspace)[:1]
        problems = {"new_name": error.problems["name"]}
        return shown(
            request, seat, first[0] if first else None, typed={"new_name": name}, problems=problems, status=422
        )
    said = _("“%(name)s” is here. It refuses everybody until you say who may call.")
    toasts.say(request, said % {"name": added.name})
    return redirect("endpoint", slug=seat.workspace.slug, pk=added.pk)


@page(write=Role.ADMIN)
def endpoint_rename(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Give the endpoint another name; its URL stays."""
    found = endpoint_for(seat, pk)
    name = request.POST.get("name", "")
    try:
        actions.save_rules(found, RuleChanges(name=name), seat.user.email, address_of(request))
    except ActionError as error:
        problems = {"rename": error.problems.get("name", [])}
        return shown(request, seat, found, typed={"rename": name}, problems=problems, status=422)
    return redirect("endpoint", slug=seat.workspace.slug, pk=pk)


@page(write=Role.ADMIN)
def endpoint_switch(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Switch the endpoint on or off; Undo switches back."""
    found = endpoint_for(seat, pk)
    on = request.POST.get("enabled") == "on"
    undo = reverse("endpoint_switch", args=[seat.workspace.slug, pk])

    def act() -> None:
        actions.save_rules(found, RuleChanges(enabled=on), seat.user.email, address_of(request))
        done = _("Switched on: it takes leads again.") if on else _("Switched off: every call is refused now.")
        fields = {"enabled": "off" if on else "on"} | way_back.kept(request)
        toasts.say(request, done, undo=undo, fields=fields)

    return _act_and_return(request, seat, pk, act)


@page(write=Role.ADMIN)
def endpoint_rotate(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Make a new URL; the old one goes on for the chosen time."""
    found = endpoint_for(seat, pk)
    form = OverlapForm(request.POST)

    def act() -> None:
        if not form.is_valid():
            raise ActionError({"overlap_hours": [_("Choose how long the old URL goes on working.")]})
        hours = form.cleaned_data["overlap_hours"]
        actions.rotate_key(found, hours, seat.user.email)
        said = _("This endpoint has a new URL; the old one stopped working.")
        if hours:
            said = ngettext(
                "This endpoint has a new URL; the old one works for another %(hours)s hour.",
                "This endpoint has a new URL; the old one works for another %(hours)s hours.",
                math.ceil(hours),
            ) % {"hours": f"{hours:g}"}
        toasts.say(request, said)

    return _act_and_return(request, seat, pk, act)


@page(write=Role.ADMIN)
def endpoint_forwarding(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Turn forwarding on or off, from where its lack is shown; Undo turns it back."""
    found = endpoint_for(seat, pk)
    on = request.POST.get("forwarding") == "on"
    undo = reverse("endpoint_forwarding", args=[seat.workspace.slug, pk])

    def act() -> None:
        actions.save_rules(found, RuleChanges(forwarding=on), seat.user.email, address_of(request))
        done = (
            _("Forwarding is on: “%(name)s” counts each visitor that your server names in Stagewise-Visitor-IP.")
            if on
            else _("Forwarding is off: “%(name)s” counts your server's own IP.")
        )
        fields = {"forwarding": "off" if on else "on"} | way_back.kept(request)
        toasts.say(request, done % {"name": found.name}, undo=undo, fields=fields)

    return _act_and_return(request, seat, pk, act)


@page(write=Role.ADMIN)
def endpoint_allow(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Allow one address or origin, from where its refusal is shown; Undo takes it off the list again."""
    found, (field, entry) = endpoint_for(seat, pk), _posted_entry(request)

    def act() -> None:
        before = set(getattr(found, field))
        saved = actions.allow_entry(found, field, entry, seat.user.email, address_of(request))
        added = [each for each in getattr(saved, field) if each not in before]
        if not added:
            toasts.say(request, _("%(entry)s was allowed already.") % {"entry": entry})
            return
        undo = reverse("endpoint_disallow", args=[seat.workspace.slug, pk])
        said = _("%(entry)s may send leads to “%(name)s” now.") % {"entry": added[0], "name": saved.name}
        toasts.say(request, said, undo=undo, fields={str(field): added[0]} | way_back.kept(request))

    return _act_and_return(request, seat, pk, act, (field, entry))


@page(write=Role.ADMIN)
def endpoint_disallow(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Take one address or origin off its list."""
    found, (field, entry) = endpoint_for(seat, pk), _posted_entry(request)

    def act() -> None:
        actions.remove_entry(found, field, entry, seat.user.email, address_of(request))
        toasts.say(request, _("%(entry)s is no longer on the list.") % {"entry": entry})

    return _act_and_return(request, seat, pk, act)


def _act_and_return(
    request: HttpRequest,
    seat: Seat,
    pk: int,
    act: Callable[[], None],
    added: tuple[EntryField, str] | None = None,
) -> HttpResponse:
    """Do it, say what happened, and go back to where the button was (stagewise/console/way_back.py).

    Where the endpoint's page sent its unsaved settings along, it is shown with them; ``added`` is put on its list there
    too, so that saving does not take it away again.
    """
    before = endpoint_for(seat, pk).version
    try:
        act()
    except ActionError as error:
        toasts.refuse(request, error)
        added = None
    back = way_back.way_back(request, seat)
    if back is not None:
        return back
    if "version" not in request.POST:
        return redirect("endpoint", slug=seat.workspace.slug, pk=pk)
    typed = request.POST.dict()
    if typed["version"] == str(before):
        typed["version"] = ""  # this change is no one else's
    if added is not None:
        typed = with_entry(typed, *added)
    return shown(request, seat, endpoint_for(seat, pk), typed=typed)


def _posted_entry(request: HttpRequest) -> tuple[EntryField, str]:
    """The list and the entry that are meant: ``add_…`` where the lists themselves are sent along."""
    for prefix in ("add_", ""):
        for field in get_args(EntryField):
            entry = request.POST.get(f"{prefix}{field}")
            if entry and (prefix or "version" not in request.POST):
                return field, entry
    return "allowed_ips", ""
