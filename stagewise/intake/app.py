"""The lane: a plain ASGI application that takes leads.

:meth:`Intake.receive_lead` is the path of a lead through this process, written out once from top to bottom. Nothing is
decided about the endpoint here; that is the ledger's, inside the transaction that stores the lead.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from stagewise import log
from stagewise.calls import Calls
from stagewise.core.addresses import CallerReader
from stagewise.core.ids import request_id
from stagewise.core.submission import Submission
from stagewise.intake.body import BODY_BYTES, Receive, Unreadable, read_rest, whole
from stagewise.intake.caller import Head, caller_of, read_head
from stagewise.intake.deadlines import Deadlines
from stagewise.intake.public import PublicFiles
from stagewise.intake.replies import Replies, Send
from stagewise.options import content, testing
from stagewise.options.canary import Canaries
from stagewise.store.ledger import Ledger
from stagewise.store.records import Decision

PREFIX = "/public/v1/leads/"
#: What a key can look like; anything else exists nowhere and is not looked up.
_KEY = re.compile(r"[A-Za-z0-9_-]{22,64}")
_log = log.Log("stagewise.intake")

Scope = Mapping[str, Any]


class Routes(Protocol):
    """Answers some of the paths that are no endpoint's."""

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer, or return false: the path is for somebody else."""


class Intake:
    """The application. ``start`` and ``stop`` belong to the server's lifespan."""

    def __init__(
        self, ledger: Ledger, reader: CallerReader, replies: Replies, files: PublicFiles, canaries: Canaries
    ) -> None:
        self.ledger = ledger
        self.calls = Calls()
        #: Answers what is for visitors, such as the endpoint's own page (stagewise/forms).
        self.forms: Routes | None = None
        self._reader = reader
        self._replies = replies
        self._files = files
        self._canaries = canaries
        self.deadlines = Deadlines()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route a request by its path alone."""
        path: str = scope["path"]
        key = path[len(PREFIX) :]
        if path.startswith(PREFIX) and key and "/" not in key:
            await self.receive_lead(scope, key, receive, send)
        elif self.forms is None or not await self.forms.answer(scope, receive, send):
            await self._files.answer(self, scope, send, self._replies)

    async def receive_lead(self, scope: Scope, key: str, receive: Receive, send: Send, *, hosted: bool = False) -> None:
        """The path of a lead: head, body, fields, ledger, answer. ``hosted``: it is posted from a page of ours."""
        begun, headers = time.monotonic(), scope["headers"]
        caller = caller_of(self._reader, scope.get("client"), headers)
        if _KEY.fullmatch(key) is None:
            key = "".join(filter(str.isprintable, key[:6]))
        head = read_head(scope["method"], key, len(scope["path"]) + len(scope["query_string"]), headers, caller)
        submission = head.submission
        if hosted:  # everybody may post there, but only callers whom the owner lets in may test
            submission.hosted, submission.test = True, None
        if head.canary is not None and self._canaries.is_ours(head.canary, key):
            submission.caller, submission.test = msgspec.structs.replace(caller, vouched=True), testing.ORDINARY
        decision = await self.decide(submission, begun, self._take_content(head, receive))
        await self._replies.decision(send, submission, decision)

    async def decide(self, submission: Submission, begun: float, filled: Awaitable[Decision | None]) -> Decision:
        """The ledger's decision, noted with how long it took; ``filled`` fills the submission first, or decides."""
        try:
            decision = await filled
            if decision is None:
                decision = await self.ledger.decide(submission)
        except Exception:  # noqa: BLE001 - whatever it is, the caller learns only that nothing was stored
            _log.exception("unexpected error", request_id=submission.request_id)
            decision = Decision("unavailable")
        self.ledger.answered(self.calls.note(submission, decision, begun))
        return decision

    async def broken(self, send: Send) -> None:
        """Answer a request that broke off before its own answer had begun; after that there is nothing to say.

        The ledger may have stored its lead by then, so nobody is told that nothing was stored.
        """
        with contextlib.suppress(Exception):
            await self._replies.plain_refusal(send, "outcome_unknown", request_id())

    async def _take_content(self, head: Head, receive: Receive) -> Decision | None:
        """Fill the submission from the body; a decision here is one that need not wait for the body."""
        submission = head.submission
        if submission.early_error is not None or submission.preflight:
            return None
        if head.media_error is not None:
            submission.content_error = head.media_error
        elif head.content_length is not None and head.content_length > BODY_BYTES:
            submission.content_error = "too_large"
        else:
            try:
                body = await self.deadlines.keep(self._body(submission, head.content_length, receive))
                if isinstance(body, Decision):
                    return body
                content.read(submission, body)
            except Unreadable as error:
                content.refuse(submission, error)
        return None

    async def _body(self, submission: Submission, content_length: int | None, receive: Receive) -> bytes | Decision:
        """Read the body; ask the ledger about the caller before waiting for more than one event."""
        first = await receive()
        body = whole(first)
        if body is not None:
            return body
        if _is_unfinished(first, content_length):
            submission.awaits_body = True
            decision = await self.ledger.decide(submission)
            submission.awaits_body = False
            if decision.outcome != "admitted":
                return decision
        return await read_rest(first, receive)


def _is_unfinished(event: Mapping[str, Any], content_length: int | None) -> bool:
    """Whether more of the body is to be waited for; an empty last event of a body that is all there is not."""
    if event["type"] != "http.request" or not event.get("more_body", False):
        return False
    return content_length is None or len(event.get("body", b"")) < content_length


class Server:
    """The ASGI entry: the application with its lifespan, made inside the worker process."""

    def __init__(self, make: Callable[[], Awaitable[Intake]]) -> None:
        self._make = make
        self._intake: Intake | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer HTTP requests, and the server's lifespan events."""
        if scope["type"] == "http":
            assert self._intake is not None
            try:
                await self._intake(scope, receive, send)
            except Exception:  # noqa: BLE001 - logged, and answered if that can still be
                # The server in front would answer a bare 500, or has begun an answer that cannot be taken back.
                _log.exception("a request broke off")
                await self._intake.broken(send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            event = await receive()
            if event["type"] == "lifespan.startup":
                try:
                    self._intake = await self._make()
                except Exception as error:  # noqa: BLE001 - whatever it is, the server must not go on
                    _log.exception("the lane could not start")
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            elif event["type"] == "lifespan.shutdown":
                if self._intake is not None:
                    await self._intake.ledger.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return
