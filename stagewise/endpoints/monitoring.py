"""Reading how the endpoints are doing: how many calls ended how, how fast they were answered, where they came from.

Everything here is bounded: counters are summed by the database, and of the journal only the newest rows are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from django.db.models import Count, F, Q, Sum
from django.utils.translation import gettext_lazy as _

from stagewise.core.refusal import ACCEPTED, REFUSALS
from stagewise.endpoints.models import Attempt, AttemptCounter, AttemptSummary, LaneMinute
from stagewise.store.timings import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models.aggregates import Aggregate
    from django.utils.functional import _StrPromise

    from stagewise.accounts.models import Workspace

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

#: So many of the workspace's newest calls are looked at for the tables of addresses and origins.
NEWEST = 50_000
#: So many addresses, and so many origins.
TOP = 10

#: What calls can have come to, from good to bad, so that a stack of them reads from below.
Group = Literal["taken", "held", "blocked", "limit", "wrong", "trouble"]
GROUPS: dict[Group, _StrPromise] = {
    "taken": _("Taken"),
    "held": _("Held"),
    "blocked": _("Not allowed"),
    "limit": _("Over the limit"),
    "wrong": _("Wrong or incomplete"),
    "trouble": _("Could not answer"),
}


@dataclass(frozen=True)
class Period:
    """A stretch of time in equal steps, in milliseconds; the last step is the one that is now."""

    since: int
    until: int
    step: int

    @classmethod
    def ending(cls, now: int, length: int, step: int) -> Period:
        """The period of this length whose last step holds ``now``."""
        until = now - now % step + step
        return cls(until - length, until, step)

    @property
    def starts(self) -> list[int]:
        """When each step begins."""
        return list(range(self.since, self.until, self.step))


@dataclass
class Calls:
    """Calls of a period: by step and group, by outcome, and by endpoint."""

    steps: list[dict[Group, int]]
    outcomes: dict[str, int] = field(default_factory=dict)
    #: Row id of the endpoint → calls taken or held, calls refused.
    endpoints: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.outcomes.values())

    @property
    def accepted(self) -> int:
        """Those that were taken or held."""
        return sum(count for code, count in self.outcomes.items() if code in ACCEPTED)


class Speed(NamedTuple):
    """Answering times of a step, in seconds; None where nothing was answered. And the longest queue."""

    p50: float | None
    p99: float | None
    waiting: int


@dataclass(frozen=True)
class Share:
    """A value with its calls, and how many of a hundred that is."""

    value: str
    count: int
    refused: int
    percent: float


class Top(NamedTuple):
    """The values with most calls. ``others`` counts the calls of all the rest, ``total`` those that have a value."""

    shares: list[Share]
    others: int
    total: int


def group_of(outcome: str) -> Group:
    """The group that an outcome belongs to."""
    if outcome in ACCEPTED:
        return "held" if outcome == "held" else "taken"
    status = REFUSALS[outcome].status if outcome in REFUSALS else 400
    if status in {403, 404, 410}:
        return "blocked"
    if status == 429:
        return "limit"
    return "trouble" if status >= 500 else "wrong"


def calls(workspace: Workspace, period: Period, endpoint_id: int | None = None) -> Calls:
    """The calls of a period; ``endpoints`` has those of all endpoints, whichever was asked for."""
    rows = (
        AttemptCounter.objects.filter(workspace_id=workspace.pk, minute__gte=period.since, minute__lt=period.until)
        .exclude(outcome__in=["test", "test_created"])
        .values_list(F("minute") - F("minute") % period.step, "endpoint_id", "outcome")
        .annotate(total=Sum("count"))
    )
    found = Calls([{} for _ in period.starts])
    for start, where, outcome, total in rows:
        good, bad = found.endpoints.get(where, (0, 0))
        found.endpoints[where] = (good + total, bad) if outcome in ACCEPTED else (good, bad + total)
        if endpoint_id is None or where == endpoint_id:
            step, group = found.steps[(start - period.since) // period.step], group_of(outcome)
            step[group] = step.get(group, 0) + int(total)
            found.outcomes[outcome] = found.outcomes.get(outcome, 0) + int(total)
    return found


def busiest_minute(workspace: Workspace, period: Period, endpoint_id: int | None = None) -> tuple[int, int] | None:
    """The minute with most calls: when it began, and how many they were."""
    rows = AttemptCounter.objects.filter(workspace_id=workspace.pk, minute__gte=period.since, minute__lt=period.until)
    if endpoint_id is not None:
        rows = rows.filter(endpoint_id=endpoint_id)
    by_minute = rows.values_list("minute").annotate(total=Sum("count")).order_by("-total", "-minute")
    first = by_minute.first()
    return None if first is None else (first[0], int(first[1]))


def speeds(period: Period) -> tuple[list[Speed], Speed]:
    """How fast this installation answered, step by step and in all. Of all workspaces together: lanes are shared."""
    buckets = [[0] * (len(BOUNDS) + 1) for _ in period.starts]
    queues = [0] * len(buckets)
    rows = LaneMinute.objects.filter(minute__gte=period.since, minute__lt=period.until)
    for minute, waiting, times in rows.values_list("minute", "waiting", "times").iterator():
        step = (minute - period.since) // period.step
        queues[step] = max(queues[step], waiting)
        for place, count in enumerate(times[: len(BOUNDS) + 1]):
            buckets[step][place] += count
    together = [sum(counts) for counts in zip(*buckets, strict=True)]
    steps = [_speed(counts, queue) for counts, queue in zip(buckets, queues, strict=True)]
    return steps, _speed(together, max(queues))


def percentile(counts: Sequence[int], part: float) -> float | None:
    """The time, in seconds, that ``part`` (such as 0.99) of the answers stayed within, given counts by bucket.

    Within a bucket they are taken to lie evenly. What took longer than the last bound counts as that bound.
    """
    total = sum(counts)
    if not total:
        return None
    wanted, below = part * total, 0
    for place, count in enumerate(counts):
        if count and below + count >= wanted:
            if place >= len(BOUNDS):
                break
            lower = BOUNDS[place - 1] if place else 0.0
            return lower + (BOUNDS[place] - lower) * (wanted - below) / count
        below += count
    return BOUNDS[-1]


def top(
    workspace: Workspace, period: Period, value: Literal["address", "origin"], endpoint_id: int | None = None
) -> Top:
    """The addresses or origins with most calls among the newest :data:`NEWEST` of the workspace."""
    details = Attempt.objects.filter(workspace_id=workspace.pk, at__gte=period.since)
    older = Attempt.objects.filter(workspace_id=workspace.pk).order_by("-id").values_list("id", flat=True)
    if (before := older[NEWEST : NEWEST + 1].first()) is not None:
        details = details.filter(id__gt=before)
    hour = period.since - period.since % HOUR_MS
    summaries = AttemptSummary.objects.filter(workspace_id=workspace.pk, hour__gte=hour, last_at__gte=period.since)
    if endpoint_id is not None:
        details, summaries = details.filter(endpoint_id=endpoint_id), summaries.filter(endpoint_id=endpoint_id)
    named: dict[str, Any] = {f"{value}__gt": ""}
    details, summaries = details.filter(**named), summaries.filter(**named)
    refused = ~Q(outcome__in=list(ACCEPTED))
    rows = [
        *_most(details.values_list(value), Count("id"), Count("id", filter=refused)),
        *_most(summaries.values_list(value), Sum("count"), Sum("count", filter=refused)),
    ]
    total = details.count() + int(summaries.aggregate(total=Sum("count"))["total"] or 0)
    return _top(rows, total)


def _most(grouped: Any, total: Aggregate, refused: Aggregate) -> list[tuple[str, int, int]]:
    """Value, calls, refused calls of those with most; more of them than are shown, because two lists are merged."""
    ordered = grouped.annotate(total=total, refused=refused).order_by("-total")
    return [(each, int(count), int(bad or 0)) for each, count, bad in ordered[: TOP * 20]]


def _top(counted: Iterable[tuple[str, int, int]], total: int) -> Top:
    totals: dict[str, tuple[int, int]] = {}
    for each, count, refused in counted:
        known = totals.get(each, (0, 0))
        totals[each] = (known[0] + count, known[1] + refused)
    ordered = sorted(totals.items(), key=lambda item: (-item[1][0], item[0]))
    shares = [Share(each, count, refused, 100 * count / total) for each, (count, refused) in ordered[:TOP]]
    return Top(shares, total - sum(share.count for share in shares), total)


def _speed(counts: Sequence[int], waiting: int) -> Speed:
    return Speed(percentile(counts, 0.5), percentile(counts, 0.99), waiting)
