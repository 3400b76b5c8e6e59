"""Who may change whom, and that a workspace never loses its last owner."""

from __future__ import annotations

import pytest

from stagewise.accounts import actions, members
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry, Member, User
from tests.support.cast import PASSWORD, Cast

pytestmark = pytest.mark.django_db


def seat(user: User) -> Member:
    return Member.objects.select_related("user", "workspace").get(user=user)


def role_of(user: User) -> str:
    return seat(user).role


@pytest.mark.parametrize(
    ("actor", "target", "role", "allowed"),
    [
        ("olga", "adam", "viewer", True),
        ("olga", "adam", "owner", True),
        ("adam", "agnes", "admin", True),
        ("adam", "vera", "agent", True),
        ("adam", "agnes", "owner", False),
        ("adam", "olga", "viewer", False),
        ("adam", "adam", "owner", False),
        ("adam", "adam", "agent", True),
        ("agnes", "vera", "agent", False),
        ("vera", "vera", "agent", False),
        ("olga", "adam", "boss", False),
    ],
)
def test_who_may_give_which_role_to_whom(cast: Cast, actor: str, target: str, role: str, allowed: bool) -> None:
    whom = getattr(cast, target)
    before = role_of(whom)
    if allowed:
        members.change_role(seat(whom), role, seat(getattr(cast, actor)))
    else:
        with pytest.raises(ActionError):
            members.change_role(seat(whom), role, seat(getattr(cast, actor)))
    assert role_of(whom) == (role if allowed else before)


def test_a_change_is_audited_with_what_it_was_and_where_it_came_from(cast: Cast) -> None:
    members.change_role(seat(cast.agnes), "admin", seat(cast.olga), "203.0.113.7")
    entry = AuditEntry.objects.get(action="member.role_changed")
    assert (entry.actor, entry.subject, entry.address) == ("olga@example.com", "agnes@example.com", "203.0.113.7")
    assert entry.changes == {"role": ["agent", "admin"]}
    assert entry.subject_id == seat(cast.agnes).pk


def test_the_last_active_owner_can_be_neither_demoted_nor_deactivated(cast: Cast) -> None:
    for act in (
        lambda: members.change_role(seat(cast.olga), "admin", seat(cast.olga)),
        lambda: members.deactivate(seat(cast.olga), seat(cast.olga)),
        lambda: members.change_role(seat(cast.olga), "admin", None),
        lambda: members.deactivate(seat(cast.olga), None),
        lambda: actions.add_user(cast.acme.workspace, "olga@example.com", "viewer", PASSWORD),
    ):
        with pytest.raises(ActionError, match="needs an owner"):
            act()
    assert (role_of(cast.olga), seat(cast.olga).deactivated_at) == ("owner", None)


def test_owners_who_cannot_come_in_do_not_count(cast: Cast) -> None:
    members.change_role(seat(cast.adam), "owner", seat(cast.olga))
    User.objects.filter(pk=cast.adam.pk).update(is_active=False)
    with pytest.raises(ActionError, match="needs an owner"):
        members.deactivate(seat(cast.olga), None)
    User.objects.filter(pk=cast.adam.pk).update(is_active=True)
    members.deactivate(seat(cast.adam), seat(cast.olga))
    with pytest.raises(ActionError, match="needs an owner"):
        members.deactivate(seat(cast.olga), None)


def test_of_two_owners_each_may_go_but_not_both(cast: Cast) -> None:
    members.change_role(seat(cast.adam), "owner", seat(cast.olga))
    members.deactivate(seat(cast.olga), seat(cast.adam))
    with pytest.raises(ActionError, match="needs an owner"):
        members.deactivate(seat(cast.adam), seat(cast.adam))


def test_what_somebody_may_do_is_looked_up_when_they_do_it(cast: Cast) -> None:
    was_admin = seat(cast.adam)
    members.change_role(seat(cast.adam), "viewer", seat(cast.olga))
    with pytest.raises(ActionError):
        members.deactivate(seat(cast.agnes), was_admin)
    members.change_role(seat(cast.adam), "admin", seat(cast.olga))
    members.deactivate(seat(cast.adam), seat(cast.olga))
    with pytest.raises(ActionError):
        members.deactivate(seat(cast.agnes), was_admin)
    assert seat(cast.agnes).deactivated_at is None


def test_an_admin_cannot_let_an_owner_in_again(cast: Cast) -> None:
    members.change_role(seat(cast.agnes), "owner", seat(cast.olga))
    members.deactivate(seat(cast.agnes), seat(cast.olga))
    with pytest.raises(ActionError, match="Only owners"):
        members.reactivate(seat(cast.agnes), seat(cast.adam))
    assert members.reactivate(seat(cast.agnes), seat(cast.olga)).deactivated_at is None


def test_a_deactivated_member_has_no_seat_and_keeps_the_others(cast: Cast) -> None:
    Member.objects.create(workspace=cast.next_door.workspace, user=cast.agnes, role="viewer")
    members.deactivate(Member.objects.get(user=cast.agnes, workspace=cast.acme.workspace), seat(cast.olga))
    assert members.active_seat(cast.agnes, "acme") is None
    assert [each.workspace.slug for each in members.active_seats(cast.agnes)] == ["next-door"]


def test_adding_a_user_on_the_command_line_lets_them_in_again(cast: Cast) -> None:
    members.deactivate(seat(cast.agnes), seat(cast.olga))
    actions.add_user(cast.acme.workspace, "agnes@example.com", "agent", PASSWORD)
    assert seat(cast.agnes).deactivated_at is None


def test_the_list_has_the_active_first_and_then_goes_by_role(cast: Cast) -> None:
    members.deactivate(seat(cast.adam), seat(cast.olga))
    listed = [each.user.email.partition("@")[0] for each in members.roster(cast.acme.workspace)]
    assert listed == ["olga", "agnes", "vera", "adam"]


def test_looking_is_noted_once_in_five_minutes(cast: Cast) -> None:
    member = seat(cast.olga)
    members.see(member)
    first = seat(cast.olga).last_seen_at
    assert first is not None
    members.see(seat(cast.olga))
    assert seat(cast.olga).last_seen_at == first
    Member.objects.filter(pk=member.pk).update(last_seen_at=first - members.SEEN_MS)
    members.see(seat(cast.olga))
    assert (seat(cast.olga).last_seen_at or 0) >= first
