"""The workspace itself: its name, the zone that times are shown in, the region of its phone numbers."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING

from django.shortcuts import redirect
from django.utils.translation import gettext as _

from stagewise.accounts import actions
from stagewise.accounts.caller import address_of
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Role
from stagewise.console import toasts
from stagewise.console.access import Seat, page
from stagewise.console.context import show

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

FIELDS = ("name", "time_zone", "default_region")


@page(read=Role.VIEWER, write=Role.ADMIN)
def workspace(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Show and save the three settings."""
    values = {field: getattr(seat.workspace, field) for field in FIELDS}
    problems: dict[str, list[str]] = {}
    if request.method == "POST":
        values = {field: request.POST.get(field, "") for field in FIELDS}
        try:
            actions.save_workspace(seat.workspace, **values, actor=seat.user.email, address=address_of(request))
        except ActionError as error:
            problems = error.problems
        else:
            toasts.say(request, _("Saved."))
            return redirect("workspace", slug=seat.workspace.slug)
    return show(
        request,
        seat,
        "workspace_settings.html",
        "workspace",
        status=422 if problems else 200,
        values=values,
        problems=problems,
        zones=sorted(zoneinfo.available_timezones()),
    )
