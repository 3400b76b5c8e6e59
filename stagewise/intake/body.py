"""Stage two: the body, read under a cap that is ours; the server in front has none. core/json_body.py decodes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from stagewise.core.json_body import BODY_BYTES, DEPTH, Unreadable, decode, decode_carefully

__all__ = ["BODY_BYTES", "DEPTH", "Receive", "Unreadable", "decode", "decode_carefully", "read_rest", "whole"]

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


def whole(event: MutableMapping[str, Any]) -> bytes | None:
    """The body, if this first event holds all of it, as it does nearly always; None: read the rest."""
    if event["type"] != "http.request" or event.get("more_body", False):
        return None
    body: bytes = event.get("body", b"")
    return body if len(body) <= BODY_BYTES else None


async def read_rest(first: MutableMapping[str, Any], receive: Receive) -> bytes:
    """Read the body to its end, ``first`` being the first event. Raises :class:`Unreadable`.

    A broken body arrives as ``http.disconnect``: it is never complete, whatever came before.
    """
    chunks, size, event = [], 0, first
    while True:
        if event["type"] != "http.request":
            raise Unreadable("invalid_request")
        chunk: bytes = event.get("body", b"")
        size += len(chunk)
        if size > BODY_BYTES:
            raise Unreadable("too_large")
        chunks.append(chunk)
        if not event.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        event = await receive()
