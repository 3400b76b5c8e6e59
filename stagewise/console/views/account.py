"""One's own account: name, time zone, language, how one logs in, and where one is logged in."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stagewise.accounts import audit_reading, profile, second_factors, sessions, workspaces
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import User
from stagewise.console import account_words, errors, toasts
from stagewise.console.access import Seat, seats_of
from stagewise.console.context import show
from stagewise.console.views.leads import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse

    from stagewise.accounts.models import Member

FIELDS = ("name", "time_zone", "language")
#: So many lines of what happened to the account.
_HAPPENED = 8


def account(request: HttpRequest) -> HttpResponse:
    """Show and save. The page stands in the frame of the workspace that one comes from."""
    user = request.user
    if not isinstance(user, User):
        return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")
    if request.method not in {"GET", "HEAD", "POST"}:
        return errors.not_allowed(request, ["GET", "POST"])
    values = {field: str(getattr(user, field)) for field in FIELDS}
    problems: dict[str, list[str]] = {}
    if request.method == "POST":
        values = {field: request.POST.get(field, "") for field in FIELDS}
        try:
            profile.save(user, **values)
        except ActionError as error:
            problems = error.problems
            user.refresh_from_db()
        else:
            toasts.say(request, _("Saved."))
            return redirect(request.get_full_path())
    return _show(request, user, values, problems)


def account_sessions_end(request: HttpRequest) -> HttpResponse:
    """Log out in another browser, or in all others."""
    user = request.user
    if not isinstance(user, User):
        return redirect_to_login("/")
    if request.method != "POST":
        return errors.not_allowed(request, ["POST"])
    ended = sessions.end(user, keep=request.session.session_key or "", only=number(request.POST.get("session")))
    said = ngettext("You are logged out in %d other browser.", "You are logged out in %d other browsers.", ended)
    toasts.say(request, said % ended if ended else _("You are logged in nowhere else."))
    return redirect(f"{reverse('account')}#sessions")


def _show(request: HttpRequest, user: User, values: dict[str, str], problems: dict[str, list[str]]) -> HttpResponse:
    seats = seats_of(user)
    here = sessions.of_user(user, request.session.session_key or "")
    context: dict[str, Any] = {
        "values": values,
        "problems": problems,
        "zones": sorted(zoneinfo.available_timezones()),
        "languages": settings.LANGUAGES,
        "factors": second_factors.of_user(user),
        "sessions": [(each, account_words.device(each.user_agent)) for each in here],
        "happened": [
            (entry, account_words.happened(entry.action)) for entry in audit_reading.of_account(user, _HAPPENED)
        ],
        "mine": seats,
        "may_make": workspaces.may_make(seats),
        "account": user,
    }
    seat = _seat(request, user, seats)
    status = 422 if problems else 200
    if seat is None:
        return render(request, "account.html", {"frame": "plain.html", **context}, status=status)
    return show(request, seat, "account.html", "account", status=status, frame="workspace.html", **context)


def _seat(request: HttpRequest, user: User, seats: Sequence[Member]) -> Seat | None:
    """The workspace that the address names, else the one that the person looked at last."""
    if not seats:
        return None
    named = [each for each in seats if each.workspace.slug == request.GET.get("w")]
    member = named[0] if named else max(seats, key=lambda each: each.last_seen_at or 0)
    member.user = user
    return Seat(user, member)
