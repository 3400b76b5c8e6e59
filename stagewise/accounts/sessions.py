"""Where a person is logged in, and how they log out there."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, NamedTuple

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

if TYPE_CHECKING:
    from stagewise.accounts.models import User


class LoggedIn(NamedTuple):
    """One browser in which somebody is logged in; times are milliseconds since 1970."""

    id: int
    user_agent: str
    address: str
    since: int
    seen: int
    #: Whether it is the one that asks.
    here: bool


def of_user(user: User, here: str) -> list[LoggedIn]:
    """The sessions of a user that still live; ``here`` is the key of the one that asks, which comes first."""
    idle = timezone.now() - datetime.timedelta(seconds=settings.SESSION_IDLE_SECONDS)
    rows = list(UserSession.objects.filter(user=user, last_seen_at__gt=idle).order_by("-last_seen_at")[:100])
    keys = [row.session_key for row in rows]
    alive = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    living = set(alive.values_list("session_key", flat=True))
    found = [
        LoggedIn(
            row.pk, row.user_agent, row.ip, _ms(row.created_at), _ms(row.last_seen_at), here=row.session_key == here
        )
        for row in rows
        if row.session_key in living
    ]
    return sorted(found, key=lambda each: not each.here)


def see(key: str) -> None:
    """Note that a session is in use; called at most once in five minutes."""
    UserSession.objects.filter(session_key=key).update(last_seen_at=timezone.now())


def end(user: User, keep: str = "", only: int | None = None) -> int:
    """Log the user out everywhere but in the session with the key ``keep``; ``only`` one of them, by its id.

    Returns how many sessions were ended.
    """
    rows = UserSession.objects.filter(user=user).exclude(session_key=keep)
    if only is not None:
        rows = rows.filter(pk=only)
    keys = list(rows.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    rows.filter(session_key__in=keys).delete()
    return len(keys)


def _ms(moment: datetime.datetime) -> int:
    return int(moment.timestamp() * 1000)
