"""A stand-in for Stagewise's endpoint: a real server on this machine that answers as docs/api.md says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.double import Call, document, serving
from tests.support.processes import Answer

KEY = "dGhpc0lzTm9SZWFsS2V5QXRBbGw"


@dataclass(frozen=True)
class Sent:
    """One call of the endpoint; header names in lower case."""

    headers: Mapping[str, str]
    fields: Mapping[str, Any]


@dataclass
class Endpoint:
    """Creates every lead, until ``refuse`` or ``answer`` is set."""

    url: str
    calls: list[Sent] = field(default_factory=list)
    #: status, document, more headers; None: the lead is created
    answer: tuple[int, dict[str, Any], dict[str, str]] | None = None

    def refuse(self, status: int, code: str, headers: dict[str, str] | None = None, **more: Any) -> None:
        """Answer with a problem document from now on."""
        detail = f"Our words about {code}, with an address: 192.0.2.99."
        document = {"type": f"{self.url}/docs", "status": status, "code": code, "title": code, "detail": detail}
        self.answer = (status, document | {"request_id": "req-1", "errors": []} | more, headers or {})


@contextmanager
def running() -> Iterator[Endpoint]:
    """An endpoint that listens while the block runs."""
    endpoint = Endpoint("")

    def respond(call: Call) -> Answer:
        endpoint.calls.append(Sent(call.headers, call.json()))
        status, said, headers = endpoint.answer or (201, _created(call.json()), {})
        kind = "application/json" if status < 400 else "application/problem+json"
        return document(status, said, {"content-type": kind, "x-request-id": "req-1", **headers})

    with serving(respond) as port:
        endpoint.url = f"http://127.0.0.1:{port}/public/v1/leads/{KEY}"
        yield endpoint


def _created(sent: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": "0190a6f0-0000-7000-8000-000000000001",
        "name": sent["name"],
        "phone": sent["phone"],
        "phone_e164": None,
        "email": sent["email"],
        "message": sent.get("message"),
        "lead_type": {"name": "General"},
        "test": False,
        "created_at": "2026-01-01T12:00:00.123Z",
    }
