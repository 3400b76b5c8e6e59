"""A double of a CAPTCHA provider's siteverify service, a real server on loopback with the documented answers."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

_HOST = "www.example.com"


def _answer(secret: str, token: str) -> tuple[int, dict[str, object]]:
    if token == "down":
        return 500, {}
    if secret != "right":
        return 200, {"success": False, "error-codes": ["invalid-input-secret"]}
    if token != "good":
        return 200, {"success": False, "error-codes": ["invalid-input-response"]}
    return 200, {"success": True, "hostname": _HOST, "challenge_ts": "2026-01-01T12:00:00Z", "error-codes": []}


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        status, document = _answer(sent["secret"][0], sent["response"][0])
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def siteverify() -> Iterator[str]:
    """Run the service: the secret ``right`` and the token ``good`` pass, ``down`` is a failure of the service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/siteverify"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
