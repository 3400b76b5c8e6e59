"""Another workspace in this installation, with whoever makes it as its owner."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING

from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from stagewise.accounts import workspaces
from stagewise.accounts.caller import address_of
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import User
from stagewise.console import errors, toasts
from stagewise.console.access import seats_of
from stagewise.site import provision

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def workspace_new(request: HttpRequest) -> HttpResponse:
    """Ask for its name and time zone, and make it."""
    user = request.user
    if not isinstance(user, User):
        return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")
    if request.method not in {"GET", "HEAD", "POST"}:
        return errors.not_allowed(request, ["GET", "POST"])
    seats = seats_of(user)
    if not workspaces.may_make(seats):
        return render(request, "workspace_new_refused.html", {"seats": seats}, status=403)
    values = {"name": request.POST.get("name", ""), "time_zone": request.POST.get("time_zone", user.time_zone or "UTC")}
    problems: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            workspaces.check_may_make(user)
            made = provision.new_workspace(
                values["name"], user, time_zone=values["time_zone"], address=address_of(request)
            )
        except ActionError as error:
            problems = error.problems
        else:
            toasts.say(request, _("“%s” is here. Say who may send leads to it, and it is ready.") % made.name)
            return redirect("api", slug=made.slug)
    context = {
        "values": values,
        "problems": {field or "all": texts for field, texts in problems.items()},
        "zones": sorted(zoneinfo.available_timezones()),
        "seats": seats,
    }
    return render(request, "workspace_new.html", context, status=422 if problems else 200)
