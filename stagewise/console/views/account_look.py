"""The theme switch of the account menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from stagewise.accounts.errors import ActionError
from stagewise.accounts.look import choose_theme
from stagewise.accounts.models import User
from stagewise.console import errors, look, toasts

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_YEAR_S = 365 * 24 * 3600


def account_theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme, and go back to where the person was.

    A cookie keeps it too: pages that know nobody, such as the one to log in, would look different without it.
    """
    if not isinstance(request.user, User):
        return redirect_to_login("/")
    if request.method != "POST":
        return errors.not_allowed(request, ["POST"])
    response = HttpResponseRedirect(_back(request))
    theme = request.POST.get("theme", "")
    try:
        choose_theme(request.user, theme)
    except ActionError as error:
        toasts.refuse(request, error)
    else:
        response.set_cookie(
            look.COOKIE,
            theme,
            max_age=_YEAR_S,
            secure=bool(settings.SESSION_COOKIE_SECURE),
            httponly=True,
            samesite="Lax",
        )
    return response


def _back(request: HttpRequest) -> str:
    back = request.POST.get("back", "")
    ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return back if ours and back.startswith("/") else "/"
