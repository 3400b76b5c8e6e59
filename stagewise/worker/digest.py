"""Refused calls, told once an hour: one event per endpoint with counts, however many there were."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Min, Sum

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Workspace
from stagewise.core.refusal import REFUSALS
from stagewise.endpoints.models import AttemptCounter, Endpoint
from stagewise.leads.queries import iso
from stagewise.notify import outbox
from stagewise.notify.models import Channel, Delivery, Event

if TYPE_CHECKING:
    from collections.abc import Callable

_HOUR_MS = 3_600_000
#: The endpoints count in memory and write now and then: an hour is told so long after its end.
_SETTLED_MS = 60_000
#: After a worker was away for longer, older hours are not told any more.
_LONGEST_MS = 24 * _HOUR_MS


class Digest:
    """Writes the events of the hours that are over, where a channel wants them."""

    def __init__(self, clock: Callable[[], int] = now_ms) -> None:
        self._clock = clock
        #: Workspace → end of the last hour that was looked at.
        self._looked: dict[int, int] = {}

    def write_due(self) -> int:
        """Write what is due; returns how many events that were."""
        until = (self._clock() - _SETTLED_MS) // _HOUR_MS * _HOUR_MS
        written = 0
        for workspace_id, since in _wanting().items():
            if self._looked.get(workspace_id, 0) < until:
                written += _write(workspace_id, since, until)
                self._looked[workspace_id] = until
        return written


def _wanting() -> dict[int, int]:
    """Workspaces where a channel wants to be told, and since when."""
    found: dict[int, int] = {}
    rows = Channel.objects.filter(enabled=True).values_list("workspace_id", "events", "created_at")
    for workspace_id, kinds, created_at in rows:
        if outbox.REFUSED in kinds:
            found[workspace_id] = min(created_at, found.get(workspace_id, created_at))
    return found


def _write(workspace_id: int, since: int, until: int) -> int:
    """The events of one workspace: nothing from before ``since``, and every hour once, whichever worker comes first."""
    start = max(since // _HOUR_MS * _HOUR_MS, until - _LONGEST_MS)
    with transaction.atomic():
        Workspace.objects.select_for_update().get(pk=workspace_id)
        start = max(start, _told_until(workspace_id))
        found = _refused(workspace_id, start, until)
        for data in found:
            outbox.write(workspace_id, outbox.REFUSED, None, until, data)
    return len(found)


def _told_until(workspace_id: int) -> int:
    """The end of the last hour that was told of; 0: of none that is still known."""
    delivered = Delivery.objects.filter(workspace_id=workspace_id, kind=outbox.REFUSED).order_by("-id")
    waiting = Event.objects.filter(workspace_id=workspace_id, kind=outbox.REFUSED, dispatched_at=None)
    return max([0, *delivered.values_list("at", flat=True)[:1], *waiting.values_list("at", flat=True)])


def _refused(workspace_id: int, start: int, until: int) -> list[dict[str, Any]]:
    """Refused calls of each endpoint that had any: from which hour on, how many, and by the codes of the refusals."""
    rows = (
        AttemptCounter.objects.filter(workspace_id=workspace_id, minute__gte=start, minute__lt=until)
        .filter(outcome__in=list(REFUSALS))  # not test calls
        .order_by("endpoint_id", "outcome")
        .values_list("endpoint_id", "outcome")
        .annotate(total=Sum("count"), first=Min("minute"))
    )
    names = dict(Endpoint.objects.filter(workspace_id=workspace_id).values_list("id", "name"))
    found = []
    for endpoint_id, group in itertools.groupby(rows, key=lambda row: row[0]):
        codes = [(outcome, int(total), first) for _, outcome, total, first in group]
        first = min(minute for _, _, minute in codes)
        told = {"endpoint": names.get(endpoint_id, ""), "from": iso(first - first % _HOUR_MS), "until": iso(until)}
        by_code = {outcome: total for outcome, total, _ in codes}
        found.append({**told, "refused": sum(by_code.values()), "by_code": by_code})
    return found
