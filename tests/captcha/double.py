"""A stand-in for the providers' siteverify services: a real server on this machine with the answers they document."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

SECRET = "the-secret-key"


@dataclass
class SiteVerifyDouble:
    """Answers with ``answer`` (an object, or bytes as they are) and remembers what it was sent."""

    url: str
    answer: dict[str, Any] | bytes = field(default_factory=lambda: {"success": True})
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    #: Accept the connection and say nothing until the test is over.
    silent: bool = False
    questions: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def running() -> Iterator[SiteVerifyDouble]:
    """A double that listens while the block runs."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            double.questions.append({name: values[0] for name, values in parse_qs(body).items()})
            if double.silent:
                over.wait(30)
                return
            answer = double.answer if isinstance(double.answer, bytes) else json.dumps(double.answer).encode()
            self.send_response(double.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            for name, value in double.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the class gives it
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    double = SiteVerifyDouble(f"http://127.0.0.1:{server.server_port}/siteverify")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield double
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()
