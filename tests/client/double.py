"""A server that answers as the test says: Stagewise's answers from docs/api.md, or what no Stagewise would say."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

KEY = "Zm9yLXRoZS10ZXN0cy1vbmx5"
PATH = f"/public/v1/leads/{KEY}"

CREATED: dict[str, Any] = {
    "id": "01a207bd-aa3b-7b54-9c3a-5f0e8d2b7a41",
    "name": "Ada Lovelace",
    "phone": "+44 20 7946 0018",
    "phone_e164": "+442079460018",
    "email": "ada@example.com",
    "message": None,
    "lead_type": {"name": "Sales"},
    "test": False,
    "created_at": "2026-11-23T09:30:00.123Z",
}
HELD = {"id": "01a207bd-aa3b-7b54-9c3a-5f0e8d2b7a42", "held": True, "request_id": "f00"}


class Request(NamedTuple):
    """What arrived; header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Answer(NamedTuple):
    """What is sent back."""

    status: int
    body: bytes
    headers: dict[str, str] = {}


#: Instead of an answer: close the connection, say nothing, break off in the middle of the body.
DROP, SILENCE, CUT = "drop", "silence", "cut"
Script = Answer | str


def created(headers: dict[str, str] | None = None, **changed: Any) -> Answer:
    return Answer(201, json.dumps({**CREATED, **changed}).encode(), {"X-Request-Id": "f00", **(headers or {})})


def held(headers: dict[str, str] | None = None) -> Answer:
    return Answer(202, json.dumps(HELD).encode(), headers or {})


def problem(status: int, code: str, headers: dict[str, str] | None = None, **changed: Any) -> Answer:
    document = {
        "type": f"https://leads.example.com/docs/errors/{code}",
        "title": "A title",
        "status": status,
        "detail": "A sentence.",
        "code": code,
        "request_id": "f00",
        "errors": [],
        **changed,
    }
    return Answer(
        status, json.dumps(document).encode(), {"Content-Type": "application/problem+json", **(headers or {})}
    )


class Double:
    """Answers one call after the other from ``script``; the last answer is repeated."""

    def __init__(self) -> None:
        self.script: list[Script] = [created()]
        self.requests: list[Request] = []
        self.on_arrival: Callable[[], None] = lambda: None
        self._lock = threading.Condition()
        self._over = threading.Event()
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = double.take(Request(self.path, headers, self.rfile.read(length)))
                double.answer(self, answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}{PATH}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, request: Request) -> Script:
        self.on_arrival()
        with self._lock:
            self.requests.append(request)
            self._lock.notify_all()
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def answer(self, handler: BaseHTTPRequestHandler, answer: Script) -> None:
        handler.close_connection = True
        if answer == SILENCE:
            self._over.wait(30)
        elif answer == DROP:
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif answer == CUT:
            handler.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{")
        elif isinstance(answer, Answer):
            handler.close_connection = False
            handler.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(answer.body)

    def wait_for(self, calls: int) -> None:
        """Wait until so many have come."""
        with self._lock:
            assert self._lock.wait_for(lambda: len(self.requests) >= calls, timeout=20)

    @property
    def keys(self) -> list[str]:
        """The Idempotency-Keys that came, in order."""
        return [request.headers["idempotency-key"] for request in self.requests]

    @property
    def names(self) -> list[str]:
        """The names of the leads that came, in order."""
        return [request.json()["name"] for request in self.requests]

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
