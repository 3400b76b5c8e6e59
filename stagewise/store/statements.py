"""The lane's SQL, by what it does. Django's migrations own the tables; tests on both databases hold the two together.

Rows go in as one JSON document per statement: one call into the database writes a whole batch, whatever its size.
"""

from __future__ import annotations

from typing import Final

import msgspec

from stagewise.store import records


class Source(msgspec.Struct, frozen=True):
    """A document's rows: the names of their values by position, and the columns that are filled from them.

    ``tables``: table → column → name of a value, or a constant in SQL.
    """

    values: tuple[str, ...]
    tables: dict[str, dict[str, str]]


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


_LEAD_VALUES: Final = records.NewLead.__struct_fields__
_LEAD: Final = {
    **_same(
        "id", "public_id", "workspace_id", "endpoint_id", "lead_type_id", "stage_id", "name", "phone", "phone_e164",
        "email", "message", "address", "forwarded_by", "origin", "user_agent", "request_id", "repeat_slot",
        "repeat_hash",
    ),
    "created_at": "at",
}  # fmt: skip
_ATTEMPT: Final = {
    **_same(
        "workspace_id", "endpoint_id", "at", "address", "forwarded_by", "address_from", "note", "origin", "user_agent",
        "request_id",
    ),
    "status": "201", "preflight": "FALSE", "field_errors": "''", "lead_id": "id",
}  # fmt: skip
_BOUND: Final = {
    **_same("workspace_id", "endpoint_id", "fingerprint", "answer", "at"),
    "key": "idempotency_key", "lead_id": "id", "status": "201",
}  # fmt: skip

LEADS: Final = Source(
    _LEAD_VALUES,
    {
        "lead": {**_LEAD, "test": "FALSE"},
        "hit": _same("workspace_id", "endpoint_id", "bucket", "at"),
        "attempt": {**_ATTEMPT, "outcome": "'created'"},
        "event": {
            "workspace_id": "workspace_id", "public_id": "event_id", "kind": "'lead.created'", "lead_id": "id",
            "at": "at",
        },
        "bound_key": _BOUND,
    },
)  # fmt: skip

#: Test leads take no slot, and nobody is notified of them.
TESTS: Final = Source(
    _LEAD_VALUES,
    {
        "lead": {**_LEAD, "test": "TRUE"},
        "attempt": {**_ATTEMPT, "outcome": "'test_created'"},
        "bound_key": _BOUND,
    },
)

_HELD_VALUES: Final = records.NewHeld.__struct_fields__
HELD: Final = Source(
    _HELD_VALUES, {"held_lead": {**_same(*_HELD_VALUES), "state": "'waiting'", "settled_by": "''", "repeats": "0"}}
)
HITS: Final = Source(records.NewHit.__struct_fields__, {"hit": _same(*records.NewHit.__struct_fields__)})
BOUND: Final = Source(records.NewBound.__struct_fields__, {"bound_key": _same(*records.NewBound.__struct_fields__)})
ATTRIBUTIONS: Final = Source(
    records.NewAttribution.__struct_fields__, {"lead_attribution": _same(*records.NewAttribution.__struct_fields__)}
)
ATTEMPTS: Final = Source(records.Attempt.__struct_fields__, {"attempt": _same(*records.Attempt.__struct_fields__)})

INSTALLATION: Final = "SELECT schema_version, oldest_lane, key_fingerprint FROM installation WHERE id = 1"

KEYS: Final = """
SELECT k.key, k.retires_at, e.id, e.workspace_id, e.version, w.types_version
FROM endpoint_key k
JOIN endpoint e ON e.id = k.endpoint_id
JOIN workspace w ON w.id = e.workspace_id
WHERE k.key {among}
"""

ENDPOINT: Final = """
SELECT enabled, allow_all_ips, allowed_ips, allowed_origins, max_leads_per_ip, name, forwarding, server_ceiling,
  over_limit, captcha, holding, form
FROM endpoint WHERE id = {one}
"""

TYPES: Final = """
SELECT t.id, t.name, n.name_key,
  (SELECT s.id FROM stage s
   WHERE s.lead_type_id = t.id AND s.archived_at IS NULL ORDER BY s.position, s.id LIMIT 1) AS first_stage
FROM lead_type t
JOIN (
  SELECT id AS lead_type_id, name_key, 0 AS alias FROM lead_type
  UNION ALL SELECT lead_type_id, name_key, 1 FROM lead_type_alias
) n ON n.lead_type_id = t.id
WHERE t.workspace_id = {one} AND t.archived_at IS NULL
ORDER BY n.alias, t.position, t.id
"""

COUNTERS: Final = """
INSERT INTO attempt_counter (workspace_id, endpoint_id, minute, outcome, process, count, detailed)
VALUES ({one}, {one}, {one}, {one}, {one}, {one}, {one})
ON CONFLICT (endpoint_id, minute, outcome, process)
DO UPDATE SET count = attempt_counter.count + excluded.count, detailed = attempt_counter.detailed + excluded.detailed
"""

SUMMARIES: Final = """
INSERT INTO attempt_summary (workspace_id, endpoint_id, hour, outcome, status, address, origin, count, last_at)
VALUES ({one}, {one}, {one}, {one}, {one}, {one}, {one}, {one}, {one})
ON CONFLICT (endpoint_id, hour, outcome, address, origin)
DO UPDATE SET count = attempt_summary.count + excluded.count,
  last_at = CASE WHEN excluded.last_at > attempt_summary.last_at THEN excluded.last_at ELSE attempt_summary.last_at END
"""

UNKNOWN: Final = """
INSERT INTO unknown_call (hour, prefix, address, count, last_at) VALUES ({one}, {one}, {one}, {one}, {one})
ON CONFLICT (hour, prefix, address)
DO UPDATE SET count = unknown_call.count + excluded.count,
  last_at = CASE WHEN excluded.last_at > unknown_call.last_at THEN excluded.last_at ELSE unknown_call.last_at END
"""

UNMATCHED: Final = """
INSERT INTO unmatched_name (workspace_id, name_key, name, count, last_at) VALUES ({one}, {one}, {one}, {one}, {one})
ON CONFLICT (workspace_id, name_key)
DO UPDATE SET name = excluded.name, count = unmatched_name.count + excluded.count,
  last_at = CASE WHEN excluded.last_at > unmatched_name.last_at THEN excluded.last_at ELSE unmatched_name.last_at END
"""

#: Detail rows that an endpoint's hour has, of calls that made no lead.
DETAILED: Final = """
SELECT coalesce(sum(detailed), 0) FROM attempt_counter
WHERE endpoint_id = {one} AND minute >= {one} AND minute < {one} AND outcome NOT IN ('created', 'test_created')
"""

SUMMARY_ROWS: Final = "SELECT outcome, address, origin FROM attempt_summary WHERE endpoint_id = {one} AND hour = {one}"

UNKNOWN_ROWS: Final = "SELECT prefix, address FROM unknown_call WHERE hour = {one}"

UNMATCHED_ROWS: Final = "SELECT name_key FROM unmatched_name WHERE workspace_id = {one}"

#: The time of the N-th newest hit, for a limit that was lowered below what is in the window.
NTH_HIT: Final = """
SELECT at FROM hit WHERE endpoint_id = {one} AND bucket = {one} AND at > {one} ORDER BY at DESC LIMIT 1 OFFSET {one}
"""

HELD_WAITING: Final = "SELECT count(*) FROM held_lead WHERE endpoint_id = {one} AND state = 'waiting'"

LEAD_REPEAT: Final = """
INSERT INTO lead_repeat (lead_id, workspace_id, count, first_at, last_at) VALUES ({one}, {one}, 1, {one}, {one})
ON CONFLICT (lead_id) DO UPDATE SET count = lead_repeat.count + 1, last_at = excluded.last_at
"""

HELD_REPEAT: Final = "UPDATE held_lead SET repeats = repeats + 1 WHERE id = {one}"

#: A message that was not repeated for a day begins again at one.
SEEN_MESSAGE: Final = """
INSERT INTO seen_message (endpoint_id, message_hash, count, at) VALUES ({one}, {one}, 1, {one})
ON CONFLICT (endpoint_id, message_hash)
DO UPDATE SET count = CASE WHEN seen_message.at > {one} THEN seen_message.count + 1 ELSE 1 END, at = excluded.at
"""

SEEN_BEFORE: Final = """
SELECT count FROM seen_message WHERE endpoint_id = {one} AND message_hash = {one} AND at > {one}
"""

#: Of two submissions with one token the first keeps it.
KEEP_PASSED: Final = """
INSERT INTO captcha_pass (endpoint_id, token_hash, fingerprint, at) VALUES ({one}, {one}, {one}, {one})
ON CONFLICT (endpoint_id, token_hash) DO NOTHING
"""

PASSED_WITH: Final = """
SELECT CASE WHEN at > {one} THEN fingerprint ELSE '' END FROM captcha_pass
WHERE endpoint_id = {one} AND token_hash = {one}
"""

#: The totals of a minute so far, again and again.
LANE_MINUTE: Final = """
INSERT INTO lane_minute (process, minute, calls, waiting, times) VALUES ({one}, {one}, {one}, {one}, {one})
ON CONFLICT (process, minute)
DO UPDATE SET calls = excluded.calls, waiting = excluded.waiting, times = excluded.times
"""
