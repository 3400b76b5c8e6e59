"""What a person has beside their password: an authenticator app, passkeys, recovery codes. Changes are recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from allauth.mfa import signals
from allauth.mfa.models import Authenticator
from django.db import transaction

from stagewise.accounts import audit
from stagewise.accounts.caller import address_of
from stagewise.accounts.models import User

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable

    from django.http import HttpRequest


class Passkey(NamedTuple):
    """A passkey; times are milliseconds since 1970."""

    id: int
    name: str
    added: int
    used: int | None


class Factors(NamedTuple):
    """What somebody has: when the app was set up (None: there is none), passkeys, and how many codes are left."""

    app: int | None
    passkeys: list[Passkey]
    codes: int

    @property
    def on(self) -> bool:
        """Whether a password alone does not let anybody in."""
        return self.app is not None or bool(self.passkeys)


def of_user(user: User) -> Factors:
    """What the user has."""
    app, codes, passkeys = None, 0, []
    for each in Authenticator.objects.filter(user=user).order_by("id"):
        if each.type == Authenticator.Type.TOTP:
            app = _ms(each.created_at)
        elif each.type == Authenticator.Type.RECOVERY_CODES:
            codes = len(each.wrap().get_unused_codes())
        else:
            used = None if each.last_used_at is None else _ms(each.last_used_at)
            passkeys.append(Passkey(each.pk, each.wrap().name, _ms(each.created_at), used))
    return Factors(app, passkeys, codes)


def who_has(users: Iterable[int]) -> set[int]:
    """Of these users, by their ids, those whom a password alone does not let in."""
    found = Authenticator.objects.filter(user_id__in=list(users)).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return set(found.values_list("user_id", flat=True))


def take_away(user: User, actor: str = "") -> int:
    """Take all second factors away, for somebody who lost them; returns how many there were."""
    with transaction.atomic():
        found = Authenticator.objects.filter(user=user)
        count: int = found.exclude(type=Authenticator.Type.RECOVERY_CODES).count()
        found.delete()
        if count:
            audit.record(None, actor, "factors.taken_away", user.email)
    return count


def connect() -> None:
    """Record what allauth tells; called once, when the app is ready."""
    names = {
        signals.authenticator_added: "added",
        signals.authenticator_removed: "removed",
        signals.authenticator_reset: "renewed",
    }
    for signal, what in names.items():
        signal.connect(_recorder(what), weak=False, dispatch_uid=f"stagewise-{what}")
    signals.authentication_failed.connect(_failed, dispatch_uid="stagewise-failed")


def _recorder(what: str) -> Any:
    def record(sender: Any, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:  # noqa: ARG001
        action = f"factors.{authenticator.type}_{what}"
        audit.record(None, user.email, action, user.email, address=address_of(request))

    return record


def _failed(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:  # noqa: ARG001
    audit.record(None, "", "factors.failed", user.email, address=address_of(request))


def _ms(moment: datetime.datetime) -> int:
    return int(moment.timestamp() * 1000)
