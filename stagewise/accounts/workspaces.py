"""Several workspaces in one installation: who may make one, and what its part of the console's URLs is."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.translation import gettext as _

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Member, Role, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stagewise.accounts.models import User

#: So many workspaces somebody may own; where sign-up is open, nobody fills the installation with them.
MOST_OWNED: Final = 20
_LONGEST_SLUG: Final = 50
#: What a slug is made of when there is nothing usable in the name.
_NAMELESS: Final = "workspace"


def sign_up_is_open() -> bool:
    """Whether anybody may make an account and a workspace here; else it takes an invitation."""
    return bool(settings.OURS.signup == "open")


def may_make(seats: Iterable[Member]) -> bool:
    """Whether somebody with these memberships may make a workspace: who owns one, and all where sign-up is open."""
    return sign_up_is_open() or any(member.role == Role.OWNER for member in seats)


def check_may_make(user: User) -> None:
    """Raise :class:`ActionError` for somebody who may make no workspace, or owns many already."""
    seats = list(Member.objects.filter(user=user, deactivated_at=None))
    if not may_make(seats):
        raise ActionError({"": [_("Who owns a workspace can make another. Ask an owner.")]})
    if sum(member.role == Role.OWNER for member in seats) >= MOST_OWNED:
        raise ActionError({"": [_("You own %d workspaces, and more are not to be had.") % MOST_OWNED]})


def free_slug(name: str) -> str:
    """A part of the console's URLs that is like the name and not taken: Café Nord is ``cafe-nord``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    wanted = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:_LONGEST_SLUG].strip("-") or _NAMELESS
    taken = set(Workspace.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    if wanted not in taken:
        return wanted
    return next(slug for slug in (f"{wanted}-{number}" for number in range(2, len(taken) + 3)) if slug not in taken)
