"""Content-Security-Policy, with the names of Django 6 so that its own middleware can take over one day.

https://docs.djangoproject.com/en/6.0/ref/csp/ and https://www.w3.org/TR/CSP3/
"""

from __future__ import annotations

import enum
import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.functional import SimpleLazyObject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.http import HttpRequest, HttpResponse

HEADER = "Content-Security-Policy"


class CSP(enum.StrEnum):
    """Source expressions. ``NONCE`` stands for the nonce of the response, if a template used one."""

    SELF = "'self'"
    NONE = "'none'"
    NONCE = "<CSP_NONCE_SENTINEL>"


def build_policy(policy: Mapping[str, Sequence[str]], nonce: str | None = None) -> str:
    """The header's value; without a nonce its place is left out."""
    directives = []
    for directive, sources in policy.items():
        values = [f"'nonce-{nonce}'" if source == CSP.NONCE else source for source in sources]
        kept = [value for value in values if nonce is not None or value != "'nonce-None'"]
        directives.append(" ".join([directive, *kept]))
    return "; ".join(directives)


class ContentSecurityPolicyMiddleware:
    """Adds the policy of ``SECURE_CSP`` to every response that has none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Offer the request a nonce; put it into the header only if somebody asked for it."""
        made: list[str] = []

        def make() -> str:
            made.append(secrets.token_urlsafe(16))
            return made[0]

        request.csp_nonce = SimpleLazyObject(make)  # type: ignore[attr-defined]
        response = self.get_response(request)
        if HEADER not in response:
            response[HEADER] = build_policy(settings.SECURE_CSP, made[0] if made else None)
        return response


def csp(request: HttpRequest) -> dict[str, object]:
    """Template context processor: ``csp_nonce``."""
    return {"csp_nonce": getattr(request, "csp_nonce", "")}
