"""Reading channels and deliveries. Everything begins at a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Count, QuerySet

from stagewise.leads.queries import iso
from stagewise.notify.models import Channel, Delivery, DeliveryState, DeliveryTry

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace


class DeliveryPage(NamedTuple):
    """A page of deliveries, newest first. ``next_before`` goes into the next call; None: this is the last page."""

    deliveries: list[Delivery]
    next_before: int | None


class Counts(NamedTuple):
    """How many of a channel's deliveries wait, and how many have failed for good, of those that are still kept."""

    waiting: int = 0
    failed: int = 0


def of_workspace(workspace: Workspace) -> QuerySet[Channel]:
    """The channels of the workspace, the oldest first."""
    return Channel.objects.filter(workspace=workspace).order_by("id")


def get(workspace: Workspace, pk: int) -> Channel:
    """One channel of the workspace; raises ``Channel.DoesNotExist``."""
    return of_workspace(workspace).get(pk=pk)


def counts(workspace: Workspace) -> dict[int, Counts]:
    """How the deliveries of each channel stand, by the channel's row id."""
    rows = (
        Delivery.objects.filter(workspace_id=workspace.pk)
        .exclude(state=DeliveryState.DONE)
        .values_list("channel_id", "state")
        .annotate(number=Count("id"))
    )
    found: dict[int, dict[str, int]] = {}
    for channel_id, state, number in rows:
        found.setdefault(channel_id, {})[state] = number
    return {channel_id: Counts(**each) for channel_id, each in found.items()}


def page(
    workspace: Workspace,
    channel: Channel | None = None,
    state: str = "",
    kind: str = "",
    before: int | None = None,
    size: int = 50,
) -> DeliveryPage:
    """A page of deliveries, newest first, by keyset: row ids below ``before``; of one channel, state or kind."""
    found = Delivery.objects.filter(workspace_id=workspace.pk).select_related("channel")
    if channel is not None:
        found = found.filter(channel=channel)
    if state:
        found = found.filter(state=state)
    if kind:
        found = found.filter(kind=kind)
    if before is not None:
        found = found.filter(id__lt=before)
    rows = list(found.order_by("-id")[: size + 1])
    more = len(rows) > size
    return DeliveryPage(rows[:size], rows[size - 1].pk if more else None)


def delivery(workspace: Workspace, pk: int) -> Delivery:
    """One delivery of the workspace with its channel; raises ``Delivery.DoesNotExist``."""
    return Delivery.objects.select_related("channel").get(workspace_id=workspace.pk, pk=pk)


def tries(of: Delivery) -> list[DeliveryTry]:
    """The tries of a delivery in their order."""
    return list(DeliveryTry.objects.filter(delivery=of).order_by("id"))


def as_dict(channel: Channel) -> dict[str, Any]:
    """The channel as the command line prints it; a secret is never in it."""
    return {
        "name": channel.name,
        "kind": channel.kind,
        "target": channel.target,
        "events": channel.events,
        "options": channel.options,
        "enabled": channel.enabled,
        "paused": channel.paused_at is not None,
        "paused_because": channel.paused_because,
        "failing_since": None if channel.failing_since is None else iso(channel.failing_since),
    }
