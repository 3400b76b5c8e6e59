"""What goes back to the visitor: JSON for scripts, a page or a redirect for forms. Never anything about our inside."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlencode

from stagewise_client.relay import fields

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RelayRequest:
    """A request, from whatever framework. ``path`` is what stands behind the place where the relay is mounted."""

    method: str
    path: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""
    #: The address at the other end of the socket; None or empty where it has none (a Unix socket).
    peer: str | None = None

    def header(self, name: str) -> str:
        """The first header of that name (in small letters), or an empty text."""
        return next((value for each, value in self.headers if each.lower() == name), "")


@dataclass(frozen=True, slots=True)
class RelayResponse:
    """An answer, for whatever framework."""

    status: int
    headers: Headers
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason to say no: status and code as at the endpoint, and a text for the visitor."""

    status: int
    code: str
    detail: str
    #: field → code of what is wrong with it
    fields: Mapping[str, str] = field(default_factory=dict)
    #: Seconds after which another try makes sense.
    retry_after: int | None = None


_LATER = "Your message could not be sent at the moment. Please try again in a few minutes."
_DETAILS = {
    "invalid_json": (400, "This request could not be read."),
    "invalid_request": (400, "This request could not be read."),
    "origin_not_allowed": (403, "This website may not send messages here."),
    "not_found": (404, "There is nothing here."),
    "method_not_allowed": (405, "Messages are sent with POST."),
    "timeout": (408, "The message did not arrive in time. Please try again."),
    "too_large": (413, "The message is too long."),
    "unsupported_media_type": (415, "Only forms without files can be sent."),
    "missing_fields": (422, "Please fill in what is missing."),
    "invalid_fields": (422, "Please check what you have entered."),
    "captcha_failed": (422, "Please confirm once more that you are no robot, and send again."),
    "suspicious": (422, "This looked like the message of a program. Please wait a moment and send it again."),
    "rate_limited": (429, "Too many messages came from your connection. Please try again later."),
    "captcha_unavailable": (503, _LATER),
    "unavailable": (503, _LATER),
}


def refusal(code: str, wrong: Mapping[str, str] | None = None, retry_after: float | None = None) -> Refusal:
    """The refusal with this code; ``wrong`` is field → code."""
    status, detail = _DETAILS[code]
    seconds = None if retry_after is None else max(1, int(-(-retry_after // 1)))
    return Refusal(status, code, detail, wrong or {}, 30 if seconds is None and status == 503 else seconds)


def sent(status: int, request_id: str, *, test: bool = False) -> RelayResponse:
    """The message is in good hands: 201 with Stagewise, 202 kept here until Stagewise can be reached."""
    return _json(status, {"ok": True, **({"test": True} if test else {}), "request_id": request_id})


def problem(why: Refusal, request_id: str) -> RelayResponse:
    """A refusal for scripts (RFC 9457), in the shape that the endpoint's refusals have."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(why.status).phrase,
        "status": why.status,
        "detail": why.detail,
        "code": why.code,
        "request_id": request_id,
        "errors": [
            {"field": name, "pointer": f"/{name}", "code": code, "detail": fields.words(name, code)}
            for name, code in why.fields.items()
        ],
    }
    return _json(why.status, content, "application/problem+json", _retry(why))


def redirect(url: str, why: Refusal | None = None) -> RelayResponse:
    """On to a page of the website (303, so that the browser fetches it with GET); refusals add why."""
    if why is not None:
        query = urlencode({"error": why.code, **({"fields": ",".join(why.fields)} if why.fields else {})})
        address, hash_mark, fragment = url.partition("#")
        url = f"{address}{'&' if '?' in address else '?'}{query}{hash_mark}{fragment}"
    return RelayResponse(303, (("Location", url), *_ALWAYS))


def page(status: int, title: str, text: str, why: Refusal | None = None) -> RelayResponse:
    """A plain page, for forms without script and without a page of their own."""
    items = [fields.words(name, code) for name, code in why.fields.items()] if why else []
    wrong = "".join(f"<li>{html.escape(item)}</li>" for item in items)
    back = "<p>Your browser's Back button leads to the form and what you have written.</p>" if why else ""
    content = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title>"
        "<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem}</style>"
        f"<main><h1>{html.escape(title)}</h1><p>{html.escape(text)}</p>"
        f"{f'<ul>{wrong}</ul>' if wrong else ''}{back}</main>"
    )
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"),
        *_ALWAYS,
        *(_retry(why) if why else ()),
    )
    return RelayResponse(status, headers, content.encode())


def plain_json(status: int, content: Mapping[str, object]) -> RelayResponse:
    """An object, for scripts."""
    return _json(status, content)


def script(content: bytes) -> RelayResponse:
    """The form's script; browsers may keep it for an hour."""
    headers = (("Content-Type", "text/javascript; charset=utf-8"), ("Cache-Control", "public, max-age=3600"))
    return RelayResponse(200, (*headers, ("X-Content-Type-Options", "nosniff")), content)


_ALWAYS: Headers = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
)


def _retry(why: Refusal) -> Headers:
    return () if why.retry_after is None else (("Retry-After", str(why.retry_after)),)


def _json(
    status: int, content: Mapping[str, object], content_type: str = "application/json", more: Headers = ()
) -> RelayResponse:
    body = json.dumps(content, ensure_ascii=False).encode()
    return RelayResponse(status, (("Content-Type", content_type), *_ALWAYS, *more), body)
