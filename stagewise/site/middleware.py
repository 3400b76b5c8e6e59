"""What every response of the console has, and how long a session lives."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import logout
from django.utils import translation
from django.utils.cache import patch_vary_headers

from stagewise.accounts import sessions
from stagewise.accounts.caller import answering
from stagewise.api import problems
from stagewise.core.ids import request_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    GetResponse = Callable[[HttpRequest], HttpResponse]

logger = logging.getLogger("stagewise.console")

_STARTED, _SEEN = "started", "seen"


class RequestMiddleware:
    """Names the request, and says https where the configured console is https.

    TLS ends at the proxy in front. Which scheme people use is a setting, so no header is believed about it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Set ``request.request_id``; the response carries it as ``X-Request-Id``. The audit learns where from."""
        if settings.CONSOLE_URL.startswith("https://"):
            request.META["wsgi.url_scheme"] = "https"
        if problems.is_for_programs(request):
            # Programs show a token. A browser that comes here by somebody's link brings nothing of its own.
            request.META.pop("HTTP_COOKIE", None)
        request.request_id = request_id()  # type: ignore[attr-defined]
        with answering(request):
            response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class NoStoreMiddleware:
    """Pages hold people's data: no cache keeps them. Static files say for themselves how long they live."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add ``Cache-Control: no-store`` unless the response is a static file."""
        response = self.get_response(request)
        if not request.path.startswith(settings.STATIC_URL):
            response["Cache-Control"] = "no-store"
        return response


class SessionLifeMiddleware:
    """Ends a session after an hour without a request, and after twelve in any case (OWASP ASVS 5.0, 7.3)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Check the two times; note the request at most once in five minutes, so that reading writes little."""
        if request.user.is_authenticated:
            now = int(time.time())
            started = request.session.setdefault(_STARTED, now)
            seen = request.session.setdefault(_SEEN, now)
            if now - seen > settings.SESSION_IDLE_SECONDS or now - started > settings.SESSION_COOKIE_AGE:
                logout(request)
            elif now - seen >= settings.SESSION_SEEN_SECONDS:
                request.session[_SEEN] = now
                sessions.see(request.session.session_key or "")
        return self.get_response(request)


class LanguageMiddleware:
    """Pages speak the language that their reader has chosen, else the one that the browser asks for."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Choose among ``settings.LANGUAGES``."""
        chosen = getattr(request.user, "language", "") if request.user.is_authenticated else ""
        if chosen not in dict(settings.LANGUAGES):
            chosen = translation.get_language_from_request(request)
        with translation.override(chosen):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", chosen)
        patch_vary_headers(response, ["Accept-Language"])
        return response
