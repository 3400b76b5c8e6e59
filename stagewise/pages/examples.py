"""One example of every answer, for the error pages and for the OpenAPI document alike."""

from __future__ import annotations

import json

from stagewise.core import fields
from stagewise.core.refusal import REFUSALS

#: Where the examples pretend to be reached (RFC 2606 keeps the name free).
BASE = "https://leads.example.com"
ADDRESS = "203.0.113.7"

REQUEST = {
    "name": "Ada Lovelace",
    "phone": "+44 20 7946 0018",
    "email": "ada@example.com",
    "message": "Please call me about the engine.",
    "lead_type_name": "Sales",
}
CREATED = {
    "id": "01a207bd-aa3b-7b54-9c3a-5f0e8d2b7a41",
    "name": "Ada Lovelace",
    "phone": "+44 20 7946 0018",
    "phone_e164": "+442079460018",
    "email": "ada@example.com",
    "message": "Please call me about the engine.",
    "lead_type": {"name": "Sales"},
    "test": False,
    "created_at": "2026-11-23T09:30:00.123Z",
}
#: The answer to a lead that is held.
HELD = {
    "id": "01a207bd-aa3b-7b54-9c3a-5f0e8d2b7a41",
    "held": True,
    "request_id": "6f1c7b0e4a5d4c1f9b3e2d8a7c605f41",
}

#: Bodies that show the two codes which list fields; what is said of them is asked of the rules themselves.
_BAD_BODIES: dict[str, dict[str, object]] = {
    "missing_fields": {"name": "Ada Lovelace", "email": "ada@example"},
    "invalid_fields": {"name": "Ada Lovelace", "phone": "12", "email": "ada@example"},
}


def problem(code: str) -> dict[str, object]:
    """The body of the answer to a refused call, as the endpoint would give it (RFC 9457)."""
    refusal = REFUSALS[code]
    return {
        "type": f"{BASE}/docs/errors/{code}",
        "title": refusal.title,
        "status": refusal.status,
        "detail": refusal.detail.replace("{address}", ADDRESS),
        "code": code,
        "request_id": "6f1c7b0e4a5d4c1f9b3e2d8a7c605f41",
        "errors": _errors(code),
    }


def as_text(value: object) -> str:
    """An example as people read it: JSON, indented, characters beyond ASCII as they are."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _errors(code: str) -> list[dict[str, str]]:
    if code == "unknown_lead_type":
        return [_error("lead_type_name", code, REFUSALS[code].detail)]
    if code == "captcha_failed":
        return [_error("captcha_token", code, "The CAPTCHA was not solved.")]
    if code not in _BAD_BODIES:
        return []
    found = fields.check(_BAD_BODIES[code])
    assert isinstance(found, list), f"the example body of {code} has no error any more"
    return [_error(error.field, error.code, error.detail) for error in found]


def _error(field: str, code: str, detail: str) -> dict[str, str]:
    return {"field": field, "pointer": f"/{field}", "code": code, "detail": detail}
