"""A double of a CAPTCHA provider's siteverify service, a real server on loopback with the documented answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs

from tests.support.double import Call, document, serving
from tests.support.processes import Answer

_HOST = "www.example.com"


def _respond(call: Call) -> Answer:
    sent = parse_qs(call.body.decode())
    secret, token = sent["secret"][0], sent["response"][0]
    if token == "down":
        return document(500, {})
    if secret != "right":
        return document(200, {"success": False, "error-codes": ["invalid-input-secret"]})
    if token != "good":
        return document(200, {"success": False, "error-codes": ["invalid-input-response"]})
    said = {"success": True, "hostname": _HOST, "challenge_ts": "2026-01-01T12:00:00Z", "error-codes": []}
    return document(200, said)


@contextmanager
def siteverify() -> Iterator[str]:
    """Run the service: the secret ``right`` and the token ``good`` pass, ``down`` is a failure of the service."""
    with serving(_respond) as port:
        yield f"http://127.0.0.1:{port}/siteverify"
