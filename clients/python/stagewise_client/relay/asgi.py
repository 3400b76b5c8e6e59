"""The relay as a plain ASGI application, alone or mounted in Starlette and FastAPI (ASGI 3, HTTP and lifespan)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from stagewise_client.relay.answers import RelayRequest
from stagewise_client.relay.bodies import BODY_LIMIT

if TYPE_CHECKING:
    from stagewise_client.relay.core import Relay

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

#: A body that is not complete after so many seconds is refused.
BODY_TIMEOUT_S = 10.0


class _Gone(Exception):
    """Whoever sent the request is not there any more."""


class AsgiApp:
    """Hands requests to a relay."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection as ASGI describes it; anything but HTTP and lifespan is refused."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await _body(receive)
        except TimeoutError:
            body = None
        except _Gone:
            return
        client = scope.get("client")
        request = RelayRequest(
            method=scope["method"],
            path=_below(scope),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
            body=body or b"",
            peer=client[0] if client else None,
        )
        answer = self._relay.too_slow(request) if body is None else await self._relay.handle(request)
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._relay.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await asyncio.to_thread(self._relay.close)
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _body(receive: Receive) -> bytes:
    """The body; of one that is too long, enough to see that. Raises _Gone."""
    body = b""
    while len(body) <= BODY_LIMIT:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return body


def _below(scope: Message) -> str:
    """The path behind the place where the application is mounted."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(root) else path
