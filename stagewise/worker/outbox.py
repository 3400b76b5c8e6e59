"""Hand events from the outbox to the channels that want them."""

from __future__ import annotations

from django.db import connection, transaction

from stagewise.accounts.clock import now_ms
from stagewise.notify.models import Event


def dispatch(size: int) -> int:
    """Hand on the oldest ``size`` events that nobody has handed on yet; returns how many there were.

    Every channel gets its delivery in the transaction that marks the event, so an event is handed on once, whole. No
    channel can be configured in this release: marking is all there is to do. Several workers share the outbox by
    skipping what another one holds.
    """
    with transaction.atomic():
        waiting = Event.objects.filter(dispatched_at=None).order_by("id")
        if connection.vendor == "postgresql":
            waiting = waiting.select_for_update(skip_locked=True)
        ids = list(waiting.values_list("id", flat=True)[:size])
        if ids:
            Event.objects.filter(id__in=ids, dispatched_at=None).update(dispatched_at=now_ms())
    return len(ids)
