"""Leads as a file: those that the list shows, or those that were marked in it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final, cast

from django.utils.http import urlencode

from stagewise.accounts.caller import address_of
from stagewise.accounts.models import Role
from stagewise.console import exporting
from stagewise.console.access import Seat, page
from stagewise.console.context import show
from stagewise.console.views.leads import number
from stagewise.leads import export, finding
from stagewise.leads.finding import Count, Filters
from stagewise.leads.models import Lead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse

#: Up to here leads are counted, and the page itself shows how far the file is; beyond it the browser does.
COUNTED: Final = 20_000
#: So many leads can be marked.
_MARKED: Final = 10_000


@page(read=Role.AGENT, write=Role.AGENT)
def leads_export(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Which leads these are, and the kinds of file; a POST is answered with the file.

    The query is that of the list. ``lead`` names marked leads instead, by row id or by public id.
    """
    filters = Filters.from_query(request.GET).seen_by(seat.member, seat.zone)
    marked = _marked(seat, [*request.GET.getlist("lead"), *request.POST.getlist("lead")])
    busy = False
    if request.method == "POST":
        kind = request.POST.get("kind", "csv")
        who = exporting.Who(seat.workspace, seat.user.email, address_of(request))
        leads = export.chosen(seat.workspace, marked) if marked else export.that_match(seat.workspace, filters)
        asked = ["marked"] if marked else [name for name, _value in filters.to_query()]
        try:
            answer = exporting.answer(kind if kind in exporting.KINDS else "csv", leads, who, asked)
        except exporting.Busy:
            busy = True
        else:
            # To Django's types it is only a cousin of the others.
            return cast("HttpResponse", answer)
    return show(
        request,
        seat,
        "leads_export.html",
        "leads",
        status=503 if busy else 200,
        busy=busy,
        tally=Count(len(marked), exact=True) if marked else finding.count(seat.workspace, filters, COUNTED),
        marked=marked,
        chosen=filters.chosen,
        query=urlencode(filters.to_query()),
    )


def _marked(seat: Seat, texts: Sequence[str]) -> list[int]:
    """The row ids of marked leads of this workspace."""
    rows = [row for text in texts[:_MARKED] if (row := number(text)) is not None]
    public = [named for text in texts[:_MARKED] if (named := _uuid(text)) is not None]
    leads = Lead.objects.filter(workspace=seat.workspace)
    known = leads.filter(pk__in=rows) if rows else leads.none()
    others = leads.filter(public_id__in=public) if public else leads.none()
    return [*known.values_list("pk", flat=True), *others.values_list("pk", flat=True)]


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if len(text) == len("00000000-0000-0000-0000-000000000000") else None
    except ValueError:
        return None
