"""Calls in figures: how many ended how, by day or by step. Counters are summed by the database, never calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection
from django.db.models import F, Sum

from stagewise.accounts.days import Daily
from stagewise.core.refusal import ACCEPTED
from stagewise.endpoints.models import AttemptCounter

if TYPE_CHECKING:
    from collections.abc import Collection

    from stagewise.accounts.days import Days
    from stagewise.accounts.models import Workspace

#: Test calls are counted under these, and bend no figure.
_TESTS = ("test", "test_created")

_COUNTED = """
WITH span(place, since, until) AS (VALUES {spans})
SELECT span.place, attempt_counter.outcome, sum(attempt_counter.count)
FROM span CROSS JOIN attempt_counter
WHERE attempt_counter.workspace_id = %s
  AND attempt_counter.minute >= span.since AND attempt_counter.minute < span.until
GROUP BY span.place, attempt_counter.outcome
"""


@dataclass(frozen=True)
class Counted:
    """Calls by day: those that were refused, and for each day the counts by outcome."""

    refused: Daily
    by_outcome: list[Counter[str]]

    def outcomes(self, period: int) -> Counter[str]:
        """How the calls of the last so many days ended."""
        total: Counter[str] = Counter()
        for each in self.by_outcome[-period:]:
            total.update(each)
        return total


class Step(NamedTuple):
    """Calls of one step of a chart. It begins at ``since`` (milliseconds since 1970)."""

    since: int
    until: int
    accepted: int
    refused: int


def counted(workspace: Workspace, days: Days) -> Counted:
    """How the calls of each day ended, test calls left out; what is older than 8 days is counted by whole hours."""
    spans = [*days.spans, *days.heads.values()]
    found: list[Counter[str]] = [Counter() for _ in spans]
    places = [value for place, span in enumerate(spans) for value in (place, *span)]
    with connection.cursor() as cursor:
        values = ", ".join(["(%s, %s, %s)"] * len(spans))
        cursor.execute(_COUNTED.format(spans=values), [*places, workspace.pk])
        for place, outcome, count in cursor.fetchall():
            if outcome not in _TESTS:
                found[place][outcome] += int(count)
    refused = [sum(count for outcome, count in each.items() if outcome not in ACCEPTED) for each in found]
    heads = dict(zip(days.heads, refused[len(days.spans) :], strict=True))
    return Counted(Daily(refused[: len(days.spans)], heads), found[: len(days.spans)])


def steps(
    workspace: Workspace,
    since: int,
    until: int,
    step: int,
    *,
    endpoint_id: int | None = None,
    outcomes: Collection[str] | None = None,
) -> list[Step]:
    """Calls between two moments in steps of ``step`` milliseconds, whole minutes; test calls left out."""
    rows = AttemptCounter.objects.filter(workspace_id=workspace.pk, minute__gte=since, minute__lt=until)
    if endpoint_id is not None:
        rows = rows.filter(endpoint_id=endpoint_id)
    rows = rows.exclude(outcome__in=_TESTS) if outcomes is None else rows.filter(outcome__in=list(outcomes))
    starts = range(since, until, step)
    good, bad = dict.fromkeys(starts, 0), dict.fromkeys(starts, 0)
    start = F("minute") - (F("minute") - since) % step
    for at, outcome, total in rows.values_list(start, "outcome").annotate(total=Sum("count")):
        (good if outcome in ACCEPTED else bad)[at] += int(total)
    return [Step(at, min(at + step, until), good[at], bad[at]) for at in starts]
