"""Deliveries as pages sum them up: how they stand, the last of each channel, those of one lead. Bounded, like pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Count, Min, OuterRef, Subquery

from stagewise.notify.models import Channel, Delivery, DeliveryState, Event

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace
    from stagewise.leads.models import Lead

#: Of the deliveries so many of the newest are looked at where no index helps.
NEWEST = 50_000
#: A lead has few events; of one that was moved about for years, the newest are shown.
OF_A_LEAD = 50


class Figures(NamedTuple):
    """How the deliveries of a workspace stand. ``oldest`` is when the first of those that wait happened."""

    waiting: int
    oldest: int | None
    #: Of the period: delivered, and failed for good.
    done: int
    failed: int
    #: Events that no worker has handed to the channels yet.
    undispatched: int


class Last(NamedTuple):
    """What became of the newest delivery of a channel that was tried: when, and whether it arrived."""

    at: int
    state: str


def figures(workspace: Workspace, since: int) -> Figures:
    """How the deliveries stand now, and what became of those that were settled since then (milliseconds since 1970)."""
    ours = Delivery.objects.filter(workspace_id=workspace.pk)
    waiting = ours.filter(state=DeliveryState.WAITING).aggregate(count=Count("id"), oldest=Min("at"))
    older = ours.order_by("-id").values_list("id", flat=True)
    settled = ours.filter(settled_at__gte=since)
    if (before := older[NEWEST : NEWEST + 1].first()) is not None:
        settled = settled.filter(id__gt=before)
    by_state = dict(settled.values_list("state").annotate(count=Count("id")))
    return Figures(
        waiting=waiting["count"],
        oldest=waiting["oldest"],
        done=by_state.get(DeliveryState.DONE, 0),
        failed=by_state.get(DeliveryState.FAILED, 0),
        undispatched=Event.objects.filter(workspace_id=workspace.pk, dispatched_at=None).count(),
    )


def last_of_channels(workspace: Workspace) -> dict[int, Last]:
    """The newest delivery of each channel that was tried, by the channel's row id."""
    tried = Delivery.objects.filter(channel=OuterRef("pk"), tries__gt=0).order_by("-event_id")
    rows = Channel.objects.filter(workspace=workspace).values_list("pk", Subquery(tried.values("pk")[:1]))
    by_delivery = {delivery: channel for channel, delivery in rows if delivery is not None}
    found = Delivery.objects.filter(pk__in=by_delivery).values_list("pk", "settled_at", "at", "state")
    return {by_delivery[pk]: Last(settled_at or at, state) for pk, settled_at, at, state in found}


def of_lead(lead: Lead) -> list[Delivery]:
    """The deliveries of a lead with their channels, newest first."""
    found = Delivery.objects.filter(workspace_id=lead.workspace_id, lead_id=lead.pk).select_related("channel")
    return list(found.order_by("-id")[:OF_A_LEAD])
