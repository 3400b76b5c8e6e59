"""The do-nothing endpoint: reads the body, decodes the same JSON, echoes it. What the server itself costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

Message = MutableMapping[str, Any]


class Lead(msgspec.Struct):
    """The five fields of the public endpoint, decoded without any rule beyond their JSON type."""

    name: str
    phone: str
    email: str
    message: str | None = None
    lead_type_name: str | None = None


_decode = msgspec.json.Decoder(Lead).decode
_encode = msgspec.json.Encoder().encode


async def app(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Plain ASGI: answer 201 with the decoded lead."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        body += event["body"]
        if not event.get("more_body"):
            break
    answer = _encode(_decode(body))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
