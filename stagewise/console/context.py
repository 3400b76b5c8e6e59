"""What every template may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.shortcuts import render

from stagewise.console import alert_links, errors
from stagewise.console.access import seats_of
from stagewise.leads import held_queries

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from stagewise.console.access import Seat


def installation(_request: HttpRequest) -> dict[str, Any]:
    """Template context processor: the support contact."""
    return {"support": settings.OURS.support, "support_href": errors.support_href()}


def show(request: HttpRequest, seat: Seat, template: str, here: str, status: int = 200, **context: Any) -> HttpResponse:
    """Render a page of a workspace; ``here`` is its place in the navigation."""
    frame = {
        "seat": seat,
        "workspace": seat.workspace,
        "here": here,
        "seats": seats_of(seat.user),
        "held_waiting": held_queries.waiting(seat.workspace),
        "alerts_open": alert_links.headlines(seat.workspace),
    }
    return render(request, template, {**frame, **context}, status=status)
