"""The team's page: who is in, who is invited, and what becomes of somebody who was put out."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stagewise.accounts import invitations, members, tokens
from stagewise.accounts.models import Invitation, Member, User
from tests.console import pages
from tests.support import cast as casting
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
TEAM = "/w/acme/settings/team/"


def member(user: User) -> Member:
    return Member.objects.select_related("user", "workspace").get(user=user)


def undo(page: pages.Page) -> tuple[str, dict[str, str]]:
    """Where the Undo of the page's toast goes, and what it sends."""
    found = re.search(r'<li[^>]*>\s*<span>.*?<form method="post" action="([^"]+)">(.*?)</form>', page.html, re.DOTALL)
    assert found, page.text
    return found[1], dict(re.findall(r'name="(?!csrf)(\w+)" value="([^"]*)"', found[2]))


def test_it_lists_everybody_with_role_and_when_they_were_last_seen(cast: Cast, as_user: AsUser) -> None:
    as_user(cast.vera).get(TEAM)
    page = pages.read(as_user(cast.olga), TEAM)
    for words in ("4 people work here", "adam@example.com", "never seen yet", "last seen just now", "password only"):
        assert words in page.text


def test_somebody_without_rights_sees_who_is_in_and_nothing_to_change(cast: Cast, as_user: AsUser) -> None:
    casting.invitation(cast.acme)
    page = pages.read(as_user(cast.vera), TEAM)
    assert "olga@example.com" in page.text
    assert "ines@example.com" not in page.text
    assert "password only" not in page.text
    assert page.html.count('method="post"') == 2  # theme and logout


def test_a_role_is_changed_and_undo_brings_it_back(cast: Cast, as_user: AsUser) -> None:
    olga, pk = as_user(cast.olga), member(cast.agnes).pk
    page = pages.send(olga, f"{TEAM}{pk}/role/", role="admin")
    assert "agnes@example.com has the role Admin now." in page.text
    path, fields = undo(page)
    pages.send(olga, path, **fields)
    assert member(cast.agnes).role == "agent"


def test_an_admin_is_offered_no_owner_and_refused_where_they_try(cast: Cast, as_user: AsUser) -> None:
    adam = as_user(cast.adam)
    page = pages.read(adam, TEAM)
    assert 'value="owner"' not in page.html
    assert f'/team/{member(cast.olga).pk}/role/"' not in page.html
    refused = pages.send(adam, f"{TEAM}{member(cast.olga).pk}/role/", role="viewer")
    assert "Only owners can change an owner." in refused.text
    pages.send(adam, f"{TEAM}{member(cast.adam).pk}/role/", role="owner")
    assert (member(cast.olga).role, member(cast.adam).role) == ("owner", "admin")


def test_the_last_owner_is_told_why_they_stay(cast: Cast, as_user: AsUser) -> None:
    olga = as_user(cast.olga)
    page = pages.send(olga, f"{TEAM}{member(cast.olga).pk}/role/", role="viewer")
    assert "A workspace needs an owner: make somebody else an owner first." in page.text
    left = pages.send(olga, "/w/acme/leave/")
    assert "A workspace needs an owner" in left.text
    assert member(cast.olga).deactivated_at is None


def test_whoever_is_deactivated_is_out_at_the_very_next_request(cast: Cast, as_user: AsUser) -> None:
    Member.objects.create(workspace=cast.next_door.workspace, user=cast.agnes, role="viewer")
    browser, olga = as_user(cast.agnes), as_user(cast.olga)
    assert browser.get("/w/acme/leads/").status_code == 200
    pk = Member.objects.get(user=cast.agnes, workspace=cast.acme.workspace).pk
    page = pages.send(olga, f"{TEAM}{pk}/deactivate/")
    assert "agnes@example.com is out" in page.text
    for method, path in (("get", "/w/acme/leads/"), ("post", f"/w/acme/leads/{cast.acme.lead.public_id}/stage/")):
        assert getattr(browser, method)(path).status_code == 404
    # Logged in they stay, for where else they belong.
    assert browser.get("/w/next-door/leads/").status_code == 200
    path, fields = undo(page)
    pages.send(olga, path, **fields)
    assert browser.get("/w/acme/leads/").status_code == 200


def test_a_deactivated_members_api_tokens_stop_working(cast: Cast) -> None:
    made = tokens.make(member(cast.agnes), "CRM", [tokens.LEADS_READ], None)

    def status() -> int:
        return Client().get("/api/v1/leads", headers={"authorization": f"Bearer {made.secret}"}).status_code

    assert status() == 200
    members.deactivate(member(cast.agnes), member(cast.olga))
    assert status() in {401, 403}


def test_nobody_deactivates_themselves_here_but_they_can_leave(cast: Cast, as_user: AsUser) -> None:
    adam = as_user(cast.adam)
    assert "leave the workspace" in pages.send(adam, f"{TEAM}{member(cast.adam).pk}/deactivate/").text
    assert member(cast.adam).deactivated_at is None
    page = pages.send(as_user(cast.vera), "/w/acme/leave/")
    assert "You have left Acme Studio." in page.text
    assert "You are in no workspace yet" in page.text


def test_an_invitation_by_mail_is_listed_and_never_shows_its_link(cast: Cast, as_user: AsUser) -> None:
    page = pages.send(as_user(cast.adam), f"{TEAM}invite/", email="ines@example.com", role="agent")
    assert "1 is invited" in page.text
    assert "the invitation of ines@example.com only stands in the console's log" in page.text
    assert "/join/" not in page.html


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("", "Type the e-mail address"),
        ("ines", "This is no e-mail address"),
        ("vera@example.com", "This person is a member already."),
    ],
)
def test_a_mistake_is_named_beside_the_field_and_what_was_typed_stays(
    cast: Cast, as_user: AsUser, email: str, said: str
) -> None:
    page = pages.send(as_user(cast.olga), f"{TEAM}invite/", email=email, role="viewer")
    assert page.status == 422
    assert said in page.text
    assert page.values["email"] == email
    assert re.search(r'value="viewer"\s+selected', page.html)
    assert 'aria-describedby="email-problems"' in page.html
    assert not Invitation.objects.exists()


def test_a_link_is_shown_once_and_lets_somebody_in(cast: Cast, as_user: AsUser) -> None:
    olga = as_user(cast.olga)
    page = pages.send(olga, f"{TEAM}link/", role="viewer")
    found = re.search(r"http://127\.0\.0\.1:8001(/join/[\w-]+/)", page.html)
    assert found
    assert found[1] not in pages.read(olga, TEAM).html
    assert "Join Acme Studio" in pages.read(Client(), found[1]).text


def test_a_withdrawn_invitation_comes_back_by_undo(cast: Cast, as_user: AsUser) -> None:
    olga, there = as_user(cast.olga), casting.invitation(cast.acme)
    page = pages.send(olga, f"{TEAM}invitations/{there.pk}/withdraw/")
    assert "The invitation of ines@example.com no longer works." in page.text
    assert invitations.waiting(cast.acme.workspace) == []
    path, fields = undo(page)
    pages.send(olga, path, **fields)
    assert len(invitations.waiting(cast.acme.workspace)) == 1


def test_a_link_is_made_anew_and_a_mail_sent_again(cast: Cast, as_user: AsUser) -> None:
    olga = as_user(cast.olga)
    link, by_mail = casting.invitation(cast.acme, email=""), casting.invitation(cast.acme)
    assert "A link to come in" in pages.send(olga, f"{TEAM}invitations/{link.pk}/renew/").text
    assert "ines@example.com" in pages.send(olga, f"{TEAM}invitations/{by_mail.pk}/renew/").text
    link.refresh_from_db()
    assert link.withdrawn_at is not None
    again = pages.send(olga, f"{TEAM}invitations/{link.pk}/renew/")
    assert "taken back in the meantime" in again.text


def test_the_number_of_queries_does_not_grow_with_the_people(cast: Cast, as_user: AsUser) -> None:
    olga = as_user(cast.olga)
    casting.invitation(cast.acme)
    olga.get(TEAM)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert olga.get(TEAM).status_code == 200
        return len(seen)

    before = queries()
    for number in range(20):
        user = User.objects.create_user(f"p{number}@example.com", None)
        Member.objects.create(workspace=cast.acme.workspace, user=user, role="agent")
        casting.invitation(cast.acme, email=f"i{number}@example.com")
    assert queries() == before
