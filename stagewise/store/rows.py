"""What both databases share about rows: the single statements of a batch, and reading what came before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stagewise.options.holding import REPEATED_WITHIN_MS
from stagewise.store import statements
from stagewise.store.records import Earlier, NewLead, Rows

MINUTE_MS = 60_000


def upserts_of(rows: Rows, process: int) -> Iterator[tuple[str, Sequence[object]]]:
    """Statements (with ``{one}`` for each value) and their values, in one order everywhere: no deadlock."""
    for outcome, leads in (("created", rows.leads), ("test_created", rows.tests)):
        for counter in counters_of(leads, outcome, process):
            yield statements.COUNTERS, counter
    for repeat in sorted(rows.repeats, key=lambda each: (each.lead_id, each.held_id)):
        if repeat.lead_id:
            yield statements.LEAD_REPEAT, (repeat.lead_id, repeat.workspace_id, repeat.at, repeat.at)
        elif repeat.held_id:
            yield statements.HELD_REPEAT, (repeat.held_id,)
    for endpoint_id, message_hash in sorted(rows.messages):
        yield statements.SEEN_MESSAGE, (endpoint_id, message_hash, rows.at, rows.at - REPEATED_WITHIN_MS)


def counters_of(leads: Sequence[NewLead], outcome: str, process: int) -> list[tuple[int, int, int, str, int, int, int]]:
    """The counter rows of leads: one per endpoint, since a batch has one moment."""
    counts: dict[tuple[int, int, int], int] = {}
    for lead in leads:
        place = (lead.workspace_id, lead.endpoint_id, lead.at - lead.at % MINUTE_MS)
        counts[place] = counts.get(place, 0) + 1
    return [(*place, outcome, process, count, count) for place, count in sorted(counts.items())]


def earlier_of(row: Sequence[Any], *, held: bool) -> Earlier:
    """A row of (public id as hexadecimal, time, name, phone, e-mail, message, row id)."""
    found = Earlier(row[0], row[1], tuple(row[2:6]))
    if held:
        found.held_id, found.is_held = row[6], True
    else:
        found.lead_id = row[6]
    return found
