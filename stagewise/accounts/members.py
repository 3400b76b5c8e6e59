"""The people of a workspace: who they are, who may change whom, and who is out.

A workspace never loses its last active owner, and only owners make owners or change them. Every change holds the
workspace's row, so that of two owners who throw each other out at once one stays.
"""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from stagewise.accounts import audit
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Member, Role, User, Workspace

#: From least to most.
ORDER: Final = (Role.VIEWER, Role.AGENT, Role.ADMIN, Role.OWNER)
#: How long "last seen" stays as it is while somebody goes on looking: pages that are only read write little.
SEEN_MS: Final = 300_000
#: So many people of a workspace are listed; a team that this console is made for is far smaller.
MOST_LISTED: Final = 500


def at_least(role: str, least: str) -> bool:
    """Whether a role is ``least`` or more."""
    return ORDER.index(Role(role)) >= ORDER.index(Role(least))


def roles_of(giver: str) -> list[Role]:
    """The roles that somebody with this role may give to others, from most to least: owners are made by owners."""
    if not at_least(giver, Role.ADMIN):
        return []
    return [role for role in reversed(ORDER) if role != Role.OWNER or giver == Role.OWNER]


def may_change(actor: str, target: str) -> bool:
    """Whether somebody with the first role may change or deactivate somebody who has the second."""
    return Role(target) in roles_of(actor)


def active_seat(user: User, slug: str) -> Member | None:
    """The user's membership in the workspace of this slug, with the workspace, unless it is deactivated."""
    found = Member.objects.select_related("workspace").filter(user=user, workspace__slug=slug, deactivated_at=None)
    return found.first()


def active_seats(user: User) -> list[Member]:
    """All memberships of a user in which they are active, with their workspaces, the oldest first."""
    found = Member.objects.select_related("workspace").filter(user=user, deactivated_at=None)
    return list(found.order_by("id"))


def roster(workspace: Workspace) -> list[Member]:
    """Everybody in the workspace with their user: those who are active first, then by role, then by name."""
    everybody = Member.objects.select_related("user").filter(workspace=workspace)
    found = list(everybody.order_by(F("deactivated_at").desc(nulls_first=True), "id")[:MOST_LISTED])
    return sorted(found, key=lambda each: (each.deactivated_at is not None, -ORDER.index(Role(each.role))))


def see(member: Member) -> None:
    """Note that the member is looking at the workspace now, at most once in five minutes."""
    now = now_ms()
    if member.last_seen_at is None or now - member.last_seen_at >= SEEN_MS:
        member.last_seen_at = now
        Member.objects.filter(pk=member.pk).update(last_seen_at=now)


def change_role(target: Member, role: str, by: Member | None, address: str = "") -> Member:
    """Give a member another role; ``by`` is who does it, None: the command line.

    Raises :class:`ActionError` for a role that does not exist, or that this person may not give or take, and where the
    workspace would lose its last active owner.
    """
    if role not in Role.values:
        raise ActionError({"role": [_("There is no such role.")]})
    with transaction.atomic():
        there = _held(target, by)
        if by is not None and Role(role) not in roles_of(_now(by).role):
            raise ActionError({"role": [_("Only owners can make somebody an owner.")]})
        if there.role == role:
            return there
        if there.role == Role.OWNER:
            keep_an_owner(there)
        changes: audit.Changes = {"role": [there.role, role]}
        there.role = role
        there.save(update_fields=["role"])
        _record(there, by, "member.role_changed", changes, address)
    return there


def deactivate(target: Member, by: Member | None, address: str = "") -> Member:
    """Put a member out, from the very next request on; what they did stays theirs. Raises as :func:`change_role`."""
    with transaction.atomic():
        there = _held(target, by)
        if there.deactivated_at is None:
            if there.role == Role.OWNER:
                keep_an_owner(there)
            there.deactivated_at = now_ms()
            there.save(update_fields=["deactivated_at"])
            _record(there, by, "member.deactivated", {}, address)
    return there


def reactivate(target: Member, by: Member | None, address: str = "") -> Member:
    """Let a member in again, with the role that they had. Raises as :func:`change_role` does."""
    with transaction.atomic():
        there = _held(target, by)
        if there.deactivated_at is not None:
            there.deactivated_at = None
            there.save(update_fields=["deactivated_at"])
            _record(there, by, "member.reactivated", {}, address)
    return there


def hold(workspace_id: int) -> Workspace:
    """Lock the workspace's row for changes of its people; leads, which refer to the row, are stored all the same."""
    return Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)


def keep_an_owner(member: Member) -> None:
    """Raise :class:`ActionError` if nobody but this member owns the workspace, whose row the caller holds."""
    owners = Member.objects.filter(
        workspace_id=member.workspace_id, role=Role.OWNER, deactivated_at=None, user__is_active=True
    )
    if member.deactivated_at is None and not owners.exclude(pk=member.pk).exists():
        raise ActionError({"": [_("A workspace needs an owner: make somebody else an owner first.")]})


def _held(target: Member, by: Member | None) -> Member:
    """The member as they are now, with the workspace held; raises where ``by`` may not change them."""
    hold(target.workspace_id)
    there = _now(target)
    if by is None or by.pk == target.pk:
        return there
    actor = _now(by)
    if actor.deactivated_at is not None or not may_change(actor.role, there.role):
        only_owners = there.role == Role.OWNER and at_least(actor.role, Role.ADMIN)
        raise ActionError({"": [_("Only owners can change an owner.") if only_owners else _("You may not do this.")]})
    return there


def _now(member: Member) -> Member:
    return Member.objects.select_related("user", "workspace").get(pk=member.pk)


def _record(there: Member, by: Member | None, action: str, changes: audit.Changes, address: str) -> None:
    actor = "" if by is None else by.user.email
    audit.record(there.workspace, actor, action, there.user.email, changes, address, subject_id=there.pk)
