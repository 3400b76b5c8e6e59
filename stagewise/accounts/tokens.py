"""API tokens: what a program shows to read and work leads in a member's name.

A token is ``swt_`` and 256 random bits. The database holds only its SHA-256, so who reads the database can call
nothing; the token itself is shown once, to the person who made it. What it may do is the smaller of its scopes and
the role that its member has at the time of the call.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stagewise.accounts import audit, names
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.members import at_least
from stagewise.accounts.models import ApiToken, Member, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stagewise.accounts.models import Workspace

#: What every token begins with: people and programs that look for leaked secrets know it by this.
PREFIX: Final = "swt_"
_RANDOM_BYTES: Final = 32
#: So much of a token is kept in the clear: the prefix and four characters, to tell one from another.
_HINT: Final = len(PREFIX) + 4

LEADS_READ: Final = "leads:read"
LEADS_WRITE: Final = "leads:write"
LEAD_TYPES_READ: Final = "lead_types:read"
#: What a token may be allowed to do → the least role that may do it.
SCOPES: Final[dict[str, Role]] = {
    LEADS_READ: Role.VIEWER,
    LEADS_WRITE: Role.AGENT,
    LEAD_TYPES_READ: Role.VIEWER,
}

NAME_LIMIT: Final = 100
#: Tokens of one member that work at the same time.
MOST: Final = 50
#: The longest life of a token that ends by itself, in days.
LONGEST_DAYS: Final = 3_650
#: For so long a revoked token can be put back: time for Undo, too short to be forgotten.
UNDO_MS: Final = 10 * 60_000

_DAY_MS: Final = 86_400_000
#: Of the tokens that have ended, so many are listed.
_ENDED_SHOWN: Final = 20


class Made(NamedTuple):
    """A new token, and its text, which nobody can read again."""

    token: ApiToken
    secret: str


class Listed(NamedTuple):
    """Tokens that work, and the last of those that have ended, each newest first."""

    working: list[ApiToken]
    ended: list[ApiToken]


def make(
    member: Member, name: str, scopes: Iterable[str], days: int | None, actor: str = "", address: str = ""
) -> Made:
    """Make a token of this member that ends after so many days; None: when it is revoked.

    Raises :class:`ActionError` on ``name``, ``scopes`` and ``days``.
    """
    chosen = set(scopes)
    problems: dict[str, list[str]] = {}
    try:
        name = names.clean(name, NAME_LIMIT)
    except ValueError as error:
        problems["name"] = [str(error)]
    if not chosen or not chosen <= SCOPES.keys():
        problems["scopes"] = [_("Choose at least one thing that the token may do.")]
    elif not all(at_least(member.role, SCOPES[scope]) for scope in chosen):
        problems["scopes"] = [_("Your role does not allow all of this.")]
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        problems["days"] = [_("Choose a number of days from 1 to %d.") % LONGEST_DAYS]
    if problems:
        raise ActionError(problems)
    secret = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    with transaction.atomic():
        # Locked, so that two at once are counted one after the other.
        member = Member.objects.select_for_update(of=("self",)).select_related("workspace").get(pk=member.pk)
        now = now_ms()
        if ApiToken.objects.filter(_works(now), member=member).count() >= MOST:
            said = ngettext("You have %d token already.", "You have %d tokens already.", MOST) % MOST
            raise ActionError({"": [said + " " + _("Revoke one that you do not need any more.")]})
        token = ApiToken.objects.create(
            workspace=member.workspace,
            member=member,
            name=name,
            token_hash=_hash(secret),
            hint=secret[:_HINT],
            scopes=[scope for scope in SCOPES if scope in chosen],
            expires_at=None if days is None else now + days * _DAY_MS,
            created_at=now,
        )
        changes: audit.Changes = {"scopes": [None, token.scopes], "days": [None, days]}
        audit.record(member.workspace, actor, "token.made", name, changes, address, token.pk)
    return Made(token, secret)


def revoke(token: ApiToken, actor: str = "", address: str = "") -> ApiToken:
    """End the token: its next call is refused. One that is revoked already stays as it is."""
    with transaction.atomic():
        token = _locked(token)
        if token.revoked_at is None:
            token.revoked_at = now_ms()
            token.save(update_fields=["revoked_at"])
            audit.record(token.workspace, actor, "token.revoked", token.name, {}, address, token.pk)
    return token


def restore(token: ApiToken, actor: str = "", address: str = "") -> ApiToken:
    """Take :func:`revoke` back, for ten minutes; raises :class:`ActionError` after that."""
    with transaction.atomic():
        token = _locked(token)
        if token.revoked_at is not None:
            if token.revoked_at < now_ms() - UNDO_MS:
                raise ActionError({"": [_("This token was revoked a while ago. Make a new one.")]})
            token.revoked_at = None
            token.save(update_fields=["revoked_at"])
            audit.record(token.workspace, actor, "token.restored", token.name, {}, address, token.pk)
    return token


def find(secret: str) -> ApiToken | None:
    """The token of this text with its workspace, member and user, whether or not it still works."""
    if not secret.startswith(PREFIX):
        return None
    found = ApiToken.objects.select_related("workspace", "member__user").filter(token_hash=_hash(secret))
    return found.first()


def listed(workspace: Workspace, member: Member | None = None) -> Listed:
    """The tokens of a workspace, or those of one member, with their members."""
    tokens = ApiToken.objects.filter(workspace=workspace)
    if member is not None:
        tokens = tokens.filter(member=member)
    now = now_ms()
    newest = tokens.select_related("member__user").order_by("-pk")
    return Listed(list(newest.filter(_works(now))), list(newest.exclude(_works(now))[:_ENDED_SHOWN]))


def has_ended(token: ApiToken, now: int) -> bool:
    """Whether it was revoked, or its time is over (``now`` in milliseconds since 1970)."""
    return token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now)


def _works(now: int) -> Q:
    """What :func:`has_ended` says, turned round, as a condition."""
    return Q(revoked_at__isnull=True) & (Q(expires_at__isnull=True) | Q(expires_at__gt=now))


def _locked(token: ApiToken) -> ApiToken:
    return ApiToken.objects.select_for_update(of=("self",)).select_related("workspace").get(pk=token.pk)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
