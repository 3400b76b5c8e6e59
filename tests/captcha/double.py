"""A stand-in for the providers' siteverify services: a real server on this machine with the answers they document."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.support.double import Call, document, serving
from tests.support.processes import Answer

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
    double = SiteVerifyDouble("")

    def respond(call: Call) -> Answer | None:
        double.questions.append({name: values[0] for name, values in parse_qs(call.body.decode()).items()})
        if double.silent:
            over.wait(30)
            return None
        if isinstance(double.answer, bytes):
            return Answer(double.status, {"content-type": "application/json"} | double.headers, double.answer)
        return document(double.status, double.answer, double.headers)

    with serving(respond) as port:
        double.url = f"http://127.0.0.1:{port}/siteverify"
        try:
            yield double
        finally:
            over.set()
