"""The lane's SQL, by what it does. Django's migrations own the tables; tests on both databases hold the two together.

Rows go in as one JSON document per statement: one call into the database writes a whole batch, whatever its size.
"""

from __future__ import annotations

from typing import Final

#: Columns of :class:`stagewise.store.records.NewLead`, by position in the document.
LEAD_FIELDS: Final = (
    "id", "public_id", "workspace_id", "endpoint_id", "lead_type_id", "stage_id", "name", "phone", "phone_e164",
    "email", "message", "at", "address", "bucket", "origin", "user_agent", "request_id", "address_from", "note",
    "event_id", "idempotency_key", "fingerprint", "answer",
)  # fmt: skip

#: table → column → field of the document (or a constant in SQL)
LEAD_TABLES: Final[dict[str, dict[str, str]]] = {
    "lead": {
        "id": "id", "public_id": "public_id", "workspace_id": "workspace_id", "endpoint_id": "endpoint_id",
        "lead_type_id": "lead_type_id", "stage_id": "stage_id", "name": "name", "phone": "phone",
        "phone_e164": "phone_e164", "email": "email", "message": "message", "test": "FALSE", "created_at": "at",
        "address": "address", "origin": "origin", "user_agent": "user_agent", "request_id": "request_id",
    },
    "hit": {"workspace_id": "workspace_id", "endpoint_id": "endpoint_id", "bucket": "bucket", "at": "at"},
    "attempt": {
        "workspace_id": "workspace_id", "endpoint_id": "endpoint_id", "at": "at", "outcome": "'created'",
        "status": "201", "address": "address", "address_from": "address_from", "note": "note", "preflight": "FALSE",
        "origin": "origin", "user_agent": "user_agent", "field_errors": "''", "request_id": "request_id",
        "lead_id": "id",
    },
    "event": {
        "workspace_id": "workspace_id", "public_id": "event_id", "kind": "'lead.created'", "lead_id": "id", "at": "at",
    },
    "bound_key": {
        "workspace_id": "workspace_id", "endpoint_id": "endpoint_id", "key": "idempotency_key",
        "fingerprint": "fingerprint", "lead_id": "id", "answer": "answer", "at": "at",
    },
}  # fmt: skip

#: Columns of :class:`stagewise.store.records.Attempt`, by position in the document.
ATTEMPT_FIELDS: Final = (
    "workspace_id", "endpoint_id", "at", "outcome", "status", "address", "address_from", "note", "preflight",
    "origin", "user_agent", "field_errors", "request_id",
)  # fmt: skip

INSTALLATION: Final = "SELECT schema_version, oldest_lane, key_fingerprint FROM installation WHERE id = 1"

KEYS: Final = """
SELECT k.key, k.retires_at, e.id, e.workspace_id, e.version, w.types_version
FROM endpoint_key k
JOIN endpoint e ON e.id = k.endpoint_id
JOIN workspace w ON w.id = e.workspace_id
WHERE k.key {among}
"""

ENDPOINT: Final = """
SELECT enabled, allow_all_ips, allowed_ips, allowed_origins, max_leads_per_ip FROM endpoint WHERE id = {one}
"""

TYPES: Final = """
SELECT t.id, t.name, t.name_key,
  (SELECT s.id FROM stage s
   WHERE s.lead_type_id = t.id AND s.archived_at IS NULL ORDER BY s.position, s.id LIMIT 1) AS first_stage
FROM lead_type t
WHERE t.workspace_id = {one} AND t.archived_at IS NULL
ORDER BY t.position, t.id
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

#: Detail rows that an endpoint's hour has, of calls that made no lead.
DETAILED: Final = """
SELECT coalesce(sum(detailed), 0) FROM attempt_counter
WHERE endpoint_id = {one} AND minute >= {one} AND minute < {one} AND outcome <> 'created'
"""

SUMMARY_ROWS: Final = "SELECT outcome, address, origin FROM attempt_summary WHERE endpoint_id = {one} AND hour = {one}"

UNKNOWN_ROWS: Final = "SELECT prefix, address FROM unknown_call WHERE hour = {one}"

#: The time of the N-th newest hit, for a limit that was lowered below what is in the window.
NTH_HIT: Final = """
SELECT at FROM hit WHERE endpoint_id = {one} AND bucket = {one} AND at > {one} ORDER BY at DESC LIMIT 1 OFFSET {one}
"""
