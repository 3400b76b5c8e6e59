"""The address of the person at the console: the same rule as the lane's, so that one proxy setting serves both."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from django.conf import settings

from stagewise.core.addresses import CallerReader

if TYPE_CHECKING:
    from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """The client's address as canonical text; empty when it cannot be read."""
    name = settings.OURS.client_ip_header
    value = request.META.get("HTTP_" + name.upper().replace("-", "_"))
    headers = [] if value is None else [(name.lower().encode("latin-1"), value.encode("latin-1", "replace"))]
    return _reader().read(request.META.get("REMOTE_ADDR") or None, headers).address or ""


@functools.cache
def _reader() -> CallerReader:
    return CallerReader(settings.OURS.trusted_proxies, settings.OURS.client_ip_header)
