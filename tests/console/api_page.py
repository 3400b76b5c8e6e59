"""The page of one endpoint, as its tests press its buttons."""

from __future__ import annotations

from typing import Any

from django.test import Client

from stagewise.endpoints.models import Endpoint
from tests.console.pages import Page, send
from tests.support.cast import Cast


def path(cast: Cast, act: str = "") -> str:
    return f"/w/acme/integration/api/{cast.acme.endpoint.pk}/{act}"


def saved(cast: Cast) -> Endpoint:
    return Endpoint.objects.get(pk=cast.acme.endpoint.pk)


def post(cast: Cast, browser: Client, act: str, **fields: Any) -> Page:
    """The page's form, with its settings as typed, sent by one of its other buttons."""
    return send(browser, path(cast, act), version=str(saved(cast).version), **fields)


def part(cast: Cast, browser: Client, act: str, **fields: Any) -> Page:
    """The same as the script does it."""
    answer = browser.post(
        path(cast, act), {"version": str(saved(cast).version), **fields}, headers={"HX-Request": "true"}
    )
    return Page(answer.status_code, answer.content.decode())
