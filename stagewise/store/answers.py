"""A decision as the answer that a caller gets: status, headers, body. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from stagewise.core.fields import FieldError
from stagewise.core.refusal import REFUSALS, Refusal
from stagewise.core.submission import Submission
from stagewise.store.records import Decision

HeaderList = list[tuple[bytes, bytes]]

#: On every answer. ``Vary`` also where there is no CORS: a cache must never hand one origin's answer to another.
ALWAYS: HeaderList = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"vary", b"Origin"),
]
PROBLEM: HeaderList = [(b"content-type", b"application/problem+json"), *ALWAYS]
_CREATED: HeaderList = [(b"content-type", b"application/json"), *ALWAYS]
_EXPOSED = (
    b"access-control-expose-headers",
    b"Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Idempotency-Replayed",
)
_PREFLIGHT: HeaderList = [
    *ALWAYS,
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"Content-Type, Accept, Idempotency-Key"),
    (b"access-control-max-age", b"600"),
]
_ALLOW = (b"allow", b"POST, OPTIONS")
_REPLAYED = (b"idempotency-replayed", b"true")
_ENCODE = msgspec.json.Encoder().encode


class ErrorItem(msgspec.Struct):
    """One wrong field in a problem document. ``pointer`` is a JSON Pointer (RFC 6901)."""

    field: str
    pointer: str
    code: str
    detail: str


class Problem(msgspec.Struct):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: Sequence[ErrorItem]


class Answer(NamedTuple):
    """What is sent, but for the length of the body."""

    status: int
    headers: HeaderList
    body: bytes


class Answers:
    """Makes answers; ``base`` is the public URL, for the ``type`` of problems."""

    def __init__(self, base: str) -> None:
        self._types = {code: f"{base}/docs/errors/{code}" for code in REFUSALS}

    def of(self, submission: Submission, decision: Decision) -> Answer:
        """The answer to a call of the endpoint."""
        headers: HeaderList = [(b"x-request-id", submission.request_id.encode())]
        if decision.allow_origin is not None:
            headers.append((b"access-control-allow-origin", decision.allow_origin.encode("latin-1")))
            headers.append(_EXPOSED)
        figures = decision.figures
        if figures is not None:
            reset = "" if figures.reset is None else f";t={figures.reset}"
            headers.append((b"ratelimit-policy", f'"{figures.policy}";q={figures.quota};w=86400'.encode()))
            headers.append((b"ratelimit", f'"{figures.policy}";r={figures.remaining}{reset}'.encode()))
        if decision.body is not None:
            if decision.outcome == "replayed":
                headers.append(_REPLAYED)
            return Answer(decision.status, _CREATED + headers, decision.body)
        if decision.outcome == "preflight":
            return Answer(204, _PREFLIGHT + headers, b"")
        return self._problem(REFUSALS[decision.outcome], submission, decision, headers)

    def _problem(self, refusal: Refusal, submission: Submission, decision: Decision, headers: HeaderList) -> Answer:
        if refusal.code == "rate_limited" and decision.figures is not None:
            headers.append((b"retry-after", b"%d" % (decision.figures.reset or 1)))
        elif refusal.retry_after is not None:
            headers.append((b"retry-after", b"%d" % refusal.retry_after))
        if refusal.code == "method_not_allowed":
            headers.append(_ALLOW)
        if refusal.code in {"too_large", "timeout"}:  # the rest of the body is still on its way
            headers.append((b"connection", b"close"))
        detail = refusal.detail
        if "{address}" in detail:
            caller = submission.caller
            detail = detail.replace("{address}", caller.address or caller.unreadable or "that could not be read")
        errors = list(map(_item, decision.field_errors))
        body = self.document(refusal, detail, submission.request_id, errors)
        return Answer(refusal.status, PROBLEM + headers, body)

    def document(self, refusal: Refusal, detail: str, request_id: str, errors: Sequence[ErrorItem]) -> bytes:
        """A problem document."""
        return _ENCODE(
            Problem(self._types[refusal.code], refusal.title, refusal.status, detail, refusal.code, request_id, errors)
        )


def _item(error: FieldError) -> ErrorItem:
    return ErrorItem(error.field, f"/{error.field}" if error.field else "", error.code, error.detail)
