"""Logging in and out, sessions, and passwords."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Callable

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from pytest_django import Settings

from stagewise.accounts import actions
from stagewise.accounts.models import AuditEntry, User
from tests.support.cast import PASSWORD, Cast

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
NEW = "an entirely new passphrase"


def log_in(email: str = "olga@example.com", password: str = PASSWORD, browser: Client | None = None) -> Client:
    browser = browser or Client()
    browser.post("/login/", {"login": email, "password": password})
    return browser


def is_in(browser: Client) -> bool:
    return browser.get("/w/acme/leads/").status_code == 200


def test_a_person_logs_in_and_out(cast: Cast) -> None:
    browser = log_in()
    assert is_in(browser)
    assert browser.post("/logout/")["Location"] == "/login/"
    assert not is_in(browser)
    assert [entry.action for entry in AuditEntry.objects.filter(workspace=None).order_by("id")] == [
        "login.ok",
        "logout",
    ]


def test_looking_at_the_logout_page_logs_nobody_out(cast: Cast) -> None:
    browser = log_in()
    browser.get("/logout/")
    assert is_in(browser)


def test_an_address_is_one_in_any_case(cast: Cast) -> None:
    assert is_in(log_in("Olga@EXAMPLE.com"))


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(cast: Cast) -> None:
    def answer(email: str) -> str:
        page = Client().post("/login/", {"login": email, "password": "not the password"}).content.decode()
        return re.sub(r'value="[^"]*"|"X-CSRFToken": "[^"]*"', "", page)

    assert answer("olga@example.com") == answer("nobody@example.com")
    assert AuditEntry.objects.filter(action="login.failed").count() == 2


def test_a_person_who_was_switched_off_cannot_log_in(cast: Cast) -> None:
    User.objects.filter(pk=cast.olga.pk).update(is_active=False)
    assert not is_in(log_in())


def test_a_person_who_is_switched_off_is_out_at_once(cast: Cast) -> None:
    browser = log_in()
    User.objects.filter(pk=cast.olga.pk).update(is_active=False)
    assert not is_in(browser)


def test_after_some_wrong_passwords_one_has_to_wait(cast: Cast) -> None:
    for _ in range(5):
        log_in(password="wrong")
    page = Client().post("/login/", {"login": "olga@example.com", "password": PASSWORD})
    assert "Too many failed login attempts" in page.content.decode()
    assert AuditEntry.objects.filter(action="login.failed").count() == 5


def test_a_made_up_client_address_does_not_count_anew(cast: Cast) -> None:
    for number in range(40):
        Client().post(
            "/login/",
            {"login": f"p{number}@example.com", "password": "wrong"},
            headers={"x-forwarded-for": f"203.0.113.{number}"},
        )
    assert AuditEntry.objects.filter(action="login.failed").count() == 10


def test_very_many_tries_get_a_page_that_says_wait(cast: Cast) -> None:
    browser = Client()
    answers = [browser.post("/login/", {"login": "x"}) for _ in range(31)]
    assert answers[-1].status_code == 429
    assert answers[-1]["Retry-After"] == "60"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil",
        "\t//evil.example",
    ],
)
def test_login_leads_to_no_other_site(cast: Cast, target: str) -> None:
    answer = Client().post("/login/", {"login": "olga@example.com", "password": PASSWORD, "next": target})
    assert answer["Location"] == "/"


def test_login_leads_back_to_where_one_wanted_to_go(cast: Cast) -> None:
    answer = Client().post(
        "/login/", {"login": "olga@example.com", "password": PASSWORD, "next": "/w/acme/logs/?outcome=refused"}
    )
    assert answer["Location"] == "/w/acme/logs/?outcome=refused"


# Sessions


def test_the_session_cookie_is_for_this_site_and_not_for_scripts(cast: Cast) -> None:
    browser = log_in()
    for name in ("session", "csrf"):
        cookie = browser.cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert not cookie["domain"]


def test_a_login_gives_the_session_a_new_name(cast: Cast) -> None:
    browser = Client()
    browser.get("/login/")
    browser.cookies["session"] = "a" * 32
    log_in(browser=browser)
    assert browser.cookies["session"].value != "a" * 32


def test_a_session_that_was_ended_cannot_be_used_again(cast: Cast) -> None:
    browser = log_in()
    kept = browser.cookies["session"].value
    browser.post("/logout/")
    thief = Client()
    thief.cookies["session"] = kept
    assert not is_in(thief)


def test_an_hour_without_a_request_ends_the_session(cast: Cast) -> None:
    with time_machine.travel(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) as clock:
        browser = log_in()
        assert is_in(browser)
        for _ in range(3):
            clock.shift(59 * 60)
            assert is_in(browser)
        clock.shift(3601)
        assert not is_in(browser)
        clock.shift(-3601)
        assert not is_in(browser)


def test_twelve_hours_end_the_session_in_any_case(cast: Cast) -> None:
    with time_machine.travel(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) as clock:
        browser = log_in()
        for _ in range(24):
            assert is_in(browser)
            clock.shift(30 * 60)
        clock.shift(1)
        assert not is_in(browser)


def test_reading_notes_the_request_at_most_once_in_five_minutes(cast: Cast) -> None:
    def stored() -> str:
        return Session.objects.get().session_data

    with time_machine.travel(datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) as clock:
        browser = log_in()
        is_in(browser)
        first = stored()
        clock.shift(299)
        is_in(browser)
        assert stored() == first
        clock.shift(1)
        is_in(browser)
        assert stored() != first


# Passwords


def test_changing_the_password_ends_the_other_sessions(cast: Cast) -> None:
    here, elsewhere = log_in(), log_in()
    answer = here.post("/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    assert answer.status_code == 302
    assert is_in(here)
    assert not is_in(elsewhere)
    assert not is_in(log_in())
    assert is_in(log_in(password=NEW))
    assert AuditEntry.objects.filter(action="password.changed", actor="olga@example.com").count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {"oldpassword": "wrong", "password1": NEW, "password2": NEW},
        {"oldpassword": PASSWORD, "password1": NEW, "password2": "another passphrase"},
        {"oldpassword": PASSWORD, "password1": "short", "password2": "short"},
        {"oldpassword": PASSWORD},
    ],
)
def test_a_password_is_changed_only_by_who_knows_it_and_to_a_good_one(cast: Cast, body: dict[str, str]) -> None:
    browser = log_in()
    answer = browser.post("/password/change/", body)
    assert answer.status_code == 200
    assert 'class="problems"' in answer.content.decode()
    cast.olga.refresh_from_db()
    assert cast.olga.check_password(PASSWORD)


def reset_link() -> str:
    [message] = mail.outbox
    found = re.search(r"http://\S+", str(message.body))
    assert found
    return found[0]


def test_a_forgotten_password_is_reset_by_mail(cast: Cast) -> None:
    Client().post("/password/reset/", {"email": "Olga@example.com"})
    link = reset_link()
    assert link.startswith("http://127.0.0.1:8001/password/reset/key/")
    browser = Client()
    form = browser.get(link, follow=True)
    assert form.status_code == 200
    assert link.rpartition("-")[2] not in form.request["PATH_INFO"]
    action = form.redirect_chain[-1][0]
    assert browser.post(action, {"password1": NEW, "password2": NEW}).status_code == 302
    assert is_in(log_in(password=NEW))
    assert "This link no longer works" in Client().get(link, follow=True).content.decode()


def test_a_reset_link_lives_an_hour(cast: Cast) -> None:
    Client().post("/password/reset/", {"email": "olga@example.com"})
    link = reset_link()
    with time_machine.travel(time.time() + 3602):
        assert "This link no longer works" in Client().get(link, follow=True).content.decode()


def test_asking_for_a_reset_tells_nothing_about_who_has_an_account(cast: Cast) -> None:
    known = Client().post("/password/reset/", {"email": "olga@example.com"})
    unknown = Client().post("/password/reset/", {"email": "nobody@example.com"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [message.to for message in mail.outbox] == [["olga@example.com"]]


def test_a_forged_host_never_gets_into_a_mail(cast: Cast, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    Client().post("/password/reset/", {"email": "olga@example.com"}, headers={"host": "evil.example"})
    [message] = mail.outbox
    assert "evil" not in str(message.message())


# The set-up link


def test_the_setup_link_makes_the_owner_and_logs_in(db: None) -> None:
    workspace = actions.create_workspace("Acme", "acme")
    token = actions.make_setup_link(workspace)
    browser = Client()
    page = browser.get(f"/setup/{token}/")
    assert "owner of “<bdi>Acme</bdi>”" in page.content.decode()
    body = {"email": "olga@example.com", "password": PASSWORD, "again": PASSWORD}
    answer = browser.post(f"/setup/{token}/", body)
    assert (answer.status_code, answer["Location"]) == (302, "/w/acme/integration/api/")
    assert is_in(browser)
    for again in (Client().get(f"/setup/{token}/"), Client().post(f"/setup/{token}/", body)):
        assert again.status_code == 410
        assert "This link no longer works" in again.content.decode()
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "olga", "password": PASSWORD, "again": PASSWORD}, "email"),
        ({"email": "olga@example.com", "password": "short", "again": "short"}, "password"),
        ({"email": "olga@example.com", "password": PASSWORD, "again": "different one"}, "again"),
        ({"email": "", "password": "", "again": ""}, "email"),
    ],
)
def test_the_setup_page_keeps_what_was_typed_and_says_what_is_wrong(db: None, body: dict[str, str], field: str) -> None:
    token = actions.make_setup_link(actions.create_workspace("Acme", "acme"))
    answer = Client().post(f"/setup/{token}/", body)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'id="{field}-problems" role="alert"' in page
    assert f'value="{body["email"]}"' in page
    assert PASSWORD not in page
    assert actions.find_setup_link(token) is not None


def test_logging_in_leads_to_the_overview(cast: Cast) -> None:
    browser = log_in()
    assert browser.get("/", follow=True).redirect_chain == [("/w/acme/overview/", 302)]
