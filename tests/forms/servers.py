"""Small real servers on loopback: a website, and a double of the endpoint (or of a relay) that answers as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from stagewise.pages.__main__ import build

SOURCES = ("script-src", "connect-src", "form-action")
#: What a website that takes its security seriously sends: no inline code or style, and only Stagewise from afar.
STRICT = "default-src 'none'; " + "; ".join(f"{what} http://127.0.0.1:*" for what in SOURCES)
#: The public files as the build makes them.
BUILT = {f"/{name}": content for name, content in build().items() if name.startswith("form.")}


class Call(NamedTuple):
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class _Server:
    def __init__(self) -> None:
        self.calls: list[Call] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                call = Call(self.command, self.path, headers, body)
                outer.calls.append(call)
                found = outer.respond(call)
                if found is None:
                    self.close_connection = True  # as if the network had broken off
                    return
                status, extra, content = found
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_OPTIONS = answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep the test's output clean."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def respond(self, call: Call) -> tuple[int, Mapping[str, str], bytes] | None:
        raise NotImplementedError

    def stop(self) -> None:
        """Stop serving."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class Website(_Server):
    """Serves pages as ``path → HTML``; ``{script}`` in one is the URL of our script, which it serves itself."""

    def __init__(self, pages: Mapping[str, str]) -> None:
        self.pages = pages
        super().__init__()

    def respond(self, call: Call) -> tuple[int, Mapping[str, str], bytes] | None:
        path = call.path.partition("?")[0]
        if path in BUILT:
            return 200, {"Content-Type": "text/javascript"}, BUILT[path]
        found = self.pages.get(path.strip("/") or "index")
        if found is None:
            return 404, {"Content-Type": "text/plain"}, b"no such page"
        page = f"<!doctype html><html lang=en><title>Website</title>{found}".replace("{script}", f"{self.url}/form.js")
        return 200, {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": STRICT}, page.encode()


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

    def respond(self, call: Call) -> tuple[int, Mapping[str, str], bytes] | None:
        cors = {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": "POST, OPTIONS",
            "Access-Control-Allow-Headers": "Content-Type, Accept, Idempotency-Key",
            "Access-Control-Expose-Headers": "Retry-After",
        }
        if call.method == "OPTIONS":
            return 204, cors, b""
        status: int
        extra: dict[str, str]
        document: Any
        if call.method == "GET":
            status, extra, document = (200, {}, self.challenge) if self.challenge else (404, {}, {})
        else:
            answer = self.answers.pop(0) if self.answers else (201, {}, {"id": "1"})
            if answer is None:
                return None
            status, extra, document = answer
        return status, {**cors, "Content-Type": "application/json", **extra}, json.dumps(document).encode()


def refused(code: str, status: int, *errors: tuple[str, str, str], **headers: str) -> tuple[int, dict[str, str], Any]:
    """A refusal as the endpoint words it; errors are (field, code, detail), headers as ``retry_after="1"``."""
    listed = [{"field": field, "pointer": f"/{field}", "code": what, "detail": said} for field, what, said in errors]
    document = {"code": code, "status": status, "detail": f"Refused: {code}.", "errors": listed}
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, document
