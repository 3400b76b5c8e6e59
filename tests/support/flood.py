"""Many leads with their events, straight into an installation's tables, as the lane would have written both."""

from __future__ import annotations

import time
import uuid

from tests.support.installation import Installation

_COLUMNS = "workspace_id, public_id, lead_type_id, stage_id, name, phone, phone_e164, email, test, created_at"
_FIRST_TYPE = """
SELECT t.workspace_id, t.id, s.id FROM lead_type t JOIN stage s ON s.lead_type_id = t.id
WHERE t.position = 0 AND s.position = 0
"""
_EVENTS = """
INSERT INTO event (workspace_id, public_id, kind, lead_id, at)
SELECT workspace_id, public_id, 'lead.created', id, created_at FROM lead WHERE id > ?
"""
_SLICE = 100


def add_leads(installation: Installation, count: int) -> None:
    """Add so many leads of the default lead type; of each a channel will be told once."""
    workspace, lead_type, stage = installation.sql(_FIRST_TYPE)[0]
    [(last,)] = installation.sql("SELECT coalesce(max(id), 0) FROM lead")
    now = time.time_ns() // 1_000_000
    for start in range(0, count, _SLICE):
        values: list[object] = []
        for number in range(start, min(start + _SLICE, count)):
            public_id = uuid.uuid4()
            values += [workspace, public_id if installation.database_url else public_id.hex, lead_type, stage]
            values += [f"Lead {number}", "+44 20 7946 0958", "+442079460958", f"lead{number}@example.com", False, now]
        row = f"({', '.join('?' * 10)})"
        installation.sql(f"INSERT INTO lead ({_COLUMNS}) VALUES {', '.join([row] * (len(values) // 10))}", *values)
    installation.sql(_EVENTS, last)
