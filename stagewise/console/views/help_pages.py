"""Help: the guide for those who build websites, every refusal's page, and whom to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.urls import reverse

from stagewise.accounts.models import Role
from stagewise.console import guide
from stagewise.console.access import Seat, page
from stagewise.console.context import show
from stagewise.console.views.leads import number
from stagewise.endpoints import queries

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@page(read=Role.VIEWER)
def help_index(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The guide's first page."""
    return _shown(request, seat, guide.INDEX)


@page(read=Role.VIEWER)
def help_page(request: HttpRequest, seat: Seat, name: str) -> HttpResponse:
    """Any other page: ``guide/setup``, ``errors/rate_limited``, ``api``."""
    return _shown(request, seat, name)


def _shown(request: HttpRequest, seat: Seat, name: str) -> HttpResponse:
    """A page with the URL of the chosen endpoint in it, of the first one where none of the workspace's is chosen."""
    found = guide.pages().get(name)
    if found is None:
        raise Http404
    slug, listed = seat.workspace.slug, queries.of_workspace(seat.workspace)
    wanted = number(request.GET.get("endpoint"))
    chosen = next((each for each in listed if each.pk == wanted), None)
    asked = f"?endpoint={chosen.pk}" if chosen else ""
    endpoint = chosen or (listed[0] if listed else None)

    def path_of(name: str) -> str:
        if name == guide.INDEX:
            return reverse("help", args=[slug]) + asked
        return reverse("help_page", args=[slug, name]) + asked

    return show(
        request,
        seat,
        "help.html",
        "help",
        page=found,
        body=guide.shown(found, path_of, queries.url_of(endpoint) if endpoint else None),
        index=None if name == guide.INDEX else path_of(guide.INDEX),
        contents=[(each.title, path_of(each.name), each == found) for each in guide.contents()],
        endpoints=listed if found.fills else [],
        endpoint=endpoint,
    )
