"""What follows from a lead and was too slow for its request: E.164, validity, search, the counts of a day."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from django.db import connection, transaction

from stagewise.accounts.clock import now_ms
from stagewise.core.fields import phone_details
from stagewise.leads.models import Lead
from stagewise.leads.search import row_of

_FIELDS = (
    *("id", "workspace_id", "name", "email", "phone", "phone_e164", "message"),
    *("workspace__default_region", "test", "created_at", "changed_at", "lead_type_id", "endpoint_id"),
)

#: Length of a slot of :class:`stagewise.leads.models.LeadSlot`: in all but three small time zones days begin with one.
SLOT_MS = 1_800_000

_SAVE = "UPDATE lead SET phone_e164 = %s, phone_valid = %s, derived_at = %s WHERE id = %s"
_FIND_BY = """
INSERT INTO lead_search (lead_id, workspace_id, name_key, email_key, phone_key, text) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (lead_id) DO UPDATE SET
  name_key = excluded.name_key, email_key = excluded.email_key, phone_key = excluded.phone_key, text = excluded.text
"""
_COUNT = """
INSERT INTO lead_slot (workspace_id, slot, lead_type_id, endpoint_id, count) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (workspace_id, slot, lead_type_id, endpoint_id) DO UPDATE SET count = lead_slot.count + excluded.count
"""


class _Derived(NamedTuple):
    lead_id: int
    changed_at: int | None
    #: Values of each statement.
    save: tuple[Any, ...]
    find_by: tuple[Any, ...]
    #: Workspace, slot, lead type, endpoint; None for test leads.
    slot: tuple[int, int, int, int] | None


def derive(size: int) -> int:
    """Fill in what is derived of the oldest ``size`` leads that lack it; returns how many there were.

    A national number is read as one of the workspace's region. What the lane answered with is kept: a replay repeats
    it. The computing happens before the transaction; each lead is counted once, however many workers there are.
    """
    rows = list(Lead.objects.filter(derived_at=None).order_by("id").values(*_FIELDS)[:size])
    if not rows:
        return 0
    now = now_ms()
    found = [_derived(row, now) for row in rows]
    with transaction.atomic():
        fresh = Lead.objects.select_for_update(skip_locked=True, of=("self",))
        ids = [each.lead_id for each in found]
        there = dict(fresh.filter(id__in=ids, derived_at=None).values_list("id", "changed_at"))
        # One that somebody has corrected since it was read comes next time.
        ours = [each for each in found if there.get(each.lead_id, -1) == each.changed_at]
        slots = Counter(each.slot for each in ours if each.slot is not None)
        with connection.cursor() as cursor:
            cursor.executemany(_SAVE, [each.save for each in ours])
            cursor.executemany(_FIND_BY, [each.find_by for each in ours])
            # In one order everywhere, so that two workers never wait for each other in a circle.
            cursor.executemany(_COUNT, [(*slot, count) for slot, count in sorted(slots.items())])
    return len(rows)


def _derived(row: dict[str, Any], now: int) -> _Derived:
    e164, valid = phone_details(row["phone"], row["workspace__default_region"] or None)
    e164 = row["phone_e164"] or e164
    found = row_of(row["name"], row["email"], row["phone"], e164, row["message"])
    slot = (row["workspace_id"], row["created_at"] // SLOT_MS, row["lead_type_id"], row["endpoint_id"] or 0)
    return _Derived(
        row["id"],
        row["changed_at"],
        (e164, valid, now, row["id"]),
        (row["id"], row["workspace_id"], *(found[name] for name in ("name_key", "email_key", "phone_key", "text"))),
        None if row["test"] else slot,
    )
