"""The audit: who changed what, when, from where; and the way back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stagewise.accounts import audit_reading, members
from stagewise.accounts.caller import address_of
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry, Role
from stagewise.console import audit_words, toasts
from stagewise.console.access import Seat, audit_entry_for, endpoint_for, page
from stagewise.console.context import show
from stagewise.console.views.leads import number
from stagewise.endpoints import queries, reverting
from stagewise.leads.models import Lead

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpRequest, HttpResponse
    from django.utils.safestring import SafeString

    from stagewise.console.audit_words import Change

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_COMMAND_LINE = gettext_lazy("Nobody: the command line, or Stagewise itself")


class Line(NamedTuple):
    """An entry as the page shows it."""

    entry: AuditEntry
    sentence: SafeString
    changes: list[Change]
    #: Where what was changed can be looked at; empty: nowhere.
    url: str
    can_revert: bool


@page(read=Role.ADMIN)
def audit(request: HttpRequest, seat: Seat) -> HttpResponse:
    """A page of entries, by person and kind."""
    person, kind = request.GET.get("person", ""), request.GET.get("kind", "")
    if kind not in audit_words.KINDS:
        kind = ""
    people = {each.user.email: each.user.name for each in members.roster(seat.workspace)}
    if person not in {*people, audit_reading.COMMAND_LINE}:
        person = ""
    found = audit_reading.entries(seat.workspace, person, kind, number(request.GET.get("before")))
    endpoints = {each.pk for each in queries.of_workspace(seat.workspace)}
    leads = _names_of_leads(seat, found.entries)
    chosen = {"person": person, "kind": kind}
    return show(
        request,
        seat,
        "audit.html",
        "audit",
        lines=[_line(seat, entry, people, leads, endpoints) for entry in found.entries],
        older=None if found.older is None else _query(**chosen, before=found.older),
        newest=_query(**chosen) if "before" in request.GET else None,
        people=[(address, name or address) for address, name in people.items()],
        command_line=(audit_reading.COMMAND_LINE, _COMMAND_LINE),
        kinds=[(each, label, _query(person=person, kind=each)) for each, label in audit_words.KINDS.items()],
        person=person,
        kind=kind,
    )


@page(write=Role.ADMIN)
def audit_revert(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Undo one saved change of an endpoint; Undo undoes that."""
    entry = audit_entry_for(seat, pk)
    if entry.subject_id is None or entry.action != reverting.SAVED:
        raise Http404
    found = endpoint_for(seat, entry.subject_id)
    try:
        done = reverting.revert(found, entry, seat.user.email, address_of(request))
    except ActionError as error:
        toasts.refuse(request, error)
        return redirect("audit", slug=seat.workspace.slug)
    values = {"name": done.endpoint.name, "settings": _named(done.entry.changes), "left": _named(done.left)}
    said = _("“%(name)s” is as before: %(settings)s.") % values
    if done.left:
        said += " " + _("Left as it is, because it was changed again since: %(left)s.") % values
    toasts.say(request, said, undo=reverse("audit_revert", args=[seat.workspace.slug, done.entry.pk]))
    return redirect("audit", slug=seat.workspace.slug)


def _names_of_leads(seat: Seat, entries: Sequence[AuditEntry]) -> dict[str, str]:
    """What the leads are called that entries tell of: the audit itself holds nothing of them but their ids."""
    wanted = [entry.subject for entry in entries if entry.about_lead and _ID.fullmatch(entry.subject)]
    if not wanted:
        return {}
    found = Lead.objects.filter(workspace=seat.workspace, public_id__in=wanted)
    return {str(public_id): name for public_id, name in found.values_list("public_id", "name")}


def _line(
    seat: Seat, entry: AuditEntry, people: Mapping[str, str], leads: Mapping[str, str], endpoints: set[int]
) -> Line:
    is_there = entry.subject_id in endpoints
    return Line(
        entry,
        audit_words.sentence(entry, people, leads),
        audit_words.changes(entry),
        _url(seat, entry, is_there=is_there or entry.subject in leads),
        is_there and reverting.can_revert(entry),
    )


def _url(seat: Seat, entry: AuditEntry, *, is_there: bool) -> str:
    slug = seat.workspace.slug
    if entry.action.startswith("endpoint.") and is_there:
        return reverse("endpoint", args=[slug, entry.subject_id])
    if entry.about_lead and is_there:
        return reverse("lead", args=[slug, entry.subject])
    return ""


def _named(fields: Mapping[str, object] | list[str]) -> str:
    return ", ".join(dict.fromkeys(audit_words.label(field) for field in fields))


def _query(**chosen: str | int) -> str:
    return urlencode({name: value for name, value in chosen.items() if value})
