"""Back to where a button was that mends something: the overview, or a page of Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.shortcuts import redirect
from django.urls import reverse

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from stagewise.console.access import Seat

#: What ``back`` holds on the overview; anything else is the query of a page of Logs.
OVERVIEW: Final = "overview"
_LONGEST: Final = 500


def way_back(request: HttpRequest, seat: Seat) -> HttpResponse | None:
    """To the page that ``back`` of the form names; None where it names none."""
    back = request.POST.get("back")
    if back is None:
        return None
    if back == OVERVIEW:
        return redirect("overview", slug=seat.workspace.slug)
    return redirect(f"{reverse('logs', args=[seat.workspace.slug])}?{back[:_LONGEST]}")


def kept(request: HttpRequest) -> dict[str, str]:
    """The same for an Undo, so that it leads back there too."""
    return {"back": request.POST["back"][:_LONGEST]} if "back" in request.POST else {}
