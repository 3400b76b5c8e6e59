"""Invitations into a workspace: by mail to one address, or by a link that whoever has it may use once.

An invitation is worth what its sender may do when it is accepted: of somebody who was put out, or lost the role that
it takes, it no longer works. The database holds a hash of the token, so that nobody reads a way in out of it.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stagewise.accounts import actions, audit, invitation_mail, members, names
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Invitation, Member, Role, User, Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

_DAY_MS: Final = 86_400_000
#: How long an invitation can be accepted.
LIFE_DAYS: Final = 7
LIFE_MS: Final = LIFE_DAYS * _DAY_MS
#: So many are made in a workspace within 24 hours: each can be a mail to somebody who did not ask for it.
MOST_A_DAY: Final = 50
#: Expired ones are listed for this long, so that one sees who never came.
_LISTED_AFTER_MS: Final = 7 * _DAY_MS
_MOST_LISTED: Final = 200


class Made(NamedTuple):
    """An invitation with the token of its link, which is known only now."""

    invitation: Invitation
    token: str


class Waiting(NamedTuple):
    """An invitation that nobody has accepted, and whether it still can be."""

    invitation: Invitation
    expired: bool
    #: Whoever sent it may no longer give this role here.
    void: bool


def invite(workspace: Workspace, by: Member, email: str, role: str, address: str = "") -> Made:
    """Invite somebody; with an ``email`` it is sent there and works for that address alone.

    ``by`` is who invites, ``address`` theirs, for the audit entry. Raises :class:`ActionError`.
    """
    email = actions.checked_email(email) if email.strip() else ""
    with transaction.atomic():
        members.hold(workspace.pk)
        _check(workspace, by, email, role)
        made = _make(workspace, by, email, role)
        audit.record(
            workspace, by.user.email, "invitation.made", email, {"role": [None, role]}, address, made.invitation.pk
        )
    return made


def renew(invitation: Invitation, by: Member, address: str = "") -> Made:
    """Withdraw an invitation, and make the same again, with a new link and a new week. Raises :class:`ActionError`."""
    workspace = invitation.workspace
    with transaction.atomic():
        members.hold(workspace.pk)
        there = _open_one(invitation)
        _check(workspace, by, there.email, there.role)
        there.withdrawn_at = now_ms()
        there.save(update_fields=["withdrawn_at"])
        made = _make(workspace, by, there.email, there.role)
        audit.record(workspace, by.user.email, "invitation.renewed", there.email, {}, address, made.invitation.pk)
    return made


def withdraw(invitation: Invitation, by: Member, address: str = "") -> Invitation:
    """Take an invitation back: its link no longer works. Raises :class:`ActionError` when it was accepted."""
    with transaction.atomic():
        members.hold(invitation.workspace_id)
        there = _open_one(invitation)
        there.withdrawn_at = now_ms()
        there.save(update_fields=["withdrawn_at"])
        audit.record(there.workspace, by.user.email, "invitation.withdrawn", there.email, {}, address, there.pk)
    return there


def restore(invitation: Invitation, by: Member, address: str = "") -> Invitation:
    """Undo :func:`withdraw`: the same link works again, for as long as it would have."""
    with transaction.atomic():
        members.hold(invitation.workspace_id)
        there = Invitation.objects.select_related("workspace").get(pk=invitation.pk)
        if there.used_at is None and there.withdrawn_at is not None:
            _check(there.workspace, by, there.email, there.role)
            there.withdrawn_at = None
            there.save(update_fields=["withdrawn_at"])
            audit.record(there.workspace, by.user.email, "invitation.restored", there.email, {}, address, there.pk)
    return there


def waiting(workspace: Workspace) -> list[Waiting]:
    """Invitations that nobody has accepted, newest first; expired ones for another week."""
    now = now_ms()
    found = Invitation.objects.filter(
        workspace=workspace, used_at=None, withdrawn_at=None, expires_at__gt=now - _LISTED_AFTER_MS
    )
    listed = list(found.order_by("-id")[:_MOST_LISTED])
    roles = _roles_of_senders(workspace, [each.invited_by for each in listed])
    return [
        Waiting(each, each.expires_at <= now, Role(each.role) not in roles.get(each.invited_by, [])) for each in listed
    ]


def find(token: str) -> Invitation | None:
    """The invitation of this token, with its workspace, while it can be accepted."""
    found = Invitation.objects.select_related("workspace").filter(
        token_hash=_hash(token), used_at=None, withdrawn_at=None, expires_at__gt=now_ms()
    )
    invitation = found.first()
    if invitation is None:
        return None
    roles = _roles_of_senders(invitation.workspace, [invitation.invited_by])
    return invitation if Role(invitation.role) in roles.get(invitation.invited_by, []) else None


def known(email: str) -> bool:
    """Whether somebody has proved that this address is theirs, and has an account here."""
    return User.objects.filter(email=email, emailaddress__verified=True).exists()


def refusal(invitation: Invitation, user: User) -> str:
    """Why this invitation does not let the user in; empty where it does."""
    if invitation.email and invitation.email != user.email:
        return _("This invitation is for another e-mail address.")
    there = Member.objects.filter(workspace_id=invitation.workspace_id, user=user).first()
    if there is None:
        return ""
    if there.deactivated_at is not None:
        # Whoever was put out does not come in again by a link that somebody handed on.
        return _("You were deactivated in this workspace. Ask an owner or admin to let you in again.")
    return _("You are a member already; the invitation stays unused.")


def accept(token: str, user: User, address: str = "") -> Member:
    """Make an existing user a member. Raises :class:`ActionError` when the invitation is not theirs or not for them."""
    with transaction.atomic():
        return _join(_held(token), user, address)


def accept_as_new(token: str, email: str, name: str, password: str, address: str = "") -> User:
    """Make a user and let them in. ``email`` counts only where the invitation is not for one address.

    An address that somebody else has registered without ever proving that it is theirs goes to whom the mail reached.
    Raises :class:`ActionError`.
    """
    invitation = find(token)
    if invitation is None:
        raise ActionError({"": [gone()]})
    problems: dict[str, list[str]] = {}
    unproven, user = None, User()
    try:
        email = actions.checked_email(invitation.email or email)
        unproven = User.objects.filter(email=email).exclude(emailaddress__verified=True).first()
        user = unproven or User(email=email)
    except ActionError as error:
        problems |= error.problems
    try:
        user.name = names.of_person(name)
    except ValueError as error:
        problems["name"] = [str(error)]
    try:
        actions.prepared(user, password)
    except ActionError as error:
        problems |= error.problems
    if not problems and (known(email) or (unproven is not None and not invitation.email)):
        problems["email"] = [_("This address has an account here already: log in, then open this link again.")]
    if problems:
        raise ActionError(problems)
    return _accept_as_new(token, user, address)


def _accept_as_new(token: str, user: User, address: str) -> User:
    try:
        with transaction.atomic():
            invitation = _held(token)
            actions.save_user(user, verified=bool(invitation.email) or not mail_is_set_up())
            _join(invitation, user, address)
    except IntegrityError:
        raise ActionError({"email": [_("This address has an account here already. Log in with it.")]}) from None
    return user


def mail_is_set_up() -> bool:
    """Whether mails reach people; without a mail server they are only written to the console's log."""
    return settings.OURS.smtp_url is not None


def gone() -> str:
    """What is said to somebody whose link no longer works."""
    return _("This invitation was used already, was taken back, or is too old.")


def _check(workspace: Workspace, by: Member, email: str, role: str) -> None:
    sender = Member.objects.get(pk=by.pk)
    if role not in Role.values:
        raise ActionError({"role": [_("There is no such role.")]})
    if sender.deactivated_at is not None or Role(role) not in members.roles_of(sender.role):
        raise ActionError({"role": [_("Your role does not allow you to invite somebody as %s.") % Role(role).label]})
    there = Member.objects.filter(workspace=workspace, user__email=email).first() if email else None
    if there is not None:
        said = _("This person is a member already.")
        if there.deactivated_at is not None:
            said = _("This person is a member who was deactivated. Let them in again in the list below.")
        raise ActionError({"email": [said]})
    made = Invitation.objects.filter(workspace=workspace, created_at__gt=now_ms() - _DAY_MS).count()
    if made >= MOST_A_DAY:
        said = ngettext(
            "At most %d invitation is made in a day. Wait until tomorrow.",
            "At most %d invitations are made in a day. Wait until tomorrow.",
            MOST_A_DAY,
        )
        raise ActionError({"": [said % MOST_A_DAY]})


def _make(workspace: Workspace, by: Member, email: str, role: str) -> Made:
    """Write the row, and send the mail once it is committed; older invitations of the same address stop working."""
    token, now = secrets.token_urlsafe(32), now_ms()
    if email:
        older = Invitation.objects.filter(workspace=workspace, email=email, used_at=None, withdrawn_at=None)
        older.update(withdrawn_at=now)
    invitation = Invitation.objects.create(
        workspace=workspace,
        email=email,
        role=role,
        token_hash=_hash(token),
        invited_by=by.user.email,
        created_at=now,
        expires_at=now + LIFE_MS,
    )
    if email:
        invitation_mail.send_later(invitation, token, by)
    return Made(invitation, token)


def _open_one(invitation: Invitation) -> Invitation:
    there = Invitation.objects.select_related("workspace").get(pk=invitation.pk)
    if there.used_at is not None:
        raise ActionError({"": [_("This invitation was accepted in the meantime.")]})
    if there.withdrawn_at is not None:
        raise ActionError({"": [_("This invitation was taken back in the meantime.")]})
    return there


def _held(token: str) -> Invitation:
    """The invitation with its workspace held: of two who accept it at once, one is let in."""
    found = find(token)
    if found is None:
        raise ActionError({"": [gone()]})
    members.hold(found.workspace_id)
    again = find(token)
    if again is None:
        raise ActionError({"": [gone()]})
    return again


def _join(invitation: Invitation, user: User, address: str) -> Member:
    refused = refusal(invitation, user)
    if refused:
        raise ActionError({"": [refused]})
    member = Member.objects.create(workspace=invitation.workspace, user=user, role=invitation.role)
    invitation.used_at = now_ms()
    invitation.save(update_fields=["used_at"])
    changes: audit.Changes = {"role": [None, invitation.role], "invited_by": [None, invitation.invited_by]}
    audit.record(invitation.workspace, user.email, "member.joined", user.email, changes, address, member.pk)
    return member


def _roles_of_senders(workspace: Workspace, senders: Sequence[str]) -> dict[str, list[Role]]:
    """By address the roles that a sender may give here now."""
    found = Member.objects.filter(
        workspace=workspace, user__email__in=set(senders), deactivated_at=None, user__is_active=True
    )
    return {email: members.roles_of(role) for email, role in found.values_list("user__email", "role")}


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
