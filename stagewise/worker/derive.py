"""Fields of a lead that follow from others and were too slow for its request: E.164, validity, the search text."""

from __future__ import annotations

from django.db import connection, transaction

from stagewise.accounts.clock import now_ms
from stagewise.core.fields import phone_details
from stagewise.leads.models import Lead
from stagewise.leads.search import text_of

_SAVE = """
UPDATE lead SET phone_e164 = coalesce(phone_e164, %s), phone_valid = %s, search_text = %s, derived_at = %s
WHERE id = %s AND derived_at IS NULL
"""


def derive(size: int) -> int:
    """Fill in the derived fields of the oldest ``size`` leads that lack them; returns how many there were.

    A national number is read as one of the workspace's region. What the lane answered with is kept: a replay repeats
    it. The computing happens before the transaction.
    """
    fresh = Lead.objects.filter(derived_at=None).order_by("id")
    rows = list(fresh.values_list("id", "name", "email", "phone", "phone_e164", "workspace__default_region")[:size])
    if not rows:
        return 0
    now = now_ms()
    values = []
    for row_id, name, email, phone, known_e164, region in rows:
        e164, valid = phone_details(phone, region or None)
        e164 = known_e164 or e164
        values.append((e164, valid, text_of(name, email, phone, e164), now, row_id))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(_SAVE, values)
    return len(rows)
