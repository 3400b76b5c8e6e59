"""The leads in figures: how many came on which day and of which type, and how soon somebody answered.

Counted is what the worker has counted by the half hour (:class:`stagewise.leads.models.LeadSlot`), and the leads that
it has not reached yet. No query reads more the more leads there are.
"""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import connection

from stagewise.accounts.days import Daily, Days, Span
from stagewise.leads.models import Lead, LeadSlot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stagewise.accounts.models import Workspace

#: Length of a :class:`LeadSlot` in milliseconds.
SLOT_MS: Final = 1_800_000
#: Of the leads that the worker has not counted yet so many are: more wait only while it does not run.
NOT_COUNTED_AT_MOST: Final = 5_000
#: How soon leads were answered is told from so many that were answered last in a period …
ANSWERED: Final = 2_000
#: … and on one day.
ANSWERED_OF_A_DAY: Final = 100

#: The days drive, and each takes its stretch of the index; the other way round every slot would be asked for its day.
_COUNTED = """
WITH span(place, since, until) AS (VALUES {spans})
SELECT span.place, lead_slot.lead_type_id, sum(lead_slot.count)
FROM span CROSS JOIN lead_slot
WHERE lead_slot.workspace_id = %s AND lead_slot.slot >= span.since AND lead_slot.slot < span.until
GROUP BY span.place, lead_slot.lead_type_id
"""

#: The newest of all workspaces, so that the index of those that wait serves.
_NOT_COUNTED = """
SELECT created_at, lead_type_id
FROM (SELECT * FROM lead WHERE derived_at IS NULL ORDER BY id DESC LIMIT %s) AS fresh
WHERE workspace_id = %s AND NOT test
"""

_ANSWERED = """
SELECT * FROM (
  SELECT CAST(%s AS integer), answered_at - created_at FROM lead
  WHERE workspace_id = %s AND answered_at >= %s AND answered_at < %s AND NOT test AND added_by IS NULL
  ORDER BY answered_at DESC LIMIT %s
) AS answered
"""


@dataclass(frozen=True)
class Counted:
    """Leads by day. ``by_type`` has for each day the counts by the lead type's row id."""

    all: Daily
    by_type: list[Counter[int]]


def counted(workspace: Workspace, days: Days) -> Counted:
    """How many leads came on each day, test leads left out; deleted ones have come all the same.

    Where midnight is not on the half hour (three small time zones), a day begins at the half hour before.
    """
    spans = [*days.spans, *days.heads.values()]
    found: list[Counter[int]] = [Counter() for _ in spans]
    slots = [(place, each.since // SLOT_MS, each.until // SLOT_MS) for place, each in enumerate(spans)]
    with connection.cursor() as cursor:
        values = ", ".join(["(%s, %s, %s)"] * len(slots))
        cursor.execute(_COUNTED.format(spans=values), [*(each for slot in slots for each in slot), workspace.pk])
        for place, lead_type, count in cursor.fetchall():
            found[place][lead_type] += int(count)
    for at, lead_type in _not_counted(workspace):
        for place, since, until in slots:
            if since <= at // SLOT_MS < until:
                found[place][lead_type] += 1
    totals = [each.total() for each in found]
    heads = dict(zip(days.heads, totals[len(days.spans) :], strict=True))
    return Counted(Daily(totals[: len(days.spans)], heads), found[: len(days.spans)])


def answered_within(workspace: Workspace, spans: Sequence[Span], at_most: int = ANSWERED) -> list[int | None]:
    """For each stretch of time how soon half of the leads were answered that were answered in it, in milliseconds.

    None where none was. A lead is answered when somebody first does something about it; only those count that came
    from an endpoint, and of each stretch the ``at_most`` that were answered last.
    """
    took: list[list[int]] = [[] for _ in spans]
    values: list[int] = []
    for place, (since, until) in enumerate(spans):
        values += [place, workspace.pk, since, until, at_most]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([_ANSWERED] * len(spans)), values)
        for place, took_ms in cursor.fetchall():
            took[place].append(took_ms)
    return [int(statistics.median(each)) if each else None for each in took]


def any_came(workspace: Workspace) -> bool:
    """Whether there is a lead, a test lead too, or was one that is counted."""
    return (
        Lead.objects.filter(workspace=workspace).exists() or LeadSlot.objects.filter(workspace_id=workspace.pk).exists()
    )


def newest(workspace: Workspace, size: int) -> list[Lead]:
    """The newest leads with what a line about each shows, test leads among them."""
    found = Lead.objects.filter(workspace=workspace).select_related("lead_type", "stage", "owner__user")
    return list(found.order_by("-id")[:size])


def _not_counted(workspace: Workspace) -> list[tuple[int, int]]:
    """When each lead came that is in no slot yet, and its type."""
    with connection.cursor() as cursor:
        cursor.execute(_NOT_COUNTED, [NOT_COUNTED_AT_MOST, workspace.pk])
        return [(at, lead_type) for at, lead_type in cursor.fetchall()]
