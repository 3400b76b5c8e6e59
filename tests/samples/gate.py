"""Stands between a sample and the real intake: writes down what was sent, and breaks what the network can break."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.double import Call, forward, serving
from tests.support.processes import Answer


class Gate:
    """Forwards everything to the intake on that port of the loopback, and answers what it answered.

    ``trouble`` is what happens to the next calls, one each: ``busy`` answers 503 without asking, ``lost`` passes the
    call on and closes the connection instead of answering. After the last one all goes well.
    """

    def __init__(self, intake_port: int, path: str) -> None:
        self.path = path
        self.url = ""
        self.port = 0
        self.calls: list[Call] = []
        self.answers: list[Answer] = []
        self.trouble: list[str] = []
        self._intake_port = intake_port

    def respond(self, call: Call) -> Answer | None:
        """What becomes of one call."""
        self.calls.append(call)
        trouble = self.trouble.pop(0) if self.trouble else ""
        if trouble == "busy":
            return Answer(503, {"retry-after": "0", "content-type": "application/problem+json"}, b"{}")
        self.answers.append(forward(call, self._intake_port))
        return None if trouble == "lost" else self.answers[-1]

    def forget(self) -> None:
        """As if nothing had happened yet."""
        self.calls.clear()
        self.answers.clear()
        self.trouble.clear()


@contextmanager
def open_gate(intake_port: int, path: str) -> Iterator[Gate]:
    """A gate that is closed again at the end."""
    gate = Gate(intake_port, path)
    with serving(gate.respond) as port:
        gate.port, gate.url = port, f"http://127.0.0.1:{port}{path}"
        yield gate
