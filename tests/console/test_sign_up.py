"""Who may make an account: those who are invited, or everybody where the operator says so."""

from __future__ import annotations

import re

import msgspec
import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from stagewise.accounts.models import Member, User, Workspace
from stagewise.endpoints.models import Endpoint
from tests.console import pages
from tests.support.cast import PASSWORD, Cast

pytestmark = pytest.mark.django_db

TYPED = {"name": "Ines", "email": "Ines@Example.com", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture
def opened(settings: Settings) -> None:
    settings.OURS = msgspec.structs.replace(settings.OURS, signup="open")


def link() -> str:
    found = re.search(r"http://127\.0\.0\.1:8001(/confirm-email/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_by_default_nobody_signs_up_and_the_page_says_how_to_get_in(cast: Cast) -> None:
    browser, before = Client(), User.objects.count()
    for page in (pages.read(browser, "/signup/"), pages.send(browser, "/signup/", **TYPED)):
        assert page.status == 403
        assert "Ask an owner or admin of the workspace to invite you" in page.text
    assert User.objects.count() == before
    assert "/signup/" not in pages.read(browser, "/login/").html


@pytest.mark.usefixtures("opened")
def test_where_it_is_open_one_confirms_the_address_and_gets_a_workspace_of_ones_own(cast: Cast) -> None:
    browser = Client()
    assert 'href="/signup/"' in pages.read(browser, "/login/").html
    page = pages.send(browser, "/signup/", **TYPED)
    assert "Confirm your e-mail address" in page.text
    assert browser.get("/workspaces/new/").status_code == 302
    assert mail.outbox[-1].to == ["ines@example.com"]
    browser.post(link())
    page = pages.send(browser, "/login/", login="ines@example.com", password=PASSWORD)
    assert "Your workspace" in page.text
    page = pages.send(browser, "/workspaces/new/", name="Ines & Co", time_zone="Europe/Berlin")
    assert "“Ines & Co” is here." in page.text
    made = Workspace.objects.get(slug="ines-co")
    assert Member.objects.get(workspace=made).user.name == "Ines"
    assert Endpoint.objects.get(workspace=made).allowed_ips == []
    assert browser.get("/w/acme/leads/").status_code == 404


@pytest.mark.usefixtures("opened")
def test_without_the_link_from_the_mail_nobody_gets_in(cast: Cast) -> None:
    browser = Client()
    pages.send(browser, "/signup/", **TYPED)
    page = pages.send(Client(), "/login/", login="ines@example.com", password=PASSWORD)
    assert "Confirm your e-mail address" in page.text
    assert browser.get("/account/").status_code == 302


@pytest.mark.usefixtures("opened")
def test_the_page_does_not_tell_who_has_an_account(cast: Cast) -> None:
    def answer(email: str) -> tuple[int, str]:
        sent = Client().post("/signup/", {**TYPED, "email": email})
        return sent.status_code, sent["Location"]

    assert answer("olga@example.com") == answer("nobody-yet@example.com")
    to_olga = next(each for each in mail.outbox if each.to == ["olga@example.com"])
    assert "http://127.0.0.1:8001/password/reset/" in str(to_olga.body)
    cast.olga.refresh_from_db()
    assert cast.olga.name == ""


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"email": "ines"}, "email"),
        ({"password1": "short", "password2": "short"}, "password1"),
        ({"password2": "another passphrase"}, "password2"),
    ],
)
def test_a_mistake_is_named_beside_its_field(cast: Cast, typed: dict[str, str], field: str) -> None:
    page = pages.send(Client(), "/signup/", **{**TYPED, **typed})
    assert f'id="{field}-problems" role="alert"' in page.html
    assert PASSWORD not in page.html
    assert not User.objects.filter(email="ines@example.com").exists()


def test_others_cannot_make_a_workspace_and_are_told_who_can(cast: Cast) -> None:
    browser = Client()
    browser.force_login(cast.adam)
    for page in (pages.read(browser, "/workspaces/new/"), pages.send(browser, "/workspaces/new/", name="Mine")):
        assert page.status == 403
        assert "Owners make workspaces" in page.text
    assert not Workspace.objects.filter(name="Mine").exists()
    assert "/workspaces/new/" not in pages.read(browser, "/w/acme/leads/").html


def test_an_owner_makes_another_workspace_and_changes_between_them(cast: Cast) -> None:
    browser = Client()
    browser.force_login(cast.olga)
    assert 'href="/workspaces/new/"' in pages.read(browser, "/w/acme/leads/").html
    refused = pages.send(browser, "/workspaces/new/", name="", time_zone="UTC")
    assert refused.status == 422
    assert 'id="name-problems" role="alert"' in refused.html
    page = pages.send(browser, "/workspaces/new/", name="Second", time_zone="UTC")
    assert "Stagewise API" in page.text
    assert "Acme Studio" in page.text
