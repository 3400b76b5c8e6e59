"""The relay itself, without any framework: a request in, an answer out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stagewise_client import captcha
from stagewise_client.client import Client
from stagewise_client.relay import answers, bodies
from stagewise_client.relay.answers import Refusal, RelayRequest, RelayResponse, refusal
from stagewise_client.relay.config import RelayConfig, from_environment
from stagewise_client.relay.log import note
from stagewise_client.relay.memory import Memory
from stagewise_client.relay.submit import CHALLENGE_S, Desk, Story
from stagewise_client.relay.visitor import VisitorReader
from stagewise_client.results import Result, Spooled

if TYPE_CHECKING:
    from stagewise_client.relay.asgi import AsgiApp

#: So many submissions at once; beyond _WAITING more, visitors are asked to try again.
_THREADS, _WAITING = 32, 500


class Relay:
    """Takes a website's form and passes it on to Stagewise.

    One object for each program; it works in several processes and threads at once, which share its directory. Raises
    ConfigError, in one line, for settings that cannot work and for a directory that cannot be used.
    """

    def __init__(self, config: RelayConfig) -> None:
        self.config = config
        self._reader = VisitorReader(config.trusted_proxies, config.client_ip_header)
        key = config.key()
        self._secret = config.secret()
        self._memory = Memory(config.data_dir / "memory.sqlite3", key)
        self._desk = Desk(config, key, self._memory, config.verifier())
        self._making = threading.Lock()
        self._waiting = 0
        self._client: Client | None = None
        self.start()

    @classmethod
    def from_environment(cls) -> Relay:
        """A relay with the settings in ``STAGEWISE_RELAY_*``."""
        return cls(from_environment(os.environ))

    async def handle(self, request: RelayRequest) -> RelayResponse:
        """The answer to a request. Never raises; blocking work happens in threads of the relay's own."""
        if self._waiting >= _WAITING:
            return self._finish(request, uuid.uuid4().hex, refusal("unavailable"))
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self.respond, request)
        finally:
            self._waiting -= 1

    def respond(self, request: RelayRequest) -> RelayResponse:
        """The answer to a request, for callers without an event loop. Never raises."""
        request_id = uuid.uuid4().hex
        try:
            return self._finish(request, request_id, self._answer(request, request_id))
        except Exception as error:  # whatever it is, the visitor gets an answer and we get a line
            note(logging.ERROR, "failed", request_id=request_id, why=type(error).__name__)
            logging.getLogger(__name__).exception("a request could not be answered")
            return self._finish(request, request_id, refusal("unavailable"))

    def too_slow(self, request: RelayRequest) -> RelayResponse:
        """The answer to a request whose body did not arrive in time."""
        request_id = uuid.uuid4().hex
        note(logging.INFO, "submission", request_id=request_id, outcome="refused", code="timeout")
        return self._finish(request, request_id, refusal("timeout"))

    def start(self) -> None:
        """Begin to send what waits from before; a new relay does it by itself."""
        self._running()

    def close(self) -> None:
        """Stop sending what waits, which stays on the disk. The next request starts everything again."""
        with self._making:
            if self._client is not None:
                self._client.close()
            self._client = None

    def _running(self) -> Client:
        """The client, whose spool keeps and sends what cannot be sent at once."""
        with self._making:
            if self._client is None:
                spool = self.config.data_dir / "spool.sqlite3"
                self._client = Client(self.config.url, timeout=self.config.timeout, retries=1, spool=spool)
            return self._client

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_THREADS, thread_name_prefix="relay")

    @cached_property
    def asgi(self) -> AsgiApp:
        """An ASGI application: ``app.mount("/contact", relay.asgi)`` in Starlette and FastAPI."""
        from stagewise_client.relay.asgi import AsgiApp

        return AsgiApp(self)

    def flask(self, app: Any, prefix: str) -> None:
        """Add the relay to a Flask application: ``relay.flask(app, "/contact")``."""
        from stagewise_client.relay.wsgi import add_to_flask

        add_to_flask(self, app, prefix)

    @cached_property
    def django_view(self) -> Callable[..., Any]:
        """A Django view: ``re_path("^contact/(.*)$", relay.django_view)``."""
        from stagewise_client.relay.wsgi import django_view

        return django_view(self)

    def _answer(self, request: RelayRequest, request_id: str) -> RelayResponse | Refusal:
        match request.path.strip("/"), request.method:
            case "", "OPTIONS":
                return RelayResponse(204, (("Access-Control-Max-Age", "600"),)) if self._allowed(request) else _BLOCKED
            case "", "POST":
                return self._submission(request, request_id)
            case "challenge", "GET" if self.config.captcha == "altcha":
                return self._challenge() if self._allowed(request) else _BLOCKED
            case "form.js", "GET" | "HEAD" if (content := _script()) is not None:
                return answers.script(content)
            case "health", "GET" | "HEAD":
                return self._health()
            case ("", _) | ("health", _):
                return refusal("method_not_allowed")
        return refusal("not_found")

    def _challenge(self) -> RelayResponse:
        return answers.plain_json(200, captcha.altcha_challenge(self._secret, expires_s=CHALLENGE_S))

    def _health(self) -> RelayResponse:
        try:
            self._memory.check()
        except sqlite3.Error as error:
            note(logging.ERROR, "unhealthy", why=str(error))
            return answers.plain_json(503, {"status": "the relay's directory cannot be written"})
        return answers.plain_json(200, {"status": "ok"})

    def _submission(self, request: RelayRequest, request_id: str) -> RelayResponse | Refusal:
        story, began = Story(), time.monotonic()
        found = self._take(request, story)
        if isinstance(found, Refusal):
            story.add(outcome="refused", code=found.code)
            answer: RelayResponse | Refusal = found
        else:
            test = request.header("stagewise-test") == "1"
            answer = answers.sent(202 if isinstance(found, Spooled) else 201, request_id, test=test)
        ms = round((time.monotonic() - began) * 1000)
        note(story.level, "submission", request_id=request_id, **story.details, ms=ms)
        return answer

    def _take(self, request: RelayRequest, story: Story) -> Result | Refusal:
        if not self._allowed(request):
            # Log what to set: a website that has been forgotten is refused, and somebody will wonder why.
            story.level = logging.WARNING
            story.add(why=f"origin {request.header('origin')[:200]!r} is not among STAGEWISE_RELAY_ORIGINS")
            return _BLOCKED
        if request.header("stagewise-test") not in {"", "1"}:
            story.add(why="a Stagewise-Test other than 1")
            return refusal("invalid_request")
        try:
            sent = bodies.read(request.header("content-type"), request.body)
        except bodies.Unreadable as problem:
            story.add(why=str(problem))
            return refusal(problem.code)
        visitor = self._reader.read(request.peer, request.headers)
        if visitor.address is None:
            story.blame_us(f"{visitor.problem} (see STAGEWISE_RELAY_TRUSTED_PROXIES)")
            return refusal("unavailable")
        story.add(visitor=visitor.address)
        try:
            return self._desk.take(request, sent, (visitor.address, visitor.bucket), self._running(), story)
        except sqlite3.Error as error:
            story.blame_us(f"the relay's directory cannot be used: {error}")
            return refusal("unavailable")

    def _allowed(self, request: RelayRequest) -> bool:
        """Whether the page may send: it names no origin, an allowed one, or the host that this request came to."""
        origin = request.header("origin")
        if not origin or origin in self.config.origins:
            return True
        host = request.header("host")
        return bool(host) and origin.partition("://")[2] == host

    def _finish(self, request: RelayRequest, request_id: str, answer: RelayResponse | Refusal) -> RelayResponse:
        """The answer in the form that the visitor's browser can use, with the headers that every answer has."""
        if isinstance(answer, Refusal):
            answer = self._refused(request, request_id, answer)
        elif answer.status in {201, 202} and _wants_page(request):
            answer = self._thanks(request)
        headers = [*answer.headers, ("X-Request-Id", request_id), ("Vary", "Origin, Accept")]
        if (origin := request.header("origin")) and self._allowed(request):
            headers += [
                ("Access-Control-Allow-Origin", origin),
                ("Access-Control-Allow-Methods", "POST, OPTIONS"),
                ("Access-Control-Allow-Headers", "Content-Type, Accept, Idempotency-Key"),
                ("Access-Control-Expose-Headers", "Retry-After, X-Request-Id"),
            ]
        if answer.status == 405:
            headers.append(("Allow", "GET, HEAD" if request.path.strip("/") else "POST, OPTIONS"))
        body = b"" if request.method == "HEAD" else answer.body
        return replace(answer, headers=tuple(headers), body=body)

    def _refused(self, request: RelayRequest, request_id: str, why: Refusal) -> RelayResponse:
        if not _wants_page(request):
            return answers.problem(why, request_id)
        if why.code != "origin_not_allowed" and (url := _chosen(request, "_failure", self.config.failure_urls)):
            return answers.redirect(url, why)
        return answers.page(why.status, "Not sent yet", why.detail, why)

    def _thanks(self, request: RelayRequest) -> RelayResponse:
        if url := _chosen(request, "_success", self.config.success_urls):
            return answers.redirect(url)
        return answers.page(200, "Thank you", "Your message has arrived.")


_BLOCKED = refusal("origin_not_allowed")


def _wants_page(request: RelayRequest) -> bool:
    """Whether a browser has sent the form by itself, and shows whatever comes back."""
    return request.method == "POST" and "text/html" in request.header("accept")


def _chosen(request: RelayRequest, name: str, configured: tuple[str, ...]) -> str:
    """The page that the form asks for, if it is among the configured ones; else the first of them."""
    asked = ""
    if len(configured) > 1:
        with contextlib.suppress(bodies.Unreadable):
            asked = bodies.text(bodies.read(request.header("content-type"), request.body), name)
    return asked if asked in configured else next(iter(configured), "")


def _script() -> bytes | None:
    """The form's script: part of the wheel, and in a source tree the server's own file."""
    places = [Path(str(resources.files("stagewise_client.relay"))) / "form.js"]
    if (server := find_spec("stagewise")) is not None and server.origin:
        places.append(Path(server.origin).parent / "forms" / "form.js")
    return next((place.read_bytes() for place in places if place.is_file()), None)
