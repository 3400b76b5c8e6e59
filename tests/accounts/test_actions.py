from __future__ import annotations

import datetime
import zoneinfo

import pytest
import time_machine
from allauth.account.models import EmailAddress

from stagewise.accounts import actions
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry, Member, SetupLink, User, Workspace
from tests.support.cast import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    return actions.create_workspace("Acme", "acme")


def problems_of(error: pytest.ExceptionInfo[ActionError]) -> dict[str, list[str]]:
    return error.value.problems


# Workspaces


@pytest.mark.parametrize("slug", ["", "Acme", "a b", "-a", "a-", "a--b", "a" * 61, "ä", "a/b"])
def test_a_slug_that_would_make_a_poor_url_is_refused(slug: str) -> None:
    with pytest.raises(ActionError) as error:
        actions.create_workspace("Acme", slug)
    assert list(problems_of(error)) == ["slug"]


def test_two_workspaces_cannot_share_a_slug(workspace: Workspace) -> None:
    with pytest.raises(ActionError, match="already"):
        actions.create_workspace("Other", "acme")


@pytest.mark.parametrize("name", ["", "  ", "\u200b\u200b", "a\x00b", "x" * 201])
def test_a_workspace_needs_a_name_that_can_be_seen(name: str) -> None:
    with pytest.raises(ActionError) as error:
        actions.create_workspace(name, "acme")
    assert list(problems_of(error)) == ["name"]


def test_workspace_settings_are_checked_all_at_once(workspace: Workspace) -> None:
    with pytest.raises(ActionError) as error:
        actions.save_workspace(workspace, "", "Mars/Olympus", "XX")
    assert sorted(problems_of(error)) == ["default_region", "name", "time_zone"]


def test_workspace_settings_are_saved_with_an_audit_entry(workspace: Workspace) -> None:
    saved = actions.save_workspace(workspace, "Acme GmbH", "Europe/Berlin", "de", actor="olga@example.com")
    assert (saved.name, saved.time_zone, saved.default_region) == ("Acme GmbH", "Europe/Berlin", "DE")
    entry = AuditEntry.objects.get(action="workspace.saved")
    assert entry.actor == "olga@example.com"
    assert entry.changes["time_zone"] == ["UTC", "Europe/Berlin"]


# The set-up link


def test_a_setup_link_makes_a_verified_owner_once(workspace: Workspace) -> None:
    token = actions.make_setup_link(workspace)
    user = actions.redeem_setup_link(token, " Olga@Example.com ", PASSWORD, "203.0.113.7")
    assert user.email == "olga@example.com"
    assert user.check_password(PASSWORD)
    assert Member.objects.get(user=user).role == "owner"
    assert EmailAddress.objects.get(user=user).verified
    with pytest.raises(ActionError, match="used already"):
        actions.redeem_setup_link(token, "eve@example.com", PASSWORD)
    assert User.objects.count() == 1


def test_the_database_does_not_hold_the_token(workspace: Workspace) -> None:
    token = actions.make_setup_link(workspace)
    assert token not in str(SetupLink.objects.values_list())


def test_a_new_setup_link_ends_the_old_one(workspace: Workspace) -> None:
    old, new = actions.make_setup_link(workspace), actions.make_setup_link(workspace)
    assert actions.find_setup_link(old) is None
    assert actions.find_setup_link(new) is not None


def test_a_setup_link_ends_after_three_days(workspace: Workspace) -> None:
    token = actions.make_setup_link(workspace)
    later = datetime.datetime.now(zoneinfo.ZoneInfo("UTC")) + datetime.timedelta(days=3, seconds=1)
    with time_machine.travel(later):
        assert actions.find_setup_link(token) is None


def test_adding_a_user_ends_the_setup_link(workspace: Workspace) -> None:
    token = actions.make_setup_link(workspace)
    actions.add_user(workspace, "olga@example.com", "owner", PASSWORD)
    assert actions.find_setup_link(token) is None


def test_a_setup_link_never_takes_over_an_account(workspace: Workspace) -> None:
    actions.add_user(workspace, "olga@example.com", "owner", PASSWORD)
    other = actions.create_workspace("Other", "other")
    token = actions.make_setup_link(other)
    with pytest.raises(ActionError) as error:
        actions.redeem_setup_link(token, "OLGA@example.com", "another good password")
    assert list(problems_of(error)) == ["email"]
    assert User.objects.get(email="olga@example.com").check_password(PASSWORD)
    assert actions.find_setup_link(token) is not None


@pytest.mark.parametrize("token", ["", "x", "é", "\ud800", "a" * 5000])
def test_a_made_up_token_finds_nothing(token: str) -> None:
    assert actions.find_setup_link(token) is None


@pytest.mark.parametrize("password", ["short", "elevenchars", "1q2w3e4r5t6y", "123456789012", "olga@example.com"])
def test_a_password_that_is_easy_to_guess_is_refused(workspace: Workspace, password: str) -> None:
    token = actions.make_setup_link(workspace)
    with pytest.raises(ActionError) as error:
        actions.redeem_setup_link(token, "olga@example.com", password)
    assert list(problems_of(error)) == ["password"]
    assert not User.objects.exists()
    assert actions.find_setup_link(token) is not None


@pytest.mark.parametrize("password", ["correct horse", "пароль из слов", "🐎" * 12, "x1 " * 40])
def test_a_long_password_of_any_signs_is_taken_as_it_is(workspace: Workspace, password: str) -> None:
    user = actions.add_user(workspace, "olga@example.com", "owner", password)
    assert user.check_password(password)
    assert not user.check_password(password.strip() + "x")


@pytest.mark.parametrize("email", ["", "olga", "olga@", "@example.com", "a b@example.com", "a@b\nc.com"])
def test_an_owner_needs_an_email_address(workspace: Workspace, email: str) -> None:
    with pytest.raises(ActionError) as error:
        actions.redeem_setup_link(actions.make_setup_link(workspace), email, PASSWORD)
    assert list(problems_of(error)) == ["email"]


# Users


def test_adding_a_user_again_sets_role_and_password(workspace: Workspace) -> None:
    first = actions.add_user(workspace, "agnes@example.com", "viewer", PASSWORD)
    again = actions.add_user(workspace, "Agnes@example.com", "agent", "a different passphrase")
    assert first.pk == again.pk
    assert again.check_password("a different passphrase")
    assert Member.objects.get().role == "agent"
    assert EmailAddress.objects.count() == 1


def test_one_person_can_be_in_two_workspaces(workspace: Workspace) -> None:
    other = actions.create_workspace("Other", "other")
    actions.add_user(workspace, "agnes@example.com", "agent", PASSWORD)
    actions.add_user(other, "agnes@example.com", "owner", PASSWORD)
    assert sorted(Member.objects.values_list("workspace__slug", "role")) == [("acme", "agent"), ("other", "owner")]


def test_a_role_that_does_not_exist_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ActionError, match="owner, admin, agent, viewer"):
        actions.add_user(workspace, "agnes@example.com", "boss", PASSWORD)
    assert not User.objects.exists()


def test_the_audit_never_holds_a_password(workspace: Workspace) -> None:
    token = actions.make_setup_link(workspace)
    actions.redeem_setup_link(token, "olga@example.com", PASSWORD, "203.0.113.7")
    actions.add_user(workspace, "agnes@example.com", "agent", PASSWORD, actor="olga@example.com")
    entries = list(AuditEntry.objects.values())
    assert [entry["action"] for entry in entries] == ["workspace.created", "setup.redeemed", "user.added"]
    assert entries[1]["address"] == "203.0.113.7"
    assert PASSWORD not in str(entries)
    assert token not in str(entries)
