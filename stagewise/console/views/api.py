"""Integration → Stagewise API: an endpoint's URL, who may call, how often, and its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from django.shortcuts import redirect
from django.urls import reverse

from stagewise.accounts.caller import address_of
from stagewise.accounts.errors import ActionError, Conflict
from stagewise.accounts.models import Role
from stagewise.console import inputs, toasts
from stagewise.console.access import Seat, endpoint_for, page
from stagewise.console.api_page import shown
from stagewise.console.inputs import NameForm, OverlapForm
from stagewise.console.rules_form import RulesForm
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
    form = RulesForm(request.POST)
    problems, status = inputs.problems(form), 422
    if not problems:
        changes, version = form.changes(), form.cleaned_data["version"]
        try:
            actions.save_rules(found, changes, seat.user.email, address_of(request), version)
        except Conflict as error:
            problems, status = error.problems, 409
        except ActionError as error:
            problems = error.problems
        else:
            toasts.say(request, " ".join(["Saved. It holds for the next call.", *form.notes()]))
            return redirect("endpoint", slug=seat.workspace.slug, pk=pk)
    return shown(request, seat, endpoint_for(seat, pk), typed=request.POST.dict(), problems=problems, status=status)


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
    toasts.say(request, f"“{added.name}” is here. It refuses everybody until you say who may call.")
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
        done = "Switched on: it takes leads again." if on else "Switched off: every call is refused now."
        toasts.say(request, done, undo=undo, fields={"enabled": "off" if on else "on"})

    return _act_and_return(request, seat, pk, act)


@page(write=Role.ADMIN)
def endpoint_rotate(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Make a new URL; the old one goes on for the chosen time."""
    found = endpoint_for(seat, pk)
    form = OverlapForm(request.POST)

    def act() -> None:
        if not form.is_valid():
            raise ActionError({"overlap_hours": ["Choose how long the old URL goes on working."]})
        hours = form.cleaned_data["overlap_hours"]
        actions.rotate_key(found, hours, seat.user.email)
        until = f"the old one works for another {hours:g} hours" if hours else "the old one stopped working"
        toasts.say(request, f"This endpoint has a new URL; {until}.")

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
            f"Forwarding is on: “{found.name}” counts each visitor that your server names in Stagewise-Visitor-IP."
            if on
            else f"Forwarding is off: “{found.name}” counts your server's own IP."
        )
        toasts.say(request, done, undo=undo, fields={"forwarding": "off" if on else "on"} | _back(request))

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
            toasts.say(request, f"{entry} was allowed already.")
            return
        undo = reverse("endpoint_disallow", args=[seat.workspace.slug, pk])
        fields = {field: added[0]} | _back(request)
        toasts.say(request, f"{added[0]} may send leads to “{saved.name}” now.", undo=undo, fields=fields)

    return _act_and_return(request, seat, pk, act)


@page(write=Role.ADMIN)
def endpoint_disallow(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Take one address or origin off its list."""
    found, (field, entry) = endpoint_for(seat, pk), _posted_entry(request)

    def act() -> None:
        actions.remove_entry(found, field, entry, seat.user.email, address_of(request))
        toasts.say(request, f"{entry} is no longer on the list.")

    return _act_and_return(request, seat, pk, act)


def _act_and_return(request: HttpRequest, seat: Seat, pk: int, act: Callable[[], None]) -> HttpResponse:
    """Do it, say what happened, and go back to where the button was: ``back`` is the query of a page of Logs."""
    try:
        act()
    except ActionError as error:
        toasts.refuse(request, error)
    if "back" in request.POST:
        return redirect(f"{reverse('logs', args=[seat.workspace.slug])}?{request.POST['back'][:500]}")
    return redirect("endpoint", slug=seat.workspace.slug, pk=pk)


def _back(request: HttpRequest) -> dict[str, str]:
    return {name: request.POST[name] for name in ("back",) if name in request.POST}


def _posted_entry(request: HttpRequest) -> tuple[EntryField, str]:
    for field in get_args(EntryField):
        if request.POST.get(field):
            return field, request.POST[field]
    return "allowed_ips", ""
