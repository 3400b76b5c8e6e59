"""One try over the network, blocking or on an event loop. What goes wrong comes back as a value.

The HTTP library's transports are used without its client: no redirects (a lead is for one address only), no cookies,
and no line in the log that would hold the endpoint's URL.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from stagewise_client import wire
from stagewise_client.errors import ConfigError, ConnectionFailed, UnexpectedAnswer

if TYPE_CHECKING:
    import httpx2

    from stagewise_client.steps import Outcome

#: A try never takes longer than so many times the timeout, which holds for each wait within it.
WHOLE_TRY = 3


class _Messages:
    """Requests and failures, the same for both ways of sending."""

    def __init__(self, endpoint: wire.Endpoint, timeout: float) -> None:
        import httpx2

        self._host, self._timeout = endpoint.host, timeout
        try:
            self._url = httpx2.URL(endpoint.url)
        except httpx2.InvalidURL:
            raise ConfigError("the endpoint's URL has no usable host") from None

    def _request(self, call: wire.Call) -> httpx2.Request:
        import httpx2

        return httpx2.Request(
            "POST",
            self._url,
            headers=call.headers,
            content=call.body,
            extensions={"timeout": httpx2.Timeout(self._timeout).as_dict()},
        )

    def _failed(self, error: Exception) -> ConnectionFailed:
        import httpx2

        unsent = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout | httpx2.ProxyError)
        if isinstance(error, httpx2.TimeoutException | TimeoutError):
            reason = f"no {'connection to' if unsent else 'answer from'} {self._host} in time"
        elif unsent:
            reason = f"no connection to {self._host}: {error}"
        else:
            reason = f"the connection to {self._host} broke off: {error}"
        failed = ConnectionFailed(reason, not unsent)
        failed.__cause__ = error
        return failed


def _too_long(status: int) -> UnexpectedAnswer:
    return UnexpectedAnswer(status, "the answer is too long, or takes too long, for one of Stagewise")


class Blocking(_Messages):
    """For threads; may be shared by them, and survives a fork."""

    def __init__(self, endpoint: wire.Endpoint, timeout: float, transport: httpx2.BaseTransport | None) -> None:
        super().__init__(endpoint, timeout)
        self._given, self._own, self._owner = transport, transport, 0
        self._making = threading.Lock()

    def _transport(self) -> httpx2.BaseTransport:
        if self._given is not None:
            return self._given
        with self._making:
            if self._own is None or self._owner != os.getpid():  # connections must not be shared with a parent
                import httpx2

                self._own, self._owner = httpx2.HTTPTransport(), os.getpid()
            return self._own

    def send(self, call: wire.Call) -> Outcome:
        """Try once."""
        import httpx2

        end = time.monotonic() + WHOLE_TRY * self._timeout
        try:
            response = self._transport().handle_request(self._request(call))
            try:
                assert isinstance(response.stream, httpx2.SyncByteStream)
                body = bytearray()
                for piece in response.stream:
                    body += piece
                    if len(body) > wire.ANSWER_LIMIT or time.monotonic() > end:
                        return _too_long(response.status_code)
            finally:
                response.close()
        except (httpx2.HTTPError, OSError) as error:
            return self._failed(error)
        return wire.read_answer(response.status_code, response.headers, bytes(body))

    def close(self) -> None:
        """Give connections back; a later try opens new ones."""
        with self._making:
            if self._own is not None:
                self._own.close()
            self._own = None


class OnEventLoop(_Messages):
    """For asyncio; each event loop gets connections of its own."""

    def __init__(self, endpoint: wire.Endpoint, timeout: float, transport: httpx2.AsyncBaseTransport | None) -> None:
        super().__init__(endpoint, timeout)
        self._given, self._own = transport, transport
        self._owner: Any = None

    def _transport(self) -> httpx2.AsyncBaseTransport:
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        if self._own is None or self._owner() is not loop:
            import httpx2

            self._own, self._owner = httpx2.AsyncHTTPTransport(), weakref.ref(loop)
        return self._own

    async def send(self, call: wire.Call) -> Outcome:
        """Try once."""
        import httpx2

        try:
            async with asyncio.timeout(WHOLE_TRY * self._timeout):
                response = await self._transport().handle_async_request(self._request(call))
                try:
                    assert isinstance(response.stream, httpx2.AsyncByteStream)
                    body = bytearray()
                    async for piece in response.stream:
                        body += piece
                        if len(body) > wire.ANSWER_LIMIT:
                            return _too_long(response.status_code)
                finally:
                    await response.aclose()
        except (httpx2.HTTPError, OSError) as error:  # TimeoutError is an OSError
            return self._failed(error)
        return wire.read_answer(response.status_code, response.headers, bytes(body))

    async def aclose(self) -> None:
        """Give connections back; a later try opens new ones."""
        if self._own is not None:
            await self._own.aclose()
        self._own = None
