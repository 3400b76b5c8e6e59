"""What every template may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.shortcuts import render

from stagewise.accounts import workspaces
from stagewise.accounts.clock import now_ms
from stagewise.console import alert_links, errors, look, navigation, words
from stagewise.console.access import seats_of
from stagewise.console.navigation import Waiting
from stagewise.leads import held_queries, news

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from stagewise.console.access import Seat


def installation(request: HttpRequest) -> dict[str, Any]:
    """Template context processor: the support contact, the theme, and the words of the script."""
    return {
        "support": settings.OURS.support,
        "support_href": errors.support_href(),
        "theme": _theme(request),
        "script_words": words.as_json(),
    }


def show(request: HttpRequest, seat: Seat, template: str, here: str, status: int = 200, **context: Any) -> HttpResponse:
    """Render a page of a workspace; ``here`` is its place in the navigation."""
    held, alerts = held_queries.waiting(seat.workspace), alert_links.headlines(seat.workspace)
    waiting = Waiting(new=news.count(seat.workspace, now_ms()), held=held, alerts=len(alerts))
    seats = seats_of(seat.user)
    frame = {
        "seat": seat,
        "workspace": seat.workspace,
        "here": here,
        "seats": seats,
        "held_waiting": held,
        "alerts_open": alerts,
        "nav": navigation.build(seat, here, waiting),
        "may_make_workspaces": workspaces.may_make(seats),
    }
    return render(request, template, {**frame, **context}, status=status)


def _theme(request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    return str(user.theme) if user is not None and user.is_authenticated else look.kept(request)
