"""Invitations: once, for a week, for one address, and worth what their sender may do."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.db.models import F
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from stagewise.accounts import invitations, members
from stagewise.accounts.errors import ActionError
from stagewise.accounts.invitations import Made
from stagewise.accounts.models import AuditEntry, Invitation, Member, User
from tests.support.cast import PASSWORD, Cast

pytestmark = pytest.mark.django_db


def seat(user: User) -> Member:
    return Member.objects.select_related("user", "workspace").get(user=user)


def invite(cast: Cast, email: str = "ines@example.com", role: str = "agent", by: str = "olga") -> Made:
    return invitations.invite(cast.acme.workspace, seat(getattr(cast, by)), email, role)


def come(token: str, **typed: Any) -> User:
    return invitations.accept_as_new(token, **{"email": "", "name": "Ines", "password": PASSWORD, **typed})


def problems(error: pytest.ExceptionInfo[ActionError]) -> list[str]:
    return sorted(error.value.problems)


def test_somebody_new_comes_in_once_with_the_role_they_were_invited_for(cast: Cast) -> None:
    made = invite(cast, " Ines@Example.com ")
    user = come(made.token)
    member = Member.objects.get(user=user)
    assert (user.email, user.name, member.role) == ("ines@example.com", "Ines", "agent")
    assert user.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=user).verified
    assert invitations.find(made.token) is None
    with pytest.raises(ActionError, match="used already"):
        come(made.token, email="eve@example.com")
    with pytest.raises(ActionError, match="used already"):
        invitations.accept(made.token, cast.nora)


def test_the_audit_says_who_came_and_who_invited_and_never_the_token(cast: Cast) -> None:
    made = invite(cast)
    come(made.token)
    joined = AuditEntry.objects.get(action="member.joined")
    assert joined.changes == {"role": [None, "agent"], "invited_by": [None, "olga@example.com"]}
    assert made.token not in str(list(AuditEntry.objects.values()))
    assert made.token not in str(list(Invitation.objects.values()))


@pytest.mark.parametrize(
    ("by", "role", "allowed"),
    [
        ("olga", "owner", True),
        ("adam", "admin", True),
        ("adam", "owner", False),
        ("agnes", "viewer", False),
        ("olga", "boss", False),
    ],
)
def test_nobody_invites_to_more_than_they_may_give(cast: Cast, by: str, role: str, allowed: bool) -> None:
    if allowed:
        assert invite(cast, role=role, by=by).invitation.role == role
    else:
        with pytest.raises(ActionError) as error:
            invite(cast, role=role, by=by)
        assert problems(error) == ["role"]


def let_pass(seconds: int) -> None:
    """So much time goes by for all invitations: it is the database's clock that counts."""
    Invitation.objects.update(created_at=F("created_at") - seconds * 1000, expires_at=F("expires_at") - seconds * 1000)


def test_after_seven_days_it_is_too_old(cast: Cast) -> None:
    made = invite(cast)
    let_pass(7 * 86_400 - 60)
    assert invitations.find(made.token) is not None
    let_pass(61)
    assert invitations.find(made.token) is None
    [listed] = invitations.waiting(cast.acme.workspace)
    assert listed.expired


def test_taken_back_it_no_longer_works_and_undo_puts_it_back(cast: Cast) -> None:
    made = invite(cast)
    invitations.withdraw(made.invitation, seat(cast.adam))
    assert invitations.find(made.token) is None
    assert invitations.waiting(cast.acme.workspace) == []
    invitations.restore(made.invitation, seat(cast.adam))
    assert come(made.token).email == "ines@example.com"
    with pytest.raises(ActionError, match="accepted in the meantime"):
        invitations.withdraw(made.invitation, seat(cast.adam))


def test_sent_again_only_the_new_link_works(cast: Cast) -> None:
    old = invite(cast)
    new = invitations.renew(old.invitation, seat(cast.olga))
    assert invitations.find(old.token) is None
    assert invitations.find(new.token) is not None
    with pytest.raises(ActionError, match="taken back"):
        invitations.renew(old.invitation, seat(cast.olga))


def test_a_second_invitation_of_an_address_ends_the_first(cast: Cast) -> None:
    old, new = invite(cast), invite(cast, role="viewer")
    assert invitations.find(old.token) is None
    assert invitations.find(new.token) is not None


def test_it_is_worth_what_its_sender_may_do_now(cast: Cast) -> None:
    made = invite(cast, role="admin", by="adam")
    members.change_role(seat(cast.adam), "agent", seat(cast.olga))
    assert invitations.find(made.token) is None
    assert invitations.waiting(cast.acme.workspace)[0].void
    members.change_role(seat(cast.adam), "admin", seat(cast.olga))
    assert invitations.find(made.token) is not None
    members.deactivate(seat(cast.adam), seat(cast.olga))
    assert invitations.find(made.token) is None


def test_an_admin_cannot_keep_an_invitation_of_an_owner_alive(cast: Cast) -> None:
    made = invite(cast, role="owner")
    with pytest.raises(ActionError):
        invitations.renew(made.invitation, seat(cast.adam))


def test_it_is_for_its_address_alone(cast: Cast) -> None:
    made = invite(cast, "nora@example.com")
    with pytest.raises(ActionError, match="another e-mail address"):
        invitations.accept(made.token, cast.stan)
    with pytest.raises(ActionError) as error:
        come(made.token, email="eve@example.com")
    assert problems(error) == ["email"]
    assert invitations.accept(made.token, cast.nora).role == "agent"


def test_a_link_lets_in_whoever_has_it_once(cast: Cast) -> None:
    made = invite(cast, "")
    user = come(made.token, email="Ines@example.com")
    assert user.email == "ines@example.com"
    with pytest.raises(ActionError, match="used already"):
        invitations.accept(made.token, cast.nora)


def test_an_address_typed_behind_a_link_is_proved_where_mail_can_leave(cast: Cast, settings: Settings) -> None:
    assert EmailAddress.objects.get(user=come(invite(cast, "").token, email="a@example.com")).verified
    settings.OURS = msgspec.structs.replace(settings.OURS, smtp_url="smtp://mail.example.com")
    assert not EmailAddress.objects.get(user=come(invite(cast, "").token, email="b@example.com")).verified
    assert EmailAddress.objects.get(user=come(invite(cast, "c@example.com").token)).verified


def test_a_link_never_takes_over_an_account(cast: Cast) -> None:
    made = invite(cast, "")
    with pytest.raises(ActionError, match="log in, then open this link again"):
        come(made.token, email="stan@example.com", password="quite another passphrase")
    cast.stan.refresh_from_db()
    assert cast.stan.check_password(PASSWORD)
    assert invitations.find(made.token) is not None


def test_an_address_that_somebody_else_registered_unproven_goes_to_whom_the_mail_reached(cast: Cast) -> None:
    squatter = User.objects.create_user("ines@example.com", "the squatter's passphrase", name="Not Ines")
    EmailAddress.objects.create(user=squatter, email=squatter.email, verified=False, primary=True)
    with pytest.raises(ActionError, match="log in"):
        come(invite(cast, "").token, email="ines@example.com")
    user = come(invite(cast).token)
    assert (user.pk, user.name) == (squatter.pk, "Ines")
    assert user.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=user).verified


def test_members_are_not_invited_and_deactivated_ones_do_not_slip_in_by_a_link(cast: Cast) -> None:
    with pytest.raises(ActionError, match="member already"):
        invite(cast, "Vera@example.com")
    with pytest.raises(ActionError, match="member already"):
        invitations.accept(invite(cast, "").token, cast.vera)
    members.deactivate(seat(cast.vera), seat(cast.olga))
    with pytest.raises(ActionError, match="deactivated"):
        invite(cast, "vera@example.com")
    made = invite(cast, "")
    with pytest.raises(ActionError, match="deactivated"):
        invitations.accept(made.token, cast.vera)
    assert invitations.find(made.token) is not None


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        ({"name": " "}, ["name"]),
        ({"password": "short"}, ["password"]),
        ({"email": "ines", "name": "", "password": "short"}, ["email", "name", "password"]),
    ],
)
def test_all_mistakes_are_named_at_once_and_nothing_is_used_up(
    cast: Cast, typed: dict[str, str], fields: list[str]
) -> None:
    made = invite(cast, "")
    with pytest.raises(ActionError) as error:
        come(made.token, **{"email": "ines@example.com", **typed})
    assert problems(error) == fields
    assert not User.objects.filter(email="ines@example.com").exists()
    assert invitations.find(made.token) is not None


@pytest.mark.parametrize("token", ["", "x", "é", "\ud800", "a" * 5000])
def test_a_made_up_token_finds_nothing(db: None, token: str) -> None:
    assert invitations.find(token) is None


def test_a_workspace_sends_a_bounded_number_a_day(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations, "MOST_A_DAY", 3)
    made = invite(cast)
    invitations.renew(made.invitation, seat(cast.olga))
    invite(cast, "")
    with pytest.raises(ActionError, match="At most 3 invitations"):
        invite(cast, "third@example.com")
    let_pass(86_401)
    invite(cast, "third@example.com")


def test_the_mail_holds_the_link_of_the_configured_console_and_no_long_names(
    cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    cast.acme.workspace.name = "Buy now " * 20
    cast.acme.workspace.save()
    with django_capture_on_commit_callbacks(execute=True):
        made = invite(cast)
    [message] = mail.outbox
    assert message.to == ["ines@example.com"]
    assert message.reply_to == ["olga@example.com"]
    assert f"http://127.0.0.1:8001/join/{made.token}/" in str(message.body)
    assert "Your role would be: Agent." in str(message.body)
    assert len(str(message.subject)) < 150


def test_no_mail_leaves_for_a_link(
    cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        invite(cast, "")
    assert mail.outbox == []
