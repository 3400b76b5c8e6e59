"""The worker's figures for Prometheus: what it did, counted, and what waits, as it was at the last look.

What waits is read once a minute, not when somebody asks: any number of scrapers costs the database nothing.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from django.db.models import Count, Min
from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, PlatformCollector, ProcessCollector

from stagewise.accounts.clock import now_ms
from stagewise.leads.models import HeldLead, HeldState
from stagewise.notify.alerts import rules
from stagewise.notify.models import Alert, Channel, Delivery, DeliveryState, Event, Watch

if TYPE_CHECKING:
    from pathlib import Path

    from stagewise.notify.delivering import Tried


class Metrics:
    """A registry of its own, as every process has. ``data_dir`` is whose disk is measured."""

    def __init__(self, data_dir: Path) -> None:
        self.registry = registry = CollectorRegistry()
        self._data_dir = data_dir
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        self.rows = Counter("stagewise_worker_rows", "Rows handled by job.", ["job"], registry=registry)
        self.errors = Counter("stagewise_worker_errors", "Jobs that failed.", ["job"], registry=registry)
        self._tries = Counter("stagewise_deliveries", "Tries to deliver by outcome.", ["outcome"], registry=registry)
        for outcome in ("delivered", "failed"):
            self._tries.labels(outcome)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"stagewise_{name}", text, labels, registry=registry)

        self._events = gauge("outbox_events", "Events that are not handed to the channels yet.")
        self._waiting = gauge("deliveries_waiting", "Deliveries that wait, for their time or for a paused channel.")
        self._late = gauge("deliveries_late_seconds", "For how long the first delivery that is due has been due.")
        self._channels = gauge("channels", "Channels by state.", "state")
        self._held = gauge("held_leads", "Held leads that wait for somebody.")
        self._alerts = gauge("alerts_open", "Alerts that are not resolved, by kind.", "kind")
        self._canaries = gauge("canaries", "Endpoints with a canary by what became of the last one.", "state")
        self._disk = gauge("disk_free_bytes", "Free space where the worker keeps its data.")
        self._looked = gauge("watch_timestamp_seconds", "When the worker last looked at all this.")

    def note(self, tried: Tried) -> None:
        """Count a try to deliver."""
        self._tries.labels("failed" if tried.outcome.problem else "delivered").inc()

    def count(self, job: str, rows: int) -> None:
        """Count rows that a job has handled."""
        self.rows.labels(job).inc(rows)

    def look(self) -> None:
        """Read what waits. Of all workspaces together: an installation is watched as one."""
        now = now_ms()
        self._events.set(Event.objects.filter(dispatched_at=None).count())
        self._read_deliveries(now)
        channels = Channel.objects.filter(enabled=True)
        paused, failing = channels.exclude(paused_at=None), channels.filter(paused_at=None).exclude(failing_since=None)
        self._channels.labels("paused").set(paused.count())
        self._channels.labels("failing").set(failing.count())
        self._channels.labels("working").set(channels.filter(paused_at=None, failing_since=None).count())
        self._held.set(HeldLead.objects.filter(state=HeldState.WAITING).count())
        by_kind = dict(Alert.objects.filter(resolved_at=None).values_list("kind").annotate(total=Count("id")))
        for kind in rules.KINDS:
            self._alerts.labels(kind).set(by_kind.get(kind, 0))
        canaries = Watch.objects.filter(endpoint__enabled=True).exclude(canary_minutes=None)
        self._canaries.labels("failed").set(canaries.exclude(canary_problem="").count())
        self._canaries.labels("passed").set(canaries.filter(canary_problem="").exclude(canary_last_at=None).count())
        self._disk.set(shutil.disk_usage(self._data_dir).free)
        self._looked.set(now / 1000)

    def _read_deliveries(self, now: int) -> None:
        waiting = Delivery.objects.filter(state=DeliveryState.WAITING)
        self._waiting.set(waiting.count())
        due = waiting.filter(next_at__lte=now, channel__enabled=True, channel__paused_at=None)
        oldest = due.filter(channel__failing_since=None).aggregate(oldest=Min("next_at"))["oldest"]
        self._late.set(0 if oldest is None else (now - oldest) / 1000)
