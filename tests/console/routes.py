"""Every route of the console, and what its tests need to know of it. A new route without an entry fails them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from stagewise.accounts.models import Role
from stagewise.notify.models import Alert, Channel, Delivery
from tests.support import cast
from tests.support.cast import Place

OWNER, ADMIN, AGENT, VIEWER = Role.OWNER, Role.ADMIN, Role.AGENT, Role.VIEWER


@dataclass(frozen=True)
class Route:
    """A route of a workspace: its arguments, the least role for each method, and a body that its POST does act on."""

    arguments: Callable[[Place], dict[str, Any]]
    read: Role | None = None
    write: Role | None = None
    body: Callable[[Place], dict[str, Any]] = field(default=lambda _: {})
    #: The same in every workspace: its arguments are no ids of anything.
    shared: bool = False


def _none(_: Place) -> dict[str, Any]:
    return {}


def _lead(place: Place) -> dict[str, Any]:
    return {"public_id": place.lead.public_id}


def _type(place: Place) -> dict[str, Any]:
    return {"pk": place.types[1].pk}


def _archived_type(place: Place) -> dict[str, Any]:
    return {"pk": place.types[2].pk}


def _stage(place: Place) -> dict[str, Any]:
    return {"pk": place.types[1].stages.get(name="Contacted").pk}


def _endpoint(place: Place) -> dict[str, Any]:
    return {"pk": place.endpoint.pk}


def _held(place: Place) -> dict[str, Any]:
    return {"held": place.held.public_id}


def _channel(place: Place) -> dict[str, Any]:
    return {"pk": (Channel.objects.filter(workspace=place.workspace).first() or cast.channel(place)).pk}


def _delivery(place: Place) -> dict[str, Any]:
    found = Delivery.objects.filter(workspace_id=place.workspace.pk).first()
    return {"pk": (found or cast.delivery(Channel.objects.get(**_channel(place)))).pk}


def _alert(place: Place) -> dict[str, Any]:
    return {"pk": (Alert.objects.filter(workspace=place.workspace).first() or cast.alert(place)).pk}


_CHANNEL_BODY = {"name": "Team", "target": "team@example.com", "events": "lead.created", "acknowledge_per_hour": "30"}

#: Routes of a workspace, by name.
OF_A_WORKSPACE: dict[str, Route] = {
    "leads": Route(_none, read=VIEWER),
    "lead": Route(_lead, read=VIEWER),
    "lead_stage": Route(_lead, write=AGENT, body=lambda place: {"stage": place.types[0].stages.get(name="Won").pk}),
    "lead_delete": Route(_lead, read=AGENT, write=AGENT),
    "held": Route(_none, read=VIEWER),
    "held_release": Route(_none, write=AGENT, body=_held),
    "held_discard": Route(_none, write=AGENT, body=_held),
    "held_restore": Route(_none, write=AGENT, body=_held),
    "lead_types": Route(_none, read=VIEWER),
    "lead_type_add": Route(_none, write=ADMIN, body=lambda _: {"name": "Repairs"}),
    "lead_type_rename": Route(_type, write=ADMIN, body=lambda _: {"name": "Selling"}),
    "lead_type_move": Route(_type, write=ADMIN, body=lambda _: {"to": "0"}),
    "lead_type_archive": Route(_type, write=ADMIN),
    "lead_type_restore": Route(_archived_type, write=ADMIN),
    "stage_add": Route(_type, write=ADMIN, body=lambda _: {"name": "Offer", "kind": "open"}),
    "stage_rename": Route(_stage, write=ADMIN, body=lambda _: {"name": "Called"}),
    "stage_move": Route(_stage, write=ADMIN, body=lambda _: {"to": "0"}),
    "stage_archive": Route(_stage, write=ADMIN),
    "stage_restore": Route(_stage, write=ADMIN),
    "api": Route(_none, read=VIEWER),
    "endpoint": Route(_endpoint, read=VIEWER, write=ADMIN, body=lambda _: {"allowed_ips": "203.0.113.7"}),
    "endpoint_add": Route(_none, write=ADMIN, body=lambda _: {"name": "Shop"}),
    "endpoint_rename": Route(_endpoint, write=ADMIN, body=lambda _: {"name": "Shop"}),
    "endpoint_switch": Route(_endpoint, write=ADMIN, body=lambda _: {"enabled": "off"}),
    "endpoint_rotate": Route(_endpoint, write=ADMIN, body=lambda _: {"overlap_hours": "24"}),
    "endpoint_forwarding": Route(_endpoint, write=ADMIN, body=lambda _: {"forwarding": "on"}),
    "endpoint_take_back": Route(_endpoint, write=ADMIN, body=lambda _: {"entry": "1"}),
    "endpoint_allow": Route(_endpoint, write=ADMIN, body=lambda _: {"allowed_ips": "203.0.113.9"}),
    "endpoint_disallow": Route(_endpoint, write=ADMIN, body=lambda _: {"allowed_ips": "203.0.113.9"}),
    "channels": Route(_none, read=VIEWER),
    "channel_add": Route(
        lambda _: {"kind": "email"}, read=ADMIN, write=ADMIN, body=lambda _: _CHANNEL_BODY, shared=True
    ),
    "channel": Route(_channel, read=VIEWER),
    "channel_edit": Route(_channel, read=ADMIN, write=ADMIN, body=lambda _: _CHANNEL_BODY),
    "channel_test": Route(_channel, write=ADMIN),
    "channel_pause": Route(_channel, write=ADMIN, body=lambda _: {"paused": "on"}),
    "channel_rotate": Route(_channel, write=ADMIN),
    "channel_resend": Route(
        _channel, write=ADMIN, body=lambda _: {"since": "2026-01-01T00:00", "until": "2099-01-01T00:00"}
    ),
    "channel_remove": Route(_channel, read=ADMIN, write=ADMIN),
    "delivery": Route(_delivery, read=VIEWER),
    "delivery_resend": Route(_delivery, write=ADMIN),
    "monitoring": Route(_none, read=VIEWER),
    "alerts": Route(_none, read=VIEWER),
    "alert_snooze": Route(_alert, write=ADMIN, body=lambda _: {"hours": "8"}),
    "alert_revert": Route(_alert, write=ADMIN),
    "watch": Route(_endpoint, read=VIEWER, write=ADMIN, body=lambda _: {"refusals_factor": "5", "from_calls": "100"}),
    "logs": Route(_none, read=VIEWER),
    "help": Route(_none, read=VIEWER),
    "help_page": Route(lambda _: {"name": "guide/setup"}, read=VIEWER, shared=True),
    "workspace": Route(
        _none,
        read=VIEWER,
        write=ADMIN,
        body=lambda _: {"name": "Acme GmbH", "time_zone": "Europe/Berlin", "default_region": "DE"},
    ),
}

#: Routes that need a login but no workspace.
OF_A_PERSON = {"home", "account_change_password"}

#: Routes for everybody: name → a path to try.
OPEN = {
    "account_login": "/login/",
    "account_logout": "/logout/",
    "account_inactive": "/inactive/",
    "account_email_verification_sent": "/confirm-email/",
    "account_confirm_email": "/confirm-email/made-up/",
    "account_reset_password": "/password/reset/",
    "account_reset_password_done": "/password/reset/done/",
    "account_reset_password_from_key": "/password/reset/key/1-made-up/",
    "account_reset_password_from_key_done": "/password/reset/key/done/",
    "setup": "/setup/made-up/",
}


def names() -> list[str]:
    """The names of all routes that there are; a route without one shows its pattern."""

    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            else:
                yield pattern.name or str(pattern.pattern)

    return list(walk(get_resolver().url_patterns))


def path(name: str, place: Place, inside: Place | None = None) -> str:
    """The path of a workspace's route with the ids of ``place``; ``inside`` names the workspace in the URL."""
    slug = (inside or place).workspace.slug
    return reverse(name, kwargs={"slug": slug, **OF_A_WORKSPACE[name].arguments(place)})
