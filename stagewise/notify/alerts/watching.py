"""One look at everything, once a minute: what is counted, what that means, and what to raise or resolve.

Any number of workers may look; each raises and resolves by a conditional write. What is kept between two looks is only
what would be slow to read each time, and can be read again at any moment.
"""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING, Final

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Workspace
from stagewise.endpoints.models import Endpoint
from stagewise.notify import delivering
from stagewise.notify.alerts import detect_house, detect_refusals, raising, reading, rules
from stagewise.notify.alerts.detect_refusals import MINUTE_MS, Calls
from stagewise.notify.alerts.looking import Look
from stagewise.notify.alerts.raising import Found
from stagewise.notify.models import Watch
from stagewise.store.lane import QUEUE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stagewise.notify.alerts.reading import Change, Past
    from stagewise.notify.models import Alert

#: What was learned of an endpoint is read again after so long: before it is older than the hour that each look reads.
_PAST_MS: Final = 50 * MINUTE_MS

#: Open alerts by kind and subject.
_Known = dict[tuple[str, str], "Alert"]


class Watcher:
    """Looks at all workspaces. ``data_dir`` is whose disk is watched; ``clock`` gives milliseconds since 1970.

    ``damage`` says what is wrong with the database's file: nothing ("") or, as long as nobody knows, None.
    """

    def __init__(
        self,
        data_dir: Path,
        clock: Callable[[], int] = now_ms,
        host: str = "",
        damage: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._data_dir = data_dir
        self._clock = clock
        self._host = host or socket.gethostname()
        self._damage = damage
        self._past: dict[int, Past] = {}
        #: Audit entry of a change → the calls before it, which stay what they were.
        self._before: dict[int, Calls] = {}

    def turn(self) -> int:
        """Look once; returns how many alerts were raised or resolved."""
        now = self._clock()
        changed = self._tell_of_damage(now)
        for place, workspace in enumerate(Workspace.objects.order_by("id")):
            known = raising.open_alerts(workspace)
            found = [*self._endpoints(workspace, known, now), *_channels(workspace, now), *_late(workspace, now)]
            if place == 0:  # the owners of the first workspace look after the installation
                found += self._installation(known, now)
            changed += raising.settle(workspace, found, known, now, self._is_ours)
        return changed

    def _tell_of_damage(self, now: int) -> int:
        """Before anything else is read: what is damaged may be a table that the rest of a look cannot do without."""
        damage, workspace = self._damage(), Workspace.objects.order_by("id").first()
        if not damage or workspace is None or (rules.DAMAGED, self._host) in raising.open_alerts(workspace):
            return 0
        found = Found(rules.DAMAGED, self._host, {"problem": damage, "host": self._host})
        return int(raising.raise_alert(workspace, found, now))

    def _is_ours(self, alert: Alert) -> bool:
        """Whether it is ours to resolve: canaries see to their own alerts, and every machine to its own disk.

        That a file was damaged stays open until it was read through again and found sound.
        """
        if alert.kind == rules.DAMAGED:
            return self._damage() == ""
        if alert.kind == rules.DISK:
            return alert.subject == self._host
        return alert.kind != rules.CANARY

    def _endpoints(self, workspace: Workspace, known: _Known, now: int) -> Iterator[Found]:
        figures = dict(Watch.objects.filter(endpoint__workspace=workspace).values_list("endpoint_id", "alerts"))
        recents, held = reading.recent(workspace, now), reading.held_waiting(workspace)
        changes = reading.changes(workspace, now - detect_refusals.BLAMED_MS)
        for endpoint in Endpoint.objects.filter(workspace=workspace):
            look = Look(endpoint, rules.rules_of(figures.get(endpoint.pk, {})), known, now)
            if endpoint.enabled:
                recent = recents.get(endpoint.pk) or reading.NOTHING
                past = self._past_of(workspace, endpoint, now)
                yield from look.at_calls(workspace, past, recent, held.get(endpoint.pk, 0))
            change = changes.get(endpoint.name)
            if change is not None:
                yield from look.at_change(change, *self._around(endpoint, change, now))
        blamed = {change.audit_id for change in changes.values()}
        self._before = {audit_id: calls for audit_id, calls in self._before.items() if audit_id in blamed}

    def _past_of(self, workspace: Workspace, endpoint: Endpoint, now: int) -> Past:
        past = self._past.get(endpoint.pk)
        if past is None or not 0 <= now - past.until < _PAST_MS:
            past = self._past[endpoint.pk] = reading.past(endpoint, raising.zone_of(workspace), now)
        return past

    def _around(self, endpoint: Endpoint, change: Change, now: int) -> tuple[Calls, Calls]:
        """The calls before a change and after it, without the minute in which it was made."""
        minute = change.at - change.at % MINUTE_MS
        if change.audit_id not in self._before:
            since = minute - detect_refusals.BEFORE_MS
            self._before[change.audit_id] = reading.between(endpoint, since, minute)
        after = max(minute + MINUTE_MS, now - detect_refusals.AFTER_MS)
        return self._before[change.audit_id], reading.between(endpoint, after, now + MINUTE_MS)

    def _installation(self, known: _Known, now: int) -> Iterator[Found]:
        usage = shutil.disk_usage(self._data_dir)
        disk = detect_house.disk_full(usage.free, usage.total, (rules.DISK, self._host) in known)
        if disk is not None:
            yield Found(rules.DISK, self._host, {**disk, "host": self._host})
        lane = detect_house.lane_full(reading.longest_queue(now), QUEUE, (rules.QUEUE, "intake") in known)
        if lane is not None:
            yield Found(rules.QUEUE, "intake", {**lane, "what": "intake"})
        damage = self._damage()
        if damage:
            yield Found(rules.DAMAGED, self._host, {"problem": damage, "host": self._host})


def _channels(workspace: Workspace, now: int) -> Iterator[Found]:
    """Channels that fail, and those that we paused; whoever pauses one needs no alert."""
    for channel in reading.troubled_channels(workspace):
        kind, figures = rules.CHANNEL_FAILING, detect_house.failing(channel.failing_since, now)
        if channel.paused_at is not None:
            by_us = channel.paused_because in {delivering.WHY_GONE, delivering.WHY_FAILING}
            kind = rules.CHANNEL_PAUSED
            figures = {"since": channel.paused_at, "because": channel.paused_because} if by_us else None
        if figures is not None:
            yield Found(kind, f"channel:{channel.pk}", figures, channel_id=channel.pk)


def _late(workspace: Workspace, now: int) -> Iterator[Found]:
    """Events and deliveries of the workspace that wait for too long."""
    for what, (oldest, count) in (
        ("events", reading.oldest_event(workspace)),
        ("deliveries", reading.oldest_due(workspace, now)),
    ):
        figures = detect_house.late(oldest, count, now)
        if figures is not None:
            yield Found(rules.QUEUE, what, {**figures, "what": what})
