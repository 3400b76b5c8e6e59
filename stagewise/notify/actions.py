"""What people do with channels and deliveries. Whatever cannot be used is refused with the reason beside its field."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.db import transaction

from stagewise.accounts import audit, names
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Workspace
from stagewise.core.ids import uuid7
from stagewise.notify import channels, delivering, outbox, payloads, sealed, sending
from stagewise.notify.channels import OpenChannel
from stagewise.notify.delivering import Tried
from stagewise.notify.models import Channel, Delivery, DeliveryState, DeliveryTry, Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django.db.models import QuerySet

    from stagewise.notify.channels import Checked, Kind

#: A secret that was rotated away goes on signing beside the new one for so long.
OVERLAP_MS = 24 * 3_600_000

#: So many deliveries are written in one transaction: leads wait behind it.
_SLICE = 500

_TEST_WORDS = "This is a test. If you can read it, the channel works."


# Channels


def add_channel(
    workspace: Workspace,
    kind: str,
    name: str,
    target: str,
    *,
    events: Sequence[str] = outbox.USUAL,
    options: Mapping[str, Any] | None = None,
    actor: str = "",
) -> tuple[Channel, str | None]:
    """Add a channel; returns it with the secret that its kind made for it, which is not shown again (else None).

    Raises :class:`ActionError` with the problems of ``kind``, ``name``, ``target``, ``events`` and the options.
    """
    found = _kind(kind)
    name, wanted, checked = _checked(found, name, events, target, options)
    with transaction.atomic():
        workspace = Workspace.objects.select_for_update().get(pk=workspace.pk)
        _refuse_second(workspace, name)
        channel = Channel.objects.create(
            workspace=workspace,
            kind=kind,
            name=name,
            target=checked.target,
            options=checked.options,
            secret=sealed.seal(checked.secret) if checked.secret else "",
            events=wanted,
            created_at=now_ms(),
        )
        changes: audit.Changes = {"kind": [None, kind], "target": [None, checked.target], "events": [None, wanted]}
        audit.record(workspace, actor, "channel.added", name, changes)
    return channel, checked.secret if found.needs_secret else None


def update(
    channel: Channel,
    *,
    name: str | None = None,
    target: str | None = None,
    events: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
    enabled: bool | None = None,
    actor: str = "",
) -> Channel:
    """Change what is given; raises :class:`ActionError` and changes nothing when any of it cannot be used.

    Where the target itself is a secret, another one must be typed whole. A secret made by us stays: see
    :func:`rotate_secret`.
    """
    kind = _kind(channel.kind)
    checked = None
    if target is not None or options is not None:
        checked = _checked_target(kind, channel, target, options)
    values: dict[str, Any] = {} if checked is None else {"target": checked.target, "options": checked.options}
    if name is not None:
        values["name"] = _checked_name(name)
    if events is not None:
        values["events"] = _checked_events(events)
    if enabled is not None:
        values["enabled"] = enabled
    with transaction.atomic():
        workspace = Workspace.objects.select_for_update().get(pk=channel.workspace_id)
        there = Channel.objects.select_for_update().get(pk=channel.pk)
        if "name" in values:
            _refuse_second(workspace, values["name"], there.pk)
        changes = {field: [getattr(there, field), new] for field, new in values.items() if getattr(there, field) != new}
        if checked is not None and checked.secret and target is not None and not kind.needs_secret:
            values["secret"] = sealed.seal(checked.secret)
            changes.setdefault("target", [there.target, checked.target])
        for field, new in values.items():
            setattr(there, field, new)
        if changes:
            there.save(update_fields=list(values))
            audit.record(workspace, actor, "channel.changed", there.name, changes)
    return there


def rotate_secret(channel: Channel, actor: str = "") -> str:
    """Make a new secret and return it, once; the one before goes on signing beside it for 24 hours."""
    kind = _kind(channel.kind)
    if not kind.needs_secret:
        raise ActionError({"": [f"{kind.label} has no secret that we could make anew."]})
    secret = kind.check(channel.target, channel.options).secret
    assert secret is not None
    with transaction.atomic():
        there = Channel.objects.select_for_update().get(pk=channel.pk)
        there.old_secret, there.old_secret_until = there.secret, now_ms() + OVERLAP_MS
        there.secret = sealed.seal(secret)
        there.save(update_fields=["secret", "old_secret", "old_secret_until"])
        audit.record(there.workspace, actor, "channel.secret_rotated", there.name)
    return secret


def remove_channel(channel: Channel, actor: str = "") -> None:
    """Remove the channel with its deliveries, those that wait too."""
    with transaction.atomic():
        Channel.objects.filter(pk=channel.pk).update(enabled=False)  # nothing new from here on
    for ids in _slices(Delivery.objects.filter(channel=channel)):
        with transaction.atomic():
            Delivery.objects.filter(id__in=ids).delete()
    with transaction.atomic():
        there = Channel.objects.select_for_update().filter(pk=channel.pk).first()
        if there is not None:
            audit.record(there.workspace, actor, "channel.removed", there.name)
            there.delete()


def pause(channel: Channel, actor: str = "", why: str = "Somebody paused it.") -> None:
    """Let the channel's deliveries wait until somebody resumes it. Once is enough."""
    with transaction.atomic():
        delivering.pause(channel, why, now_ms(), actor)


def resume(channel: Channel, actor: str = "") -> None:
    """Send what waits, now, in its order."""
    with transaction.atomic():
        paused = Channel.objects.filter(pk=channel.pk).exclude(paused_at=None)
        if paused.update(paused_at=None, paused_because="", failing_since=None):
            audit.record(channel.workspace, actor, "channel.resumed", channel.name)
    now = now_ms()
    for ids in _slices(Delivery.objects.filter(channel=channel, state=DeliveryState.WAITING, next_at__gt=now)):
        with transaction.atomic():
            Delivery.objects.filter(id__in=ids, state=DeliveryState.WAITING).update(next_at=now)


def send_test(channel: Channel, actor: str = "") -> Tried:
    """Send a test event now, also while the channel is paused; it is tried once, and kept among the deliveries."""
    now = now_ms()
    tried = _try_test(channel.kind, sending.opened(channel, now), channel.workspace_id, now)
    delivery, outcome = tried.delivery, tried.outcome
    with transaction.atomic():
        event = Event.objects.create(
            workspace_id=channel.workspace_id, public_id=delivery.public_id, kind=outbox.TEST, at=now, dispatched_at=now
        )
        delivery.channel, delivery.event_id, delivery.settled_at = channel, event.pk, now_ms()
        delivery.state = DeliveryState.FAILED if outcome.problem else DeliveryState.DONE
        delivery.tries = 1
        delivery.save()
        DeliveryTry.objects.create(**delivering.as_row(tried))
        audit.record(channel.workspace, actor, "channel.tested", channel.name)
    return tried


def try_out(workspace: Workspace, kind: str, target: str, options: Mapping[str, Any] | None = None) -> Tried:
    """Send a test event to what somebody is about to save; nothing is kept of it.

    Raises :class:`ActionError` with the problems of ``kind``, ``target`` and the options.
    """
    checked = _kind(kind).check(target, dict(options or {}))
    channel = OpenChannel(0, "", checked.target, checked.options, checked.secret)
    return _try_test(kind, channel, workspace.pk, now_ms())


# Deliveries


def resend(delivery: Delivery, actor: str = "") -> None:
    """Send the delivery again, under its id, with the whole schedule before it; one that waits is tried now."""
    with transaction.atomic():
        found = Delivery.objects.select_for_update(of=("self",)).select_related("channel__workspace")
        there = found.get(pk=delivery.pk)
        _again([there.pk], now_ms())
        audit.record(there.channel.workspace, actor, "delivery.resent", str(there.public_id))


def resend_range(channel: Channel, since: int, until: int, *, only_failed: bool = True, actor: str = "") -> int:
    """Send again what happened from ``since`` to before ``until`` (milliseconds since 1970); returns how many.

    ``only_failed`` leaves out what arrived the first time.
    """
    states = [DeliveryState.FAILED] if only_failed else [DeliveryState.FAILED, DeliveryState.DONE]
    now, count = now_ms(), 0
    for ids in _slices(Delivery.objects.filter(channel=channel, at__gte=since, at__lt=until, state__in=states)):
        with transaction.atomic():
            count += _again(ids, now)
    if count:
        audit.record(channel.workspace, actor, "deliveries.resent", channel.name, {"count": [None, count]})
    return count


# What they share


def _again(ids: Sequence[int], now: int) -> int:
    chosen = Delivery.objects.filter(id__in=ids)
    settled = chosen.exclude(state=DeliveryState.WAITING)
    count = settled.update(state=DeliveryState.WAITING, tries=0, next_at=now, settled_at=None, lease=0, lease_until=0)
    return count + chosen.filter(state=DeliveryState.WAITING, next_at__gt=now).update(next_at=now)


def _slices(chosen: QuerySet[Delivery]) -> Iterator[list[int]]:
    """The ids of what is there now, a slice at a time; read as they are needed, for there may be many."""
    last = chosen.order_by("-id").values_list("id", flat=True).first()
    after = 0
    while last is not None:
        ids = list(chosen.filter(id__gt=after, id__lte=last).order_by("id").values_list("id", flat=True)[:_SLICE])
        if not ids:
            return
        after = ids[-1]
        yield ids


def _try_test(kind: str, channel: OpenChannel, workspace_id: int, now: int) -> Tried:
    delivery = Delivery(workspace_id=workspace_id, kind=outbox.TEST, at=now, next_at=now, public_id=uuid7(now))
    delivery.data = {"message": _TEST_WORDS}
    begun = time.perf_counter()
    outcome = sending.send(kind, channel, delivery, payloads.payload(delivery))
    return Tried(delivery, outcome, now, round((time.perf_counter() - begun) * 1_000))


def _kind(name: str) -> Kind:
    try:
        return channels.kind(name)
    except LookupError:
        known = ", ".join(channels.names())
        raise ActionError({"kind": [f"There is no kind of channel “{name}”; there are {known}."]}) from None


def _checked(
    kind: Kind, name: str, events: Sequence[str], target: str, options: Mapping[str, Any] | None
) -> tuple[str, list[str], Checked]:
    """Everything that was typed, as it would be kept; one error tells of all mistakes."""
    problems: dict[str, list[str]] = {}
    found: list[Any] = []
    for check in (
        lambda: _checked_name(name),
        lambda: _checked_events(events),
        lambda: kind.check(target, dict(options or {})),
    ):
        try:
            found.append(check())
        except ActionError as error:
            problems |= error.problems
    if problems:
        raise ActionError(problems)
    return found[0], found[1], found[2]


def _checked_target(kind: Kind, channel: Channel, target: str | None, options: Mapping[str, Any] | None) -> Checked:
    """Target and options as they would be kept; what was not typed is as it was."""
    hidden = channel.secret and not kind.needs_secret
    before = sealed.open_sealed(channel.secret) if hidden else channel.target
    return kind.check(before if target is None else target, dict(channel.options if options is None else options))


def _checked_name(name: str) -> str:
    try:
        return names.clean(name)
    except ValueError as error:
        raise ActionError({"name": [str(error)]}) from None


def _checked_events(events: Sequence[str]) -> list[str]:
    unknown = [kind for kind in events if kind not in outbox.KINDS]
    if unknown:
        raise ActionError({"events": [f"There is no event “{unknown[0]}”; there are {', '.join(outbox.KINDS)}."]})
    if not events:
        raise ActionError({"events": ["Choose at least one event."]})
    return [kind for kind in outbox.KINDS if kind in events]


def _refuse_second(workspace: Workspace, name: str, but: int = 0) -> None:
    if Channel.objects.filter(workspace=workspace, name=name).exclude(pk=but).exists():
        raise ActionError({"name": [f"There is a channel “{name}” already."]})
