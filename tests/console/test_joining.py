"""An invitation is accepted: by somebody new, by somebody with an account, and by nobody else."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from stagewise.accounts import invitations
from stagewise.accounts.models import Member, User
from tests.console import pages
from tests.support.cast import PASSWORD, Cast

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
TYPED = {"name": "Ines", "password": PASSWORD, "again": PASSWORD}


def path(cast: Cast, email: str = "ines@example.com", role: str = "agent") -> str:
    owner = Member.objects.select_related("user").get(user=cast.olga)
    return f"/join/{invitations.invite(cast.acme.workspace, owner, email, role).token}/"


def test_somebody_new_chooses_name_and_password_and_is_in(cast: Cast) -> None:
    browser, join = Client(), path(cast)
    page = pages.read(browser, join)
    assert "Join Acme Studio" in page.text
    assert "olga@example.com invites you, with the role Agent." in page.text
    browser.cookies["session"] = "a" * 32
    answer = browser.post(join, TYPED)
    assert (answer.status_code, answer["Location"]) == (302, "/w/acme/overview/")
    assert browser.cookies["session"].value != "a" * 32
    assert browser.get("/w/acme/leads/").status_code == 200
    again = Client().get(join)
    assert again.status_code == 410
    assert "This invitation no longer works" in again.content.decode()


@pytest.mark.parametrize(
    ("typed", "field"),
    [({"name": ""}, "name"), ({"again": "different"}, "again"), ({"password": "short", "again": "short"}, "password")],
)
def test_a_mistake_is_named_beside_its_field_and_no_password_comes_back(
    cast: Cast, typed: dict[str, str], field: str
) -> None:
    join = path(cast)
    page = pages.send(Client(), join, **{**TYPED, **typed})
    assert page.status == 422
    assert f'id="{field}-problems" role="alert"' in page.html
    assert PASSWORD not in page.html
    assert invitations.find(join.split("/")[2]) is not None


def test_whoever_has_an_account_logs_in_first_and_then_joins(cast: Cast) -> None:
    browser, join = Client(), path(cast, "nora@example.com", "admin")
    page = pages.read(browser, join)
    assert "nora@example.com has an account here already." in page.text
    assert f'href="/login/?next={join}"' in page.html
    answer = browser.post("/login/", {"login": "nora@example.com", "password": PASSWORD, "next": join})
    assert answer["Location"] == join
    assert "Join as nora@example.com" in pages.read(browser, join).text
    assert not cast.nora.memberships.exists()
    assert browser.post(join)["Location"] == "/w/acme/overview/"
    assert cast.nora.memberships.get().role == "admin"


def test_looking_at_it_joins_nobody(cast: Cast, as_user: AsUser) -> None:
    as_user(cast.nora).get(path(cast, ""))
    assert not cast.nora.memberships.exists()


def test_somebody_else_is_told_whose_it_is_and_can_log_out(cast: Cast, as_user: AsUser) -> None:
    stan, join = as_user(cast.stan), path(cast)
    for answer in (stan.get(join), stan.post(join)):
        assert answer.status_code == 403
        assert "This invitation is for somebody else" in answer.content.decode()
    assert cast.stan.memberships.count() == 1
    assert stan.post("/logout/", {"next": join})["Location"] == join


def test_who_is_a_member_already_uses_nothing_up(cast: Cast, as_user: AsUser) -> None:
    join = path(cast, "")
    answer = as_user(cast.vera).post(join)
    assert answer.status_code == 409
    assert "You are a member already" in answer.content.decode()
    assert invitations.find(join.split("/")[2]) is not None


def test_a_link_asks_for_the_address_and_takes_over_no_account(cast: Cast) -> None:
    join = path(cast, "")
    page = pages.send(Client(), join, email="stan@example.com", **TYPED)
    assert page.status == 422
    assert "This address has an account here already" in page.text
    assert page.values["email"] == "stan@example.com"
    assert pages.send(Client(), join, email="ines@example.com", **TYPED).status == 200
    assert User.objects.get(email="ines@example.com").memberships.get().role == "agent"


def test_behind_a_link_the_address_is_proved_by_mail_before_one_is_in(cast: Cast, settings: Settings) -> None:
    settings.OURS = msgspec.structs.replace(settings.OURS, smtp_url="smtp://mail.example.com")
    browser = Client()
    answer = browser.post(path(cast, ""), {"email": "ines@example.com", **TYPED})
    assert answer["Location"] == "/confirm-email/"
    assert browser.get("/w/acme/leads/").status_code == 302
    [message] = mail.outbox
    assert message.to == ["ines@example.com"]
    assert "http://127.0.0.1:8001/confirm-email/" in str(message.body)


@pytest.mark.parametrize("token", ["x", "é", "a" * 500, "..%2f.."])
def test_a_made_up_link_is_gone_for_everybody(cast: Cast, as_user: AsUser, token: str) -> None:
    for browser in (Client(), as_user(cast.olga)):
        assert browser.get(f"/join/{token}/").status_code in {404, 410}
        assert browser.post(f"/join/{token}/", TYPED).status_code in {404, 410}
