"""Keeping alerts: raised once, resolved by itself, quiet while somebody snoozes it.

An alert is raised and resolved by a conditional write, and its event is written with it. So however many workers look
at the same figures, the channels are told once.
"""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import IntegrityError, transaction

from stagewise.leads.queries import iso
from stagewise.notify import outbox
from stagewise.notify.alerts.words import Words, describe
from stagewise.notify.models import Alert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from stagewise.accounts.models import Workspace


class Found(NamedTuple):
    """Something that is wrong: its kind, what it is about, and the figures that its words are made of."""

    kind: str
    subject: str
    data: dict[str, Any]
    endpoint_id: int | None = None
    channel_id: int | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Kind and subject: of these at most one alert is open."""
        return self.kind, self.subject


def open_alerts(workspace: Workspace) -> dict[tuple[str, str], Alert]:
    """The alerts of the workspace that are not resolved, by kind and subject."""
    rows = Alert.objects.filter(workspace=workspace, resolved_at=None).select_related("endpoint", "channel")
    return {(alert.kind, alert.subject): alert for alert in rows}


def settle(
    workspace: Workspace,
    found: Iterable[Found],
    known: Mapping[tuple[str, str], Alert],
    now: int,
    is_ours: Callable[[Alert], bool] = lambda _: True,
) -> int:
    """Raise what is found and not ``known``, resolve what is known and not found; returns how many changed.

    ``known`` are the open alerts. Those that are not ``is_ours`` are somebody else's to resolve. ``now`` is in
    milliseconds since 1970.
    """
    still = set()
    changed = 0
    for each in found:
        still.add(each.place)
        alert = known.get(each.place)
        changed += raise_alert(workspace, each, now) if alert is None else remind(alert, now)
    for place, alert in known.items():
        if place not in still and is_ours(alert):
            changed += resolve(alert, now)
    return changed


def raise_alert(workspace: Workspace, found: Found, now: int) -> bool:
    """Raise the alert and write its event; False: another worker was quicker.

    While somebody snoozes the one before it, nobody is told.
    """
    before = Alert.objects.filter(workspace=workspace, kind=found.kind, subject=found.subject, snoozed_until__gt=now)
    snoozed_until = before.order_by("-id").values_list("snoozed_until", flat=True).first()
    try:
        with transaction.atomic():
            alert = Alert.objects.create(
                workspace=workspace,
                endpoint_id=found.endpoint_id,
                channel_id=found.channel_id,
                kind=found.kind,
                subject=found.subject[:200],
                data=found.data,
                raised_at=now,
                snoozed_until=snoozed_until,
            )
            if snoozed_until is None:
                tell(alert, outbox.ALERT_RAISED, now)
    except IntegrityError:
        return False
    return True


def remind(alert: Alert, now: int) -> bool:
    """Tell of an open alert once more when the time that it was snoozed for is over."""
    if alert.snoozed_until is None or alert.snoozed_until > now:
        return False
    with transaction.atomic():
        over = Alert.objects.filter(pk=alert.pk, resolved_at=None, snoozed_until=alert.snoozed_until)
        changed = bool(over.update(snoozed_until=None))
        if changed:
            tell(alert, outbox.ALERT_RAISED, now)
    return changed


def resolve(alert: Alert, now: int) -> bool:
    """Resolve the alert and write its event, unless somebody snoozes it; False: it was resolved already."""
    with transaction.atomic():
        changed = bool(Alert.objects.filter(pk=alert.pk, resolved_at=None).update(resolved_at=now))
        if changed and (alert.snoozed_until is None or alert.snoozed_until <= now):
            alert.resolved_at = now
            tell(alert, outbox.ALERT_RESOLVED, now)
    return changed


def tell(alert: Alert, kind: str, now: int) -> None:
    """Write the event that hands the alert to the channels."""
    outbox.write(alert.workspace_id, kind, None, now, as_data(alert))


def as_data(alert: Alert) -> dict[str, Any]:
    """The alert as receivers and scripts see it: words for people, figures, times as ISO 8601 or None."""
    words = words_of(alert)
    return {
        "id": alert.pk,
        "kind": alert.kind,
        "title": words.title,
        "text": words.text,
        "advice": words.advice,
        "endpoint": None if alert.endpoint is None else alert.endpoint.name,
        "channel": None if alert.channel is None else alert.channel.name,
        "raised_at": iso(alert.raised_at),
        "resolved_at": None if alert.resolved_at is None else iso(alert.resolved_at),
        "snoozed_until": None if alert.snoozed_until is None else iso(alert.snoozed_until),
        "figures": alert.data,
    }


def words_of(alert: Alert) -> Words:
    """What people read of the alert."""
    return describe(alert.kind, alert.data, name_of(alert), zone_of(alert.workspace))


def name_of(alert: Alert) -> str:
    """The name of what the alert is about; empty for the installation."""
    about = alert.endpoint or alert.channel
    return "" if about is None else about.name


def zone_of(workspace: Workspace) -> zoneinfo.ZoneInfo:
    """The time zone of the workspace's people."""
    try:
        return zoneinfo.ZoneInfo(workspace.time_zone)
    except (ValueError, zoneinfo.ZoneInfoNotFoundError):
        return zoneinfo.ZoneInfo("UTC")
