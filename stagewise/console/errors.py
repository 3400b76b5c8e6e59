"""Pages for when something did not work: what happened, and a way on."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import OperationalError
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from stagewise.console import look, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest

logger = logging.getLogger("stagewise.console")

#: What may be over in a moment.
_WORTH_TRYING = {429, 500, 503}


# Django passes "exception" and "reason" by name; what they say is for the log, not for the page.


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """400: the browser's request cannot be read, or its Host is not ours."""
    return _page(
        request,
        400,
        _("This address is not the console's"),
        _(
            "The request could not be read, or it came in under a name that this console does not know."
            " Open the console under its own address; whoever runs it sets it as STAGEWISE_CONSOLE_URL."
        ),
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """403, whoever says so."""
    return _page(request, 403, _("You may not do this"), _("Ask an owner of the workspace if you should be able to."))


def role_too_small(request: HttpRequest, role: str, least: str) -> HttpResponse:
    """403 for a member: which role they have, and which it takes."""
    text = _("Your role here is %(role)s, and this takes %(least)s or more. Ask an owner of the workspace.")
    return _page(request, 403, _("Your role does not allow this"), text % {"role": role, "least": least})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """403 for a form whose secret is missing or old; nothing was changed."""
    return _page(
        request,
        403,
        _("This page was open too long"),
        _(
            "To protect you, forms work only for a while and only in the browser that opened them."
            " Nothing was changed. Go back, reload the page, and send the form again; cookies must be allowed."
        ),
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """404: nothing here, or nothing that this person may know of."""
    return _page(
        request, 404, _("There is nothing here"), _("The link may be old, or it belongs to a workspace of others.")
    )


def not_allowed(request: HttpRequest, methods: Sequence[str]) -> HttpResponse:
    """405: a page that is only read was written to, or the other way round."""
    response = _page(
        request, 405, _("This address works differently"), _("It is part of a page; open the page and use its buttons.")
    )
    response["Allow"] = ", ".join(methods)
    return response


def too_many(request: HttpRequest) -> HttpResponse:
    """429: somebody tries passwords, or a person was very quick."""
    response = _page(
        request,
        429,
        _("That was a lot of tries"),
        _("To keep others from guessing passwords, the number of tries is limited. Wait a minute, then try again."),
    )
    response["Retry-After"] = "60"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when the database is what failed."""
    if isinstance(sys.exc_info()[1], OperationalError):
        response = _page(
            request,
            503,
            _("The database does not answer"),
            _(
                "The console is running, but its database cannot be reached or is busy. Nothing was changed."
                " Try again in a moment."
            ),
        )
        response["Retry-After"] = "5"
        return response
    return _page(
        request,
        500,
        _("This is our mistake"),
        _(
            "The console ran into something that it was not made for, and wrote it to its log."
            " Nothing half-done was kept."
        ),
    )


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    """Render without the request's context, so that this works without database, session and user."""
    support = settings.OURS.support
    context = {
        "status": status,
        "title": title,
        "text": text,
        "again": status in _WORTH_TRYING and request.method in {"GET", "HEAD"},
        "request_id": getattr(request, "request_id", ""),
        "support": support,
        "support_href": support_href(),
        "theme": look.kept(request),
        "script_words": words.as_json(),
    }
    return HttpResponse(render_to_string("error.html", context), status=status)


def support_href() -> str:
    """The support contact as a link's target; empty where none is set."""
    support = settings.OURS.support or ""
    return f"mailto:{support}" if "@" in support and "://" not in support else support
