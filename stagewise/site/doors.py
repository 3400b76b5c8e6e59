"""Pages of allauth's that need a word of ours."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from allauth.account.views import SignupView
from allauth.mfa.adapter import get_adapter
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

if TYPE_CHECKING:
    from django.http import HttpRequest


class _Signup(SignupView):  # type: ignore[misc]  # allauth has no types
    """Sign-up where the operator has opened it; elsewhere a refusal that says how to get in."""

    def closed(self) -> HttpResponse:
        """403, not 200: a program that tries must see it."""
        response: HttpResponse = super().closed()
        response.status_code = HTTPStatus.FORBIDDEN
        return response


signup = _Signup.as_view()


@login_required
@require_safe
def to_account(_request: HttpRequest) -> HttpResponse:
    """On to the page of one's account."""
    return redirect("account")


@login_required
@require_safe
def totp_qr(request: HttpRequest) -> HttpResponse:
    """The secret that is being set up as a picture for an authenticator app.

    A picture of its own rather than one within the page, for a page may hold nothing inline.
    """
    secret = request.session.get(SECRET_SESSION_KEY)
    if not secret:
        raise Http404
    adapter = get_adapter()
    picture = adapter.build_totp_svg(adapter.build_totp_url(request.user, secret))
    return HttpResponse(picture, content_type="image/svg+xml")
