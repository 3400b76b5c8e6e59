"""Small real servers on loopback: a website, and a double of the endpoint (or of a relay) that answers as told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from stagewise.pages.__main__ import build
from tests.support.double import Call, document, plain, serving
from tests.support.processes import Answer

SOURCES = ("script-src", "connect-src", "form-action")
#: What a website that takes its security seriously sends: no inline code or style, and only Stagewise from afar.
STRICT = "default-src 'none'; " + "; ".join(f"{what} http://127.0.0.1:*" for what in SOURCES)
#: The public files as the build makes them.
BUILT = {f"/{name}": content for name, content in build().items() if name.startswith("form.")}


class _Server(ABC):
    """Listens from its making to :meth:`stop`, and keeps what it is sent."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._running = ExitStack()
        self.url = f"http://127.0.0.1:{self._running.enter_context(serving(self._answer))}"

    def _answer(self, call: Call) -> Answer | None:
        self.calls.append(call)
        return self.respond(call)

    @abstractmethod
    def respond(self, call: Call) -> Answer | None:
        """What this server answers; None: as if the network had broken off."""

    def stop(self) -> None:
        """Stop serving."""
        self._running.close()


class Website(_Server):
    """Serves pages as ``path → HTML``; ``{script}`` in one is the URL of our script, which it serves itself."""

    def __init__(self, pages: Mapping[str, str]) -> None:
        self.pages = pages
        super().__init__()

    def respond(self, call: Call) -> Answer:
        path = call.path.partition("?")[0]
        if path in BUILT:
            return Answer(200, {"content-type": "text/javascript"}, BUILT[path])
        found = self.pages.get(path.strip("/") or "index")
        if found is None:
            return plain(404, "no such page")
        page = f"<!doctype html><html lang=en><title>Website</title>{found}".replace("{script}", f"{self.url}/form.js")
        headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": STRICT}
        return Answer(200, headers, page.encode())


class Double(_Server):
    """Answers posts with what stands in ``answers``, first to last, then with 201; CORS as an open endpoint's."""

    def __init__(self) -> None:
        #: (status, headers, document); None: the connection breaks.
        self.answers: list[tuple[int, dict[str, str], Any] | None] = []
        self.challenge: Any = None
        super().__init__()
        self.endpoint = f"{self.url}/public/v1/leads/{'k' * 32}"

    @property
    def posts(self) -> list[Call]:
        """The leads that came."""
        return [call for call in self.calls if call.method == "POST"]

    def respond(self, call: Call) -> Answer | None:
        cors = {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": "POST, OPTIONS",
            "Access-Control-Allow-Headers": "Content-Type, Accept, Idempotency-Key",
            "Access-Control-Expose-Headers": "Retry-After",
        }
        if call.method == "OPTIONS":
            return Answer(204, cors, b"")
        if call.method == "GET":
            return document(200, self.challenge, cors) if self.challenge else document(404, {}, cors)
        answer = self.answers.pop(0) if self.answers else (201, {}, {"id": "1"})
        if answer is None:
            return None
        status, headers, said = answer
        return document(status, said, cors | headers)


def refused(code: str, status: int, *errors: tuple[str, str, str], **headers: str) -> tuple[int, dict[str, str], Any]:
    """A refusal as the endpoint words it; errors are (field, code, detail), headers as ``retry_after="1"``."""
    listed = [{"field": field, "pointer": f"/{field}", "code": what, "detail": said} for field, what, said in errors]
    problem = {"code": code, "status": status, "detail": f"Refused: {code}.", "errors": listed}
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, problem
