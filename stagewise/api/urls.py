"""The API itself: its operations, its OpenAPI document, and what every answer of it has."""

from __future__ import annotations

import functools
import http
import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.urls import URLPattern, URLResolver, path, re_path
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser

from stagewise.api import leads, limits, openapi
from stagewise.api.problems import MEDIA_TYPE, Refused, Wrong, answer

if TYPE_CHECKING:
    from collections.abc import Callable

#: The largest body, in bytes, as of the public endpoint.
BODY_BYTES: Final = 65_536

_log = logging.getLogger("stagewise.api")


class StrictParser(Parser):
    """JSON as RFC 8259 has it: UTF-8, no NaN, no half surrogates."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The decoded body; raises :class:`Refused`."""
        if request.content_type != "application/json":
            raise Refused("unsupported_media_type")
        try:
            return msgspec.json.decode(request.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Refused("invalid_json") from None


class Api(NinjaAPI):
    """The API, whose OpenAPI document also says what can go wrong."""

    def get_openapi_schema(self, **chosen: Any) -> Any:
        """The document; see :func:`stagewise.api.openapi.completed`."""
        return openapi.completed(super().get_openapi_schema(**chosen))


api = Api(
    title="Stagewise read API",
    version="1",
    description="Read and work the leads of a workspace. How to begin: docs/read-api.md, or Help in the console.",
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
    parser=StrictParser(),
)
api.add_router("", leads.router)


@api.exception_handler(Refused)
def _refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    return answer(request, refused)


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """Pydantic's errors by field. The first part of a place says whether it is of the query or of the body."""
    in_query = any(each["loc"][0] == "query" for each in error.errors)
    wrong = [
        # A body is one parameter of ours: its name is no part of the place.
        Wrong(".".join(map(str, each["loc"][1 if in_query else 2 :])), each["type"], each["msg"])
        for each in error.errors
    ]
    return answer(request, Refused("invalid_parameters" if in_query else "invalid_fields", errors=wrong))


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """What ninja itself raises: a body that cannot be read; ours comes as the cause."""
    cause = error.__cause__
    return answer(request, cause if isinstance(cause, Refused) else Refused("invalid_request"))


@api.exception_handler(Exception)
def _unexpected(request: HttpRequest, error: Exception) -> HttpResponse:
    if isinstance(error, RequestDataTooBig):
        return answer(request, Refused("too_large"))
    if isinstance(error, UnreadablePostError):
        return answer(request, Refused("invalid_request"))
    _log.error("Internal Server Error: %s", request.path, exc_info=error)
    return answer(request, Refused("unavailable" if isinstance(error, OperationalError) else "internal_error"))


def document(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document, for everybody: it says how to ask, and nothing about anybody's leads."""
    if request.method not in {"GET", "HEAD"}:
        return answer(request, Refused("method_not_allowed", headers={"Allow": "GET, HEAD"}))
    return JsonResponse(
        {**api.get_openapi_schema(), "servers": [{"url": settings.CONSOLE_URL}]}, json_dumps_params={"indent": 1}
    )


def nothing(request: HttpRequest) -> HttpResponse:
    """Any other path of programs."""
    return answer(request, Refused("not_found"))


def _dressed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """An operation with what ninja leaves to us: HEAD, a limit to the body, its 405, the limit's headers."""

    @functools.wraps(view)
    def dressed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        length = str(request.META.get("CONTENT_LENGTH") or "0")
        if len(length) > len(str(BODY_BYTES)) or not length.isdecimal() or int(length) > BODY_BYTES:
            return answer(request, Refused("too_large"))
        is_head = request.method == "HEAD"
        if is_head:
            request.method = "GET"
        try:
            response = view(request, *args, **kwargs)
        except Http404:
            response = answer(request, Refused("not_found"))
        if response.status_code == http.HTTPStatus.METHOD_NOT_ALLOWED and response["Content-Type"] != MEDIA_TYPE:
            response = answer(request, Refused("method_not_allowed", headers={"Allow": _allowed(response)}))
        calls = getattr(request, "api_calls", None)
        if isinstance(calls, limits.Calls):
            for name, value in calls.headers.items():
                response[name] = value
        if is_head:
            request.method = "HEAD"
            response["Content-Length"] = str(len(response.content))
            response.content = b""
        return response

    # Programs come without cookies, so there is no form of ours to be forged.
    dressed.csrf_exempt = True  # type: ignore[attr-defined]
    return dressed


def _allowed(response: HttpResponse) -> str:
    methods = {each.strip() for each in response.get("Allow", "").split(",")} - {""}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _patterns() -> list[URLPattern | URLResolver]:
    patterns, _app, _namespace = api.urls
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            pattern.callback = _dressed(pattern.callback)
    return patterns


urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/openapi.json", document, name="api_document"),
    path("v1/", (_patterns(), "ninja", "api")),
    re_path(r"^", _dressed(nothing), name="api_nothing"),
]
