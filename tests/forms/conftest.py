"""A browser, websites of other origins, and servers that play the endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.forms.servers import Double, Website


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(viewport={"width": 1280, "height": 900})
    made.set_default_timeout(15_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab; whatever breaks in its scripts, or its Content-Security-Policy refuses, fails the test."""
    broken: list[str] = []
    context.add_init_script(
        "addEventListener('securitypolicyviolation', (e) => { throw new Error('CSP: ' + e.violatedDirective); })"
    )
    made = context.new_page()
    made.on("pageerror", lambda error: broken.append(str(error)))
    yield made
    assert broken == []


@pytest.fixture
def website() -> Iterator[Callable[..., Website]]:
    """``website(path=html, …)`` starts a website of its own origin."""
    started: list[Website] = []

    def start(**pages: str) -> Website:
        started.append(Website(pages))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def double() -> Iterator[Double]:
    """A server that plays the endpoint: it answers what it is told, and keeps what it was sent."""
    made = Double()
    yield made
    made.stop()
