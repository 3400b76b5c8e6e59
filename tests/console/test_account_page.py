"""One's account: who one is, what pages look like to one, and where one is logged in."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
import time_machine
from django.test import Client

from stagewise.accounts import profile
from stagewise.accounts.models import Member, User
from tests.console import pages
from tests.support.cast import PASSWORD, Cast

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5"
    " Mobile/15E148 Safari/604.1"
)


def log_in(agent: str = "", **more: str) -> Client:
    browser = Client(headers={"user-agent": agent})
    browser.post("/login/", {"login": "olga@example.com", "password": PASSWORD, **more})
    return browser


def is_in(browser: Client) -> bool:
    return browser.get("/w/acme/leads/").status_code == 200


def test_name_zone_and_language_are_saved(cast: Cast, as_user: AsUser) -> None:
    olga = as_user(cast.olga)
    page = pages.send(olga, "/account/?w=acme", name=" Olga Weber ", time_zone="Asia/Tokyo", language="en")
    assert "Saved." in page.text
    cast.olga.refresh_from_db()
    assert (cast.olga.name, cast.olga.time_zone, cast.olga.language) == ("Olga Weber", "Asia/Tokyo", "en")
    assert "Olga Weber" in pages.read(olga, "/w/acme/settings/team/").text


@pytest.mark.parametrize(
    ("typed", "field"),
    [({"name": ""}, "name"), ({"time_zone": "Mars/Olympus"}, "time_zone"), ({"language": "tlh"}, "language")],
)
def test_a_mistake_is_named_beside_its_field_and_nothing_is_saved(
    cast: Cast, as_user: AsUser, typed: dict[str, str], field: str
) -> None:
    values = {"name": "New name", "time_zone": "Asia/Tokyo", "language": "en", **typed}
    page = pages.send(as_user(cast.olga), "/account/", **values)
    assert page.status == 422
    assert f'id="{field}-problems" role="alert"' in page.html
    cast.olga.refresh_from_db()
    assert (cast.olga.name, cast.olga.time_zone) == ("", "")


def test_times_are_in_the_members_zone_else_in_the_workspaces(cast: Cast, as_user: AsUser) -> None:
    olga, lead = as_user(cast.olga), f"/w/acme/leads/{cast.acme.lead.public_id}/"
    cast.acme.workspace.time_zone = "Europe/Berlin"
    cast.acme.workspace.save()
    assert "CET" in olga.get(lead).content.decode() or "CEST" in olga.get(lead).content.decode()
    User.objects.filter(pk=cast.olga.pk).update(time_zone="Asia/Tokyo")
    assert "JST" in olga.get(lead).content.decode()
    assert "JST" not in as_user(cast.vera).get(lead).content.decode()


def test_a_zone_that_no_longer_exists_is_as_none(cast: Cast) -> None:
    cast.olga.time_zone, cast.acme.workspace.time_zone = "Mars/Olympus", "Europe/Atlantis"
    assert profile.zone_of(cast.olga, cast.acme.workspace).key == "UTC"


def test_pages_speak_the_chosen_language_else_the_browsers(cast: Cast, as_user: AsUser) -> None:
    olga = as_user(cast.olga)

    def opening(browser: Client, wish: str) -> str:
        answer = browser.get("/account/" if browser is olga else "/login/", headers={"accept-language": wish})
        return answer.content.decode().partition("<head>")[0]

    assert 'lang="en"' in opening(olga, "tlh, en;q=0.5")
    assert 'dir="rtl"' in opening(olga, "ar")
    assert 'lang="ar"' in opening(Client(), "ar-EG, en;q=0.5")
    User.objects.filter(pk=cast.olga.pk).update(language="en")
    assert 'lang="en"' in opening(olga, "ar")
    User.objects.filter(pk=cast.olga.pk).update(language="ar")
    assert 'lang="ar"' in opening(olga, "en")


def test_it_stands_in_the_frame_of_the_workspace_one_comes_from(cast: Cast, as_user: AsUser) -> None:
    Member.objects.create(workspace=cast.next_door.workspace, user=cast.olga, role="viewer")
    olga = as_user(cast.olga)
    assert 'href="/w/next-door/leads/"' in pages.read(olga, "/account/?w=next-door").html
    assert pages.read(olga, "/account/?w=nowhere").status == 200
    assert "Next door" in pages.read(olga, "/account/").text


def test_somebody_in_no_workspace_has_an_account_all_the_same(cast: Cast, as_user: AsUser) -> None:
    page = pages.read(as_user(cast.nora), "/account/")
    assert "You are in no workspace." in page.text
    assert pages.send(as_user(cast.nora), "/account/", name="Nora", time_zone="", language="").status == 200


# Sessions


def test_all_browsers_are_listed_by_name_and_this_one_is_marked(cast: Cast) -> None:
    here = log_in(FIREFOX)
    log_in(SAFARI)
    page = pages.read(here, "/account/")
    assert "Firefox on Linux Here 127.0.0.1" in page.text
    assert "Safari on iPhone 127.0.0.1" in page.text


def test_one_logs_out_everywhere_else(cast: Cast) -> None:
    here, elsewhere, third = log_in(), log_in(), log_in()
    page = pages.send(here, "/account/sessions/end/")
    assert "You are logged out in 2 other browsers." in page.text
    assert [is_in(each) for each in (here, elsewhere, third)] == [True, False, False]
    assert "You are logged in nowhere else." in pages.send(here, "/account/sessions/end/").text


def test_one_session_is_ended_and_never_somebody_elses(cast: Cast) -> None:
    from allauth.usersessions.models import UserSession

    here, elsewhere, third = log_in(), log_in(), log_in()
    stan = Client()
    stan.post("/login/", {"login": "stan@example.com", "password": PASSWORD})
    of_stan = UserSession.objects.get(user=cast.stan).pk
    of_third = UserSession.objects.get(session_key=third.cookies["session"].value).pk
    pages.send(here, "/account/sessions/end/", session=str(of_third))
    assert [is_in(each) for each in (here, elsewhere, third)] == [True, True, False]
    pages.send(here, "/account/sessions/end/", session=str(of_stan))
    assert stan.get("/w/next-door/leads/").status_code == 200


def test_a_session_that_ended_by_itself_is_not_listed(cast: Cast) -> None:
    with time_machine.travel(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) as clock:
        log_in(SAFARI)
        clock.shift(50 * 60)
        here = log_in(FIREFOX)
        assert "Safari on iPhone" in pages.read(here, "/account/").text
        clock.shift(15 * 60)
        assert "Safari on iPhone" not in pages.read(here, "/account/").text


def test_a_session_in_use_says_so(cast: Cast) -> None:
    with time_machine.travel(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) as clock:
        phone, here = log_in(SAFARI), log_in(FIREFOX)
        for _ in range(5):
            clock.shift(20 * 60)
            assert is_in(phone)
            assert is_in(here)
        page = pages.read(here, "/account/")
        assert "Safari on iPhone 127.0.0.1 · since 1 hour ago · last seen just now" in page.text


def test_a_password_reset_ends_every_session(cast: Cast) -> None:
    from allauth.account.adapter import get_adapter
    from allauth.core import context
    from django.contrib.auth.models import AnonymousUser
    from django.contrib.sessions.backends.db import SessionStore
    from django.test import RequestFactory

    browser = log_in()
    request = RequestFactory().get("/")
    request.user, request.session = AnonymousUser(), SessionStore()
    with context.request_context(request):
        get_adapter(request).set_password(cast.olga, "an entirely new passphrase")
    assert not is_in(browser)
    assert "Safari" not in pages.read(log_in(), "/account/").text


def test_what_happened_to_the_account_is_listed(cast: Cast) -> None:
    page = pages.read(log_in(), "/account/")
    assert "What happened to your account" in page.text
    assert "Logged in" in page.text
