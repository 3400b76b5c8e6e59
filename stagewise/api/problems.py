"""ONE table of every reason why the read API says no, and the answer that says so (RFC 9457).

Each has a section in docs/read-api.md; ``type`` leads there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.conf import settings
from django.http import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpRequest

MEDIA_TYPE: Final = "application/problem+json"

#: Paths that belong to programs.
ROOT: Final = "/api/"


class Problem(NamedTuple):
    """A reason to say no. ``detail`` is said where nothing more exact is known."""

    code: str
    status: int
    title: str
    detail: str


_TABLE: Final = (
    Problem("invalid_request", 400, "Invalid request", "The request cannot be read, or its Host is not the console's."),
    Problem("invalid_json", 400, "Invalid request", "The body is not valid JSON in UTF-8."),
    Problem("token_missing", 401, "Unauthorized", "Send a token: Authorization: Bearer swt_…"),
    Problem("token_unknown", 401, "Unauthorized", "There is no such token. Check that all of it was copied."),
    Problem("token_revoked", 401, "Unauthorized", "This token was revoked. Make a new one."),
    Problem("token_expired", 401, "Unauthorized", "The time of this token is over. Make a new one."),
    Problem("member_inactive", 401, "Unauthorized", "Whose token this is may not come in any more."),
    Problem("scope_missing", 403, "Forbidden", "The token was not made for this."),
    Problem("role_too_small", 403, "Forbidden", "The role of whose token this is does not allow this."),
    Problem("not_found", 404, "Not Found", "There is nothing here."),
    Problem("method_not_allowed", 405, "Method Not Allowed", "This address does not know this method."),
    Problem("conflict", 409, "Conflict", "Somebody has changed the lead since you read it. Read it again."),
    Problem("precondition_failed", 412, "Precondition Failed", "The lead is not any more what If-Match names."),
    Problem("too_large", 413, "Content Too Large", "The body is larger than 65,536 bytes."),
    Problem("unsupported_media_type", 415, "Unsupported Media Type", "Send JSON: Content-Type: application/json."),
    Problem("invalid_parameters", 422, "Invalid request", "Some of the query cannot be used."),
    Problem("invalid_fields", 422, "Invalid request", "Some of the body cannot be used."),
    Problem("rate_limited", 429, "Too Many Requests", "This token has made its calls of this minute. Try again later."),
    Problem("internal_error", 500, "Internal Server Error", "This is our mistake. Nothing half-done was kept."),
    Problem("unavailable", 503, "Service Unavailable", "The database does not answer. Nothing was changed."),
)
PROBLEMS: Final[dict[str, Problem]] = {each.code: each for each in _TABLE}

#: After so many seconds it is worth trying again.
_RETRY_AFTER: Final = {"unavailable": 5}


class Wrong(NamedTuple):
    """What is wrong with one field or parameter; ``code`` is for programs, ``detail`` for people."""

    field: str
    code: str
    detail: str


class Refused(Exception):
    """Ends a call with one of :data:`PROBLEMS`."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: Sequence[Wrong] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.problem = PROBLEMS[code]
        self.detail = detail or self.problem.detail
        self.errors = errors
        self.headers = dict(headers or {})


def answer(request: HttpRequest, refused: Refused) -> HttpResponse:
    """The problem as an answer. ``errors`` is there when fields or parameters are named."""
    code, in_query = refused.problem.code, refused.problem.code == "invalid_parameters"
    document: dict[str, Any] = {
        "type": f"{settings.OURS.public_url}/docs/read-api#{code}",
        "title": refused.problem.title,
        "status": refused.problem.status,
        "detail": refused.detail,
        "code": code,
        "request_id": getattr(request, "request_id", ""),
    }
    if refused.errors:
        document["errors"] = [_error(each, in_query=in_query) for each in refused.errors]
    response = HttpResponse(
        json.dumps(document, ensure_ascii=False), status=refused.problem.status, content_type=MEDIA_TYPE
    )
    if code in _RETRY_AFTER:
        response["Retry-After"] = str(_RETRY_AFTER[code])
    for name, value in refused.headers.items():
        response[name] = value
    return response


def is_for_programs(request: HttpRequest) -> bool:
    """Whether the caller of this path expects a problem rather than a page."""
    return request.path_info.startswith(ROOT)


def _error(wrong: Wrong, *, in_query: bool) -> dict[str, str]:
    named = {"field": wrong.field, "code": wrong.code, "detail": wrong.detail}
    # A pointer (RFC 6901) points into the body; a parameter is not there.
    return named if in_query else {**named, "pointer": _pointer(wrong.field)}


def _pointer(field: str) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in field.split(".") if part)
