"""From the outbox to the channels: an event becomes a delivery for each channel that wants it.

All deliveries of an event are made in the transaction that marks it, so it is handed on once, whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.models import Min

from stagewise.accounts.clock import now_ms
from stagewise.leads.models import Lead, LeadTag
from stagewise.notify import outbox
from stagewise.notify.models import Channel, Delivery, Event

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

#: What is known of a lead when its event is handed on: it must still be told when the lead itself is gone.
_Known = dict[str, Any]

#: What of it an event that changes it says how it was before, as ``previous_stage``.
_TOLD_BEFORE = ("stage", "owner")


def dispatch(size: int) -> int:
    """Hand on the oldest ``size`` events that nobody has handed on yet; returns how many there were.

    Several workers share the outbox by skipping what another one holds (PostgreSQL), or by taking turns (SQLite).
    """
    if not Event.objects.filter(dispatched_at=None).exists():
        return 0  # without asking for the write lock
    with transaction.atomic():
        events = _in_order(_oldest(size))
        if events:
            Delivery.objects.bulk_create(_deliveries(events), ignore_conflicts=True)
            ids = [event.pk for event in events]
            Event.objects.filter(id__in=ids, dispatched_at=None).update(dispatched_at=now_ms())
    return len(events)


def _oldest(size: int) -> list[Event]:
    waiting = Event.objects.filter(dispatched_at=None).order_by("id")
    if connection.vendor == "postgresql":
        waiting = waiting.select_for_update(skip_locked=True)
    return list(waiting[:size])


def _in_order(events: list[Event]) -> list[Event]:
    """Without those whose lead has an earlier event that another worker is handing on just now: they come next time.

    A lead's first event is ``lead.created``, before which there is none.
    """
    leads = {event.lead_id for event in events if event.lead_id is not None and event.kind != outbox.CREATED}
    if connection.vendor != "postgresql" or not leads:
        return events
    ours = [event.pk for event in events]
    earlier = (
        Event.objects.filter(dispatched_at=None, lead_id__in=leads, id__lt=max(ours))
        .exclude(id__in=ours)
        .values_list("lead_id")
        .annotate(first=Min("id"))
    )
    held_up = dict(earlier)
    return [event for event in events if event.lead_id not in held_up or event.pk < held_up[event.lead_id]]


def _deliveries(events: Sequence[Event]) -> list[Delivery]:
    wanting = _channels({event.workspace_id for event in events})
    wanted = [event for event in events if (event.workspace_id, event.kind) in wanting]
    known = _known_at(wanted)
    made = []
    for event in wanted:
        data = event.data
        if event.lead_id is not None:
            data = {**known.get(event.pk, {}), **(event.data or {})}
            if "lead" not in data:
                continue  # deleted for its age before anybody was told, and not even its id is known
        for channel_id in wanting[event.workspace_id, event.kind]:
            delivery = Delivery(workspace_id=event.workspace_id, channel_id=channel_id, event_id=event.pk)
            delivery.public_id, delivery.kind, delivery.at = event.public_id, event.kind, event.at
            delivery.lead_id, delivery.data, delivery.next_at = event.lead_id, data, event.at
            made.append(delivery)
    return made


def _channels(workspaces: Iterable[int]) -> dict[tuple[int, str], list[int]]:
    """The channels that want something, by workspace and kind of event. Paused ones too: their deliveries wait."""
    found: dict[tuple[int, str], list[int]] = {}
    rows = Channel.objects.filter(workspace_id__in=workspaces, enabled=True)
    for row_id, workspace_id, kinds in rows.values_list("id", "workspace_id", "events"):
        for kind in kinds:
            found.setdefault((workspace_id, kind), []).append(row_id)
    return found


def _known_at(events: Sequence[Event]) -> dict[int, _Known]:
    """By the event's row id: id, stage, owner and tags of its lead, stage and owner as they were after it.

    They are kept with the delivery, so that every try names the same ones: what happened after the event is taken back
    here, step by step. Of a lead that has been deleted since, the event that says so still knows the id.
    """
    of_leads = {event.pk: (event.lead_id, event.data) for event in events if event.lead_id is not None}
    ids = {lead_id for lead_id, _data in of_leads.values()}
    leads = _leads(ids)
    # However many events wait: only those of these leads are read. Nothing comes before a lead's first event.
    later = Event.objects.filter(dispatched_at=None, lead_id__in=ids).exclude(kind=outbox.CREATED)
    for pk, lead_id, data in later.values_list("id", "lead_id", "data"):
        if lead_id is not None:
            of_leads[pk] = (lead_id, data)
    found: dict[int, _Known] = {}
    for event_id, (lead_id, written) in sorted(of_leads.items(), reverse=True):
        state, data = leads.setdefault(lead_id, {}), written or {}
        if "lead" in data:
            state.setdefault("lead", data["lead"])
        found[event_id] = dict(state)
        state.update({name: data[f"previous_{name}"] for name in _TOLD_BEFORE if f"previous_{name}" in data})
    return found


def _leads(ids: Collection[int]) -> dict[int, _Known]:
    """The same of these leads as they are now; those that are no more are left out."""
    rows = Lead.objects.filter(id__in=ids).values_list("id", "public_id", "stage__name", "owner__user__email")
    found: dict[int, _Known] = {
        pk: {"lead": str(public_id), "stage": stage, "owner": owner, "tags": []} for pk, public_id, stage, owner in rows
    }
    tags = LeadTag.objects.filter(lead_id__in=found).order_by("tag__name_key")
    for tagged, tag in tags.values_list("lead_id", "tag__name"):
        found[tagged]["tags"].append(tag)
    return found
