"""The board: the stages of a lead type as columns, its leads as cards that go from one to the next."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Role
from stagewise.console import toasts
from stagewise.console.access import Seat, lead_for, page, stage_for
from stagewise.console.context import show
from stagewise.leads import board as boards
from stagewise.leads import queries, working

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from stagewise.leads.models import LeadType

#: The digits of a row id: nothing longer is one.
_DIGITS = 18


class Tab(NamedTuple):
    """A lead type above the board."""

    lead_type: LeadType
    query: str
    current: bool


@page(read=Role.VIEWER)
def board(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The board of one lead type, of everybody's leads or of one's own."""
    types = queries.lead_types(seat.workspace, archived=False)
    wanted = _number(request.GET.get("type"))
    chosen = next((each for each in types if each.pk == wanted), types[0])
    mine = request.GET.get("owner") == "me"
    found = boards.columns(seat.workspace, chosen, seat.member if mine else None, _cards(request))
    kept: dict[str, str | int] = {"owner": "me"} if mine else {}
    return show(
        request,
        seat,
        "board.html",
        "board",
        columns=[each for each in found if each.is_open],
        closed=[each for each in found if not each.is_open],
        stages=[each.stage for each in found if each.stage.archived_at is None],
        chosen=chosen,
        mine=mine,
        query=urlencode({"type": chosen.pk, **kept}),
        everybody=urlencode({"type": chosen.pk}),
        tabs=[Tab(each, urlencode({"type": each.pk, **kept}), each.pk == chosen.pk) for each in types],
        waiting=sum(each.total for each in found if each.is_open),
        counted=boards.COUNTED,
    )


@page(write=Role.AGENT)
def board_move(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Put a card into another column; Undo puts it back. Who saw it in another column than it stands in is told."""
    lead = lead_for(seat, _public_id(request.POST.get("lead", "")))
    stage, seen = stage_for(seat, _number(request.POST.get("stage"))), _number(request.POST.get("seen"))
    back = redirect(f"{reverse('board', args=[seat.workspace.slug])}?{_back(request, lead.lead_type_id)}")
    try:
        moved = working.set_stage(
            lead, stage, seat.user.email, seen=seen or lead.stage_id, reason=request.POST.get("reason")
        )
    except ActionError as error:
        toasts.refuse(request, error)
        return back
    if moved.stage_id != lead.stage_id:
        toasts.say(
            request,
            _("%(name)s: %(from)s → %(to)s") % {"name": lead.name, "from": lead.stage.name, "to": stage.name},
            undo=reverse("board_move", args=[seat.workspace.slug]),
            fields={
                "lead": str(lead.public_id),
                "stage": lead.stage_id,
                "seen": stage.pk,
                "back": request.POST.get("back", ""),
            },
        )
    return back


def _cards(request: HttpRequest) -> dict[int, int]:
    """How many cards of which column: ``?more=12:50``, one for each column that somebody wanted more of."""
    pairs = (text.partition(":") for text in request.GET.getlist("more"))
    return {_number(stage): _number(cards) for stage, _colon, cards in pairs}


def _back(request: HttpRequest, lead_type_id: int) -> str:
    """The query of the board that the card was moved on."""
    query = request.POST.get("back", "")[:300]
    return query if query.isascii() and query.isprintable() and query else urlencode({"type": lead_type_id})


def _number(text: str | None) -> int:
    text = text or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0


def _public_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Http404 from None
