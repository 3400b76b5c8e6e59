"""Pages for when something did not work: words and a way on."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from typing import NoReturn

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from stagewise import settings as stagewise_settings
from stagewise.accounts.models import User
from stagewise.console import errors
from stagewise.leads import finding
from tests.console.pages import Page
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> Client:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    monkeypatch.setattr(finding, "find", fail)
    return Client(raise_request_exception=False)


def test_an_error_of_ours_shows_no_inner_text(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = failing(monkeypatch, RuntimeError("secret inner text"))
    browser.force_login(cast.olga)
    answer = browser.get("/w/acme/leads/")
    page = Page(answer.status_code, answer.content.decode())
    assert page.status == 500
    assert "This is our mistake" in page.text
    assert "Go to the console" in page.text
    assert "secret" not in page.text
    assert answer["X-Request-Id"] in page.text


def test_a_database_that_is_gone_is_not_our_mistake(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = failing(monkeypatch, OperationalError("database is locked"))
    browser.force_login(cast.olga)
    answer = browser.get("/w/acme/leads/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "The database does not answer" in answer.content.decode()


@pytest.mark.parametrize(
    "path", ["/nothing", "/nothing/", "/w/acme/nothing/", "/static/nothing.css", "/admin/", "/%00"]
)
def test_what_does_not_exist_has_a_page_with_a_way_on(client: Client, path: str) -> None:
    answer = client.get(path)
    page = Page(answer.status_code, answer.content.decode())
    assert page.status == 404
    assert "There is nothing here" in page.text
    assert "Go to the console" in page.text


def test_a_page_that_is_only_read_says_so_when_it_is_written_to(cast: Cast, as_user: AsUser) -> None:
    answer = as_user(cast.olga).post("/w/acme/leads/")
    assert (answer.status_code, answer["Allow"]) == (405, "GET")
    assert "use its buttons" in answer.content.decode()


@pytest.mark.parametrize(
    ("support", "href"),
    [("help@example.com", "mailto:help@example.com"), ("https://example.com/help", "https://example.com/help")],
)
def test_the_support_contact_is_on_error_pages_and_in_the_menu(
    cast: Cast, as_user: AsUser, settings: Settings, support: str, href: str
) -> None:
    environ = {"STAGEWISE_DATA_DIR": str(settings.OURS.data_dir), "STAGEWISE_SUPPORT": support}
    settings.OURS = stagewise_settings.load(environ)
    for path in ("/nothing/", "/login/", "/w/acme/leads/"):
        browser = Client() if path == "/login/" else as_user(cast.olga)
        assert f'href="{href}"' in browser.get(path).content.decode(), path


def test_without_a_support_contact_nothing_is_shown_of_it(client: Client) -> None:
    assert errors.support_href() == ""
    assert "Need help?" not in client.get("/nothing/").content.decode()


def test_a_strange_host_is_refused_and_cannot_fill_the_log(client: Client) -> None:
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)  # where the console's log is written
    logging.getLogger().addHandler(handler)
    try:
        assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    finally:
        logging.getLogger().removeHandler(handler)
    assert lines.getvalue() == ""
