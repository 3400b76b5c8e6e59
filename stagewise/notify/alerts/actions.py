"""What people do about alerts: set the figures of an endpoint, snooze, take a change back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from django.db import transaction
from msgspec import UNSET, UnsetType

from stagewise.accounts import audit
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry
from stagewise.endpoints import reverting
from stagewise.endpoints.models import Endpoint
from stagewise.leads.queries import iso
from stagewise.notify.alerts import raising, rules
from stagewise.notify.alerts.looking import subject_of
from stagewise.notify.models import Alert, Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOUR_MS = 3_600_000
#: The longest time that an alert may be snoozed for.
LONGEST_SNOOZE_HOURS = 24 * 30

_UNKNOWN = "What was changed is not known any more. Change the settings by hand."


def set_watch(
    endpoint: Endpoint,
    figures: Mapping[str, Any] | None = None,
    canary_minutes: int | UnsetType | None = UNSET,
    actor: str = "",
) -> Watch:
    """Change the given figures of :class:`stagewise.notify.alerts.rules.AlertRules`, and how often a canary is sent.

    All or nothing; raises :class:`ActionError` with the problems by field. ``canary_minutes`` None: send none.
    """
    figures = figures or {}
    problems = rules.problems_of(figures)
    if canary_minutes is not UNSET and (wrong := rules.canary_problems(canary_minutes)):
        problems["canary_minutes"] = wrong
    if problems:
        raise ActionError(problems)
    with transaction.atomic():
        endpoint = Endpoint.objects.select_for_update(of=("self",)).select_related("workspace").get(pk=endpoint.pk)
        watch = Watch.objects.get_or_create(endpoint=endpoint)[0]
        before = msgspec.structs.asdict(rules.rules_of(watch.alerts))
        changes: audit.Changes = {
            name: [before[name], value] for name, value in figures.items() if before[name] != value
        }
        watch.alerts = rules.merged(watch.alerts, figures)
        if canary_minutes is not UNSET and canary_minutes != watch.canary_minutes:
            changes["canary_minutes"] = [watch.canary_minutes, canary_minutes]
            watch.canary_minutes, watch.canary_next_at = canary_minutes, now_ms()
            if canary_minutes is None:
                watch.canary_problem = ""
                _resolve_canary(endpoint)
        if changes:
            watch.save()
            audit.record(endpoint.workspace, actor, "endpoint.watch_saved", endpoint.name, changes)
    return watch


def watch_as_dict(endpoint: Endpoint) -> dict[str, Any]:
    """How an endpoint is watched, for scripts: its name, every figure, and the canary."""
    watch = Watch.objects.filter(endpoint=endpoint).first() or Watch(endpoint=endpoint)
    return {
        "name": endpoint.name,
        **msgspec.structs.asdict(rules.rules_of(watch.alerts)),
        "canary_minutes": watch.canary_minutes,
        "canary_last_at": None if watch.canary_last_at is None else iso(watch.canary_last_at),
        "canary_problem": watch.canary_problem or None,
    }


def snooze(alert: Alert, hours: float, actor: str = "") -> Alert:
    """Tell nobody of the alert for so many hours, also if it is resolved and raised again meanwhile; 0: tell again.

    Raises :class:`ActionError` for hours that cannot be used.
    """
    if not 0 <= hours <= LONGEST_SNOOZE_HOURS:
        raise ActionError({"hours": [f"Choose between 0 and {LONGEST_SNOOZE_HOURS} hours."]})
    until = now_ms() + round(hours * _HOUR_MS) if hours else None
    with transaction.atomic():
        there = Alert.objects.select_for_update(of=("self",)).select_related("workspace", "endpoint", "channel")
        alert = there.get(pk=alert.pk)
        if alert.snoozed_until != until:
            changes: audit.Changes = {"snoozed_until": [alert.snoozed_until, until]}
            alert.snoozed_until = until
            alert.save(update_fields=["snoozed_until"])
            audit.record(alert.workspace, actor, "alert.snoozed", raising.as_data(alert)["title"], changes)
    return alert


def revert(alert: Alert, actor: str = "", address: str = "") -> Endpoint:
    """Take back the change of settings that an alert names; raises as :func:`take_back` does."""
    audit_id: int = (alert.data.get("change") or {}).get("audit_id", 0)
    entry = AuditEntry.objects.filter(workspace_id=alert.workspace_id, action="endpoint.saved", pk=audit_id).first()
    endpoint = None if alert.endpoint_id is None else Endpoint.objects.filter(pk=alert.endpoint_id).first()
    if endpoint is None or entry is None:
        raise ActionError({"": [_UNKNOWN]})
    return reverting.revert(endpoint, entry, actor, address).endpoint


def take_back(endpoint: Endpoint, audit_id: int, actor: str = "", address: str = "") -> Endpoint:
    """Take back the saved change of the endpoint's settings that this audit entry tells of.

    Raises as :func:`stagewise.endpoints.reverting.revert` does.
    """
    ours = AuditEntry.objects.filter(workspace_id=endpoint.workspace_id, action="endpoint.saved", subject=endpoint.name)
    entry = ours.filter(pk=audit_id).first()
    if entry is None:
        raise ActionError({"": [_UNKNOWN]})
    return reverting.revert(endpoint, entry, actor, address).endpoint


def _resolve_canary(endpoint: Endpoint) -> None:
    for alert in Alert.objects.filter(
        workspace_id=endpoint.workspace_id, kind=rules.CANARY, subject=subject_of(endpoint.pk), resolved_at=None
    ).select_related("workspace", "endpoint", "channel"):
        raising.resolve(alert, now_ms())
