"""What is said when Django itself gives up: a problem to programs, a page to people."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from django.db import OperationalError

from stagewise.api import problems
from stagewise.console import errors

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request cannot be read, or its Host is not ours."""
    if problems.is_for_programs(request):
        return problems.answer(request, problems.Refused("invalid_request"))
    return errors.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 when the database is what failed."""
    if problems.is_for_programs(request):
        database = isinstance(sys.exc_info()[1], OperationalError)
        return problems.answer(request, problems.Refused("unavailable" if database else "internal_error"))
    return errors.server_error(request)
