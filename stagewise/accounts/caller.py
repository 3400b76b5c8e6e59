"""The address of the person at the console: the same rule as the lane's, so that one proxy setting serves both."""

from __future__ import annotations

import contextlib
import functools
from contextvars import ContextVar
from typing import TYPE_CHECKING

from django.conf import settings

from stagewise.core.addresses import CallerReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


@contextlib.contextmanager
def answering(request: HttpRequest) -> Iterator[None]:
    """While this request is answered, :func:`here` is where it came from."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


def here() -> str:
    """The address of whoever is answered now; empty outside of a request, as on the command line."""
    request = _request.get()
    return "" if request is None else address_of(request)


def address_of(request: HttpRequest) -> str:
    """The client's address as canonical text; empty when it cannot be read."""
    name = settings.OURS.client_ip_header
    value = request.META.get("HTTP_" + name.upper().replace("-", "_"))
    headers = [] if value is None else [(name.lower().encode("latin-1"), value.encode("latin-1", "replace"))]
    return _reader().read(request.META.get("REMOTE_ADDR") or None, headers).address or ""


@functools.cache
def _reader() -> CallerReader:
    return CallerReader(settings.OURS.trusted_proxies, settings.OURS.client_ip_header)
