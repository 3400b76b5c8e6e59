"""Every JSON payload of the corpus against the field rules alone."""

from __future__ import annotations

import msgspec
import pytest

from stagewise.core import fields
from tests.corpus.rows import FIRST_LEAD_TYPE, ROWS, Row

FIELD_GROUPS = {"name", "phone", "email", "message", "lead_type_name"}
LEAD_TYPES = {"sales", "support"}
PAYLOADS = [row for row in ROWS if row.group in FIELD_GROUPS and row.payload is not msgspec.UNSET]


@pytest.mark.parametrize("row", PAYLOADS, ids=lambda row: row.id)
def test_the_field_rules_take_and_refuse_as_marked(row: Row) -> None:
    checked = fields.check(row.payload)
    if isinstance(checked, list):
        assert not row.accepted, checked
        assert [error.field for error in checked] == [row.field]
        return
    if not row.accepted:
        # Whether there is such a lead type is for the ledger to say.
        assert row.field == "lead_type_name"
        assert (checked.lead_type_name or FIRST_LEAD_TYPE).lower() not in LEAD_TYPES
        return
    stored = row.stored()
    assert (checked.name, checked.phone, checked.email, checked.message) == (
        stored["name"], stored["phone"], stored["email"], stored["message"],
    )  # fmt: skip
    assert (checked.lead_type_name or FIRST_LEAD_TYPE).lower() == (stored["lead_type_name"] or "").lower()
    if row.e164 is not None:
        assert checked.phone_e164 == row.e164
