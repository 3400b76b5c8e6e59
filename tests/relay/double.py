"""A stand-in for Stagewise's endpoint: a real server on this machine that answers as docs/api.md says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "dGhpc0lzTm9SZWFsS2V5QXRBbGw"


@dataclass(frozen=True)
class Sent:
    """One call of the endpoint."""

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

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            endpoint.calls.append(Sent(dict(self.headers.items()), sent))
            status, document, headers = endpoint.answer or (201, _created(sent), {})
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Request-Id", "req-1")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the class gives it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    endpoint = Endpoint(f"http://127.0.0.1:{server.server_port}/public/v1/leads/{KEY}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


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
