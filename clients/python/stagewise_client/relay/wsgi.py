"""The relay in Flask and in Django, one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from stagewise_client.relay.answers import RelayRequest
from stagewise_client.relay.bodies import BODY_LIMIT

if TYPE_CHECKING:
    from stagewise_client.relay.core import Relay

_METHODS = ("GET", "HEAD", "POST", "OPTIONS")


def add_to_flask(relay: Relay, app: Any, prefix: str) -> None:
    """Add the relay's routes to a Flask application, below ``prefix``."""
    from flask import Response, request

    def view(path: str = "") -> Any:
        answer = relay.respond(
            RelayRequest(
                method=request.method,
                path=path,
                headers=list(request.headers.items()),
                body=request.stream.read(BODY_LIMIT + 1),
                peer=request.remote_addr,
            )
        )
        return Response(answer.body, answer.status, list(answer.headers))

    prefix = "/" + prefix.strip("/")
    name = f"stagewise_relay_{prefix.strip('/').replace('/', '_').replace('.', '_')}"
    for rule in (prefix, f"{prefix.rstrip('/')}/", f"{prefix.rstrip('/')}/<path>"):
        app.add_url_rule(
            rule, endpoint=name, view_func=view, methods=_METHODS, provide_automatic_options=False, strict_slashes=True
        )


def django_view(relay: Relay) -> Callable[..., Any]:
    """A view for ``re_path("^contact/(.*)$", …)``. It needs no CSRF token: a form's visitor is nobody in particular."""
    from django.http import HttpResponse
    from django.views.decorators.csrf import csrf_exempt

    def view(request: Any, path: str = "") -> Any:
        found = relay.respond(
            RelayRequest(
                method=request.method,
                path=path,
                headers=list(request.headers.items()),
                body=request.read(BODY_LIMIT + 1),
                peer=request.META.get("REMOTE_ADDR"),
            )
        )
        answer = HttpResponse(found.body, status=found.status)
        del answer["Content-Type"]
        for name, value in found.headers:
            answer[name] = value
        return answer

    return csrf_exempt(view)
