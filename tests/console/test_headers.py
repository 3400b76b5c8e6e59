"""What every answer carries, and what reading leaves alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from stagewise.accounts.models import User
from stagewise.site.csp import CSP, build_policy
from tests.console import routes
from tests.console.routes import OF_A_WORKSPACE
from tests.console.state import everything
from tests.support.cast import Cast, attempt, lead, summary

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
READABLE = sorted(name for name, route in OF_A_WORKSPACE.items() if route.read)


def paths(cast: Cast) -> list[str]:
    """A path for every page that answers a GET, for errors, and for files."""
    pages = [routes.path(name, cast.acme) for name in READABLE]
    return [*pages, *routes.OPEN.values(), "/", "/password/change/", "/nothing/", "/w/next-door/leads/"]


def test_every_answer_has_the_strict_policy_and_its_companions(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.olga)
    posts = [routes.path(name, cast.acme) for name, route in OF_A_WORKSPACE.items() if route.read is None]
    for path in [*paths(cast), *posts]:
        answer = browser.get(path)
        policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
        assert policy == {
            "default-src": "'self'",
            "script-src": "'self'",
            "style-src": "'self'",
            "object-src": "'none'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
            "form-action": "'self'",
        }, path
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Cache-Control"] == "no-store", path
        assert re.fullmatch("[0-9a-f]{32}", answer["X-Request-Id"])
        # What is a file to keep is named as one.
        if answer.status_code != 302 and not answer.get("Content-Disposition", "").startswith("attachment"):
            assert answer["Content-Type"] == "text/html; charset=utf-8"


def test_no_page_has_anything_inline_or_from_elsewhere(cast: Cast, as_user: AsUser) -> None:
    attempt(cast.acme, "ip_not_allowed", 403)
    summary(cast.acme, "ip_not_allowed", 403)
    browser = as_user(cast.olga)
    for path in paths(cast):
        answer = browser.get(path, follow=True)
        if answer.streaming:  # a file to keep
            continue
        page = answer.content.decode()
        assert not re.search(r"<[^>]* (style|on[a-z]+)=", page), path
        assert "<style" not in page
        assert all('src="/static/' in tag for tag in re.findall("<script[^>]*>", page)), path
        elsewhere = re.findall(r'(?:src|href)="((?:https?:)?//[^"]*)"', page)
        # A link that somebody follows to write to the lead; nothing is fetched from there.
        assert [each for each in elsewhere if not each.startswith("https://wa.me/")] == [], path


@pytest.mark.parametrize(
    "name", ["console.css", "console.js", "mark.svg", "icons.svg", "fonts/inter-latin-wght-normal.woff2"]
)
def test_the_assets_are_served(client: Client, name: str) -> None:
    answer = client.get(f"/static/{name}")
    assert answer.status_code == 200
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert b"".join(answer)


def test_a_nonce_gets_into_the_policy_only_when_a_page_asked_for_one() -> None:
    policy = {"default-src": [CSP.SELF], "script-src": [CSP.SELF, CSP.NONCE]}
    assert build_policy(policy) == "default-src 'self'; script-src 'self'"
    assert build_policy(policy, "abc") == "default-src 'self'; script-src 'self' 'nonce-abc'"


def test_reading_writes_nothing(cast: Cast, as_user: AsUser) -> None:
    lead(cast.acme)
    attempt(cast.acme, "created", 201, lead_id=cast.acme.lead.pk)
    olga, nobody, every = as_user(cast.olga), Client(), paths(cast)
    before = everything()
    for path in every:
        olga.get(path)
        olga.get(path + "?q=x&type=1&before=5&outcome=refused")
        olga.head(path)
        nobody.get(path)
    assert everything() == before


def test_another_host_name_is_refused(client: Client) -> None:
    answer = client.get("/login/", headers={"host": "evil.example.com"})
    assert answer.status_code == 400
    assert "evil" not in answer.content.decode()


@pytest.mark.parametrize("host", ["127.0.0.1:8001", "localhost:8001", "[::1]:8001"])
def test_this_machine_is_always_a_host_of_the_console(client: Client, host: str) -> None:
    assert client.get("/login/", headers={"host": host}).status_code == 200


def test_a_console_on_https_says_so_to_browsers(client: Client, settings: Settings) -> None:
    settings.CONSOLE_URL = "https://console.example.com"
    settings.ALLOWED_HOSTS = ["console.example.com"]
    settings.SECURE_HSTS_SECONDS = 31_536_000
    answer = client.get("/login/", headers={"host": "console.example.com"})
    assert answer["Strict-Transport-Security"] == "max-age=31536000"


# Cross-site requests


@pytest.mark.parametrize("name", sorted(name for name, route in OF_A_WORKSPACE.items() if route.write))
def test_a_form_without_its_secret_changes_nothing(cast: Cast, name: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.olga)
    path = routes.path(name, cast.acme)
    before = everything()
    answer = browser.post(path, OF_A_WORKSPACE[name].body(cast.acme))
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.content.decode()
    assert everything() == before


@pytest.mark.parametrize("path", ["/login/", "/logout/", "/password/reset/", "/password/change/"])
def test_the_pages_of_accounts_want_their_secret_too(cast: Cast, path: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    if path == "/password/change/":
        browser.force_login(cast.olga)
    assert browser.post(path, {"login": "olga@example.com"}).status_code == 403


def test_a_secret_of_another_browser_is_refused(cast: Cast) -> None:
    mine, other = Client(enforce_csrf_checks=True), Client(enforce_csrf_checks=True)
    for browser in (mine, other):
        browser.get("/login/")
    secret = other.cookies["csrf"].value
    assert mine.post("/login/", {"csrfmiddlewaretoken": secret}).status_code == 403
