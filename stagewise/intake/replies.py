"""The last stage: an answer is sent. What it says is made in store/answers.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from stagewise.core.refusal import REFUSALS
from stagewise.core.submission import Submission
from stagewise.store.answers import ALWAYS, PROBLEM, Answers, HeaderList
from stagewise.store.records import Decision

__all__ = ["ALWAYS", "HeaderList", "Replies", "Send", "page"]

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Replies:
    """Sends answers; ``base`` is the public URL, for the ``type`` of problems."""

    def __init__(self, base: str) -> None:
        self._answers = Answers(base)

    async def decision(self, send: Send, submission: Submission, decision: Decision) -> None:
        """Answer a call of the endpoint."""
        await _send(send, *self._answers.of(submission, decision))

    async def plain_refusal(self, send: Send, code: str, request_id: str, *, body: bool = True) -> None:
        """Refuse a request that is for no endpoint: an unknown path, or a page asked for in a wrong way."""
        refusal = REFUSALS[code]
        headers = [*PROBLEM, (b"x-request-id", request_id.encode())]
        if code == "method_not_allowed":
            headers.append((b"allow", b"GET, HEAD"))
        if refusal.retry_after is not None:
            headers.append((b"retry-after", b"%d" % refusal.retry_after))
        document = self._answers.document(refusal, refusal.detail, request_id, ())
        await _send(send, refusal.status, headers, document, body=body)


async def _send(send: Send, status: int, headers: HeaderList, content: bytes, *, body: bool = True) -> None:
    if status != 204:
        headers.append((b"content-length", b"%d" % len(content)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content if body else b""})


async def page(send: Send, headers: HeaderList, content: bytes, request_id: str, *, body: bool) -> None:
    """Answer with a file that was made at build time, or a small text."""
    await _send(send, 200, [*headers, *ALWAYS, (b"x-request-id", request_id.encode())], content, body=body)
