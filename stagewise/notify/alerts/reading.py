"""Counting what the alerts are found by, cheaply: counters by the minute, and the journal only where it matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Count, Max, Min, Q, Sum

from stagewise.accounts.models import AuditEntry
from stagewise.core.refusal import ACCEPTED, REFUSALS
from stagewise.endpoints import monitoring
from stagewise.endpoints.models import Attempt, AttemptCounter, AttemptSummary, LaneMinute
from stagewise.leads.models import HeldLead, HeldState
from stagewise.notify.alerts import detect_refusals, detect_silence
from stagewise.notify.alerts.detect_crowd import Share, Shares
from stagewise.notify.alerts.detect_refusals import HOUR_MS, MINUTE_MS, Calls
from stagewise.notify.alerts.detect_silence import DAY_MS, Row
from stagewise.notify.alerts.rules import NO_LEADS
from stagewise.notify.models import Alert, Channel, Delivery, DeliveryState, Event

if TYPE_CHECKING:
    import zoneinfo
    from collections.abc import Iterable
    from typing import Literal

    from stagewise.accounts.models import Workspace
    from stagewise.endpoints.models import Endpoint

#: What counts as a lead that came in. Repeats of one do too: the form works. Test leads do not.
LEADS = ("created", "held", "duplicate")
#: Tests are no calls of visitors.
_TESTS = ("test", "test_created")
#: Of the calls over the limit so many of the newest are looked at.
_LIMITED = 5_000


class Past(NamedTuple):
    """What an endpoint's last weeks were like. ``calls`` are those of the days before ``until``."""

    rows: list[Row]
    usual: detect_silence.Usual | None
    calls: Calls
    days: float
    until: int

    @property
    def usual_refusals(self) -> float:
        """The average of refused calls in a window of 15 minutes; of less than a day, as if the rest had been quiet."""
        return self.calls.refusals / (max(self.days, 1.0) * DAY_MS / detect_refusals.WINDOW_MS)


class Recent(NamedTuple):
    """The calls of an endpoint in the last 15 minutes and the last hour, and the end of the last minute with a lead."""

    window: Calls
    hour: Calls
    last_lead: int | None


#: Of an endpoint that nobody called.
NOTHING = Recent(Calls(), Calls(), None)


class Change(NamedTuple):
    """The newest change of an endpoint's settings that can cause refusals."""

    audit_id: int
    at: int
    by: str
    fields: list[str]
    causes: set[str]


def past(endpoint: Endpoint, zone: zoneinfo.ZoneInfo, now: int) -> Past:
    """Read an endpoint's last eight weeks; done now and then, and kept in memory."""
    counted = AttemptCounter.objects.filter(endpoint_id=endpoint.pk, workspace_id=endpoint.workspace_id)
    since = now - detect_silence.WEEKS * 7 * DAY_MS
    # The row of a whole hour is made of older ones, and has no process of its own.
    leads = counted.filter(minute__gte=since, outcome__in=LEADS).values_list("minute")
    counts = leads.annotate(total=Sum("count"), hours=Count("id", filter=Q(process=0))).order_by("minute")
    rows = [Row(minute, HOUR_MS if hours else MINUTE_MS, int(total)) for minute, total, hours in counts]
    usual = detect_silence.learn(rows, zone, _exceptions(endpoint, since))
    before = counted.filter(minute__gte=now - detect_refusals.BEFORE_MS, minute__lt=now - HOUR_MS)
    first = before.aggregate(first=Min("minute"))["first"]
    days = 0.0 if first is None else (now - HOUR_MS - first) / DAY_MS
    return Past(rows, usual, _sum(before.values_list("outcome").annotate(total=Sum("count"))), days, now)


def _exceptions(endpoint: Endpoint, since: int) -> list[detect_silence.Span]:
    """Silences that an alert was raised for: from the last lead before to when it was resolved."""
    raised = Alert.objects.filter(
        workspace_id=endpoint.workspace_id, endpoint=endpoint, kind=NO_LEADS, resolved_at__gte=since
    )
    rows = raised.values_list("data", "raised_at", "resolved_at")
    return [(data.get("last_lead_at", at), until or at) for data, at, until in rows]


def recent(workspace: Workspace, now: int) -> dict[int, Recent]:
    """The last hour of all endpoints that were called in it."""
    window_since = now - detect_refusals.WINDOW_MS
    rows = AttemptCounter.objects.filter(workspace_id=workspace.pk, minute__gt=now - HOUR_MS)
    found: dict[int, Recent] = {}
    for endpoint_id, minute, outcome, count in rows.values_list("endpoint_id", "minute", "outcome", "count"):
        calls = found.setdefault(endpoint_id, Recent(Calls(), Calls(), None))
        for stretch in (calls.window, calls.hour) if minute > window_since else (calls.hour,):
            _add(stretch, outcome, count)
        if outcome in LEADS:
            last = max(calls.last_lead or 0, minute + MINUTE_MS)
            found[endpoint_id] = calls._replace(last_lead=last)
    return found


def between(endpoint: Endpoint, since: int, until: int) -> Calls:
    """The calls of whole minutes between two moments."""
    rows = AttemptCounter.objects.filter(
        workspace_id=endpoint.workspace_id, endpoint_id=endpoint.pk, minute__gte=since, minute__lt=until
    )
    return _sum(rows.values_list("outcome").annotate(total=Sum("count")))


def changes(workspace: Workspace, since: int) -> dict[str, Change]:
    """The newest change of each endpoint since then that can cause refusals, by the endpoint's name."""
    found: dict[str, Change] = {}
    for entry in AuditEntry.objects.filter(workspace=workspace).order_by("-id")[:200]:
        if entry.at < since:
            break
        causes = detect_refusals.causes_of(entry.changes) if entry.action == "endpoint.saved" else set()
        if causes and entry.subject not in found:
            found[entry.subject] = Change(entry.pk, entry.at, entry.actor, sorted(entry.changes), causes)
    return found


def shares(workspace: Workspace, endpoint: Endpoint, value: Literal["address", "origin"], now: int) -> Shares:
    """The addresses or origins with most calls, of the last hour and of the last day."""
    hour, day = (
        monitoring.top(workspace, monitoring.Period(now - length, now, length), value, endpoint.pk)
        for length in (HOUR_MS, DAY_MS)
    )
    of_day = {share.value: share.count for share in day.shares}
    values = [Share(each.value, each.count, max(of_day.get(each.value, 0), each.count)) for each in hour.shares]
    return Shares(values, hour.total, max(day.total, hour.total))


def limited_addresses(endpoint: Endpoint, now: int) -> int:
    """How many addresses were over the limit in the last hour; of many calls only the newest are looked at."""
    ours = {"workspace_id": endpoint.workspace_id, "endpoint_id": endpoint.pk, "outcome": "rate_limited"}
    newest = Attempt.objects.filter(**ours, at__gt=now - HOUR_MS).order_by("-id").values_list("address", flat=True)
    found = {address for address in newest[:_LIMITED] if address}
    hour = (now - HOUR_MS) // HOUR_MS * HOUR_MS
    counted = AttemptSummary.objects.filter(**ours, hour__gte=hour, last_at__gt=now - HOUR_MS).exclude(address="")
    return len(found.union(counted.values_list("address", flat=True)[:_LIMITED]))


def held_waiting(workspace: Workspace) -> dict[int, int]:
    """How many held leads wait at each endpoint."""
    waiting = HeldLead.objects.filter(workspace=workspace, state=HeldState.WAITING)
    return dict(waiting.values_list("endpoint_id").annotate(total=Count("id")))


def oldest_event(workspace: Workspace) -> tuple[int | None, int]:
    """Since when the first event waits to be handed on, and how many do."""
    waiting = Event.objects.filter(dispatched_at=None, workspace_id=workspace.pk)
    found = waiting.aggregate(oldest=Min("at"), total=Count("id"))
    return found["oldest"], found["total"]


def oldest_due(workspace: Workspace, now: int) -> tuple[int | None, int]:
    """Since when the first delivery is due at channels that are not paused, and how many are."""
    due = Delivery.objects.filter(
        workspace_id=workspace.pk, state=DeliveryState.WAITING, next_at__lte=now,
        channel__enabled=True, channel__paused_at=None, channel__failing_since=None,
    )  # fmt: skip
    found = due.aggregate(oldest=Min("next_at"), total=Count("id"))
    return found["oldest"], found["total"]


def longest_queue(now: int) -> int:
    """The longest queue of any intake process in the last five minutes."""
    return LaneMinute.objects.filter(minute__gt=now - 5 * MINUTE_MS).aggregate(most=Max("waiting"))["most"] or 0


def troubled_channels(workspace: Workspace) -> list[Channel]:
    """The channels that fail or are paused."""
    enabled = Channel.objects.filter(workspace=workspace, enabled=True)
    return list(enabled.exclude(failing_since=None, paused_at=None))


def _sum(rows: Iterable[tuple[str, int]]) -> Calls:
    found = Calls()
    for outcome, count in rows:
        _add(found, outcome, int(count))
    return found


def _add(calls: Calls, outcome: str, count: int) -> None:
    if outcome in REFUSALS:
        calls.refused[outcome] = calls.refused.get(outcome, 0) + count
    elif outcome in ACCEPTED and outcome not in _TESTS:
        calls.taken += count
