"""The two clients: the same steps, performed by blocking or on an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from stagewise_client import steps, wire
from stagewise_client.errors import ConfigError, SpoolFailed
from stagewise_client.results import Flushed, Result
from stagewise_client.shelf import Shelf
from stagewise_client.spool import Spool
from stagewise_client.transport import Blocking, OnEventLoop

if TYPE_CHECKING:
    import httpx2

log = logging.getLogger("stagewise_client")
T = TypeVar("T")

#: How often a client with a spool looks whether something waits, in seconds.
_EVERY = 10.0


class _Client:
    """What both clients are made of."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float,
        retries: int | None,
        spool: str | os.PathLike[str] | Spool | None,
        background: bool,
        visitor_ip: str | None,
        test: bool | str,
    ) -> None:
        self._endpoint = wire.Endpoint.parse(url)
        self._patience = steps.Patience(timeout, (3 if spool is None else 1) if retries is None else retries)
        self._visitor_ip, self._test = wire.address(visitor_ip), wire.header_of_test(test)
        self._spool = spool if isinstance(spool, Spool) or spool is None else Spool(spool)
        self._shelf = None if self._spool is None else Shelf(self._spool.file, self._endpoint.fingerprint)
        self._background = background and self._shelf is not None
        if self._endpoint.is_readable_on_the_way:
            log.warning("leads travel to %s unencrypted: use https://", self._endpoint.host)
        if self._shelf is not None and (others := self._shelf.waiting_for_others()):
            log.warning("%d leads wait in %s for other URLs; see Spool.readdress", others, self._spool)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._endpoint.host}>"

    @property
    def spool(self) -> Spool | None:
        """The spool, if there is one."""
        return self._spool

    def _call(
        self,
        lead: Mapping[str, str | None],
        attribution: Mapping[str, str] | None,
        captcha_token: str | None,
        gotcha: str | None,
        elapsed_ms: int | None,
        idempotency_key: str | None,
        visitor_ip: str | None,
        test: bool | str | None,
    ) -> wire.Call:
        return wire.Call(
            wire.idempotency_key(idempotency_key),
            wire.fields_of(lead, attribution, captcha_token, gotcha, elapsed_ms),
            self._visitor_ip if visitor_ip is None else wire.address(visitor_ip),
            self._test if test is None else wire.header_of_test(test),
        )

    def _steps_of_flush(self, go_on: Callable[[], bool] = lambda: True) -> steps.Steps[Flushed]:
        if self._shelf is None:
            raise ConfigError("there is nothing to flush without a spool")
        return steps.flush(self._patience, self._shelf, go_on)


class Client(_Client):
    """Sends leads to one endpoint, and waits for the answer. May be shared by threads, and survives a fork.

    ``url``: the endpoint's URL from the console, Integration → Stagewise API. Whoever knows it may be able to send
    leads, so it belongs into the server's configuration, not into code or pages.
    ``timeout``: seconds to wait for the connection, and again for the answer, in each try.
    ``retries``: how many more tries there are when one fails for a reason that may pass. 3; with a spool 1, because a
    visitor is waiting and the lead is safe.
    ``spool``: a file (path or ``Spool``) that keeps leads which cannot be sent now.
    ``background``: whether a thread sends what waits in the spool, looking every ten seconds. Without it, that is for
    ``flush`` to do.
    ``visitor_ip``, ``test``: what ``create_lead`` uses where it is given neither.
    ``transport``: a transport of httpx2's instead of the usual one, for a proxy, a Unix socket, or a test.

    Raises ConfigError when one of them can never work.

    >>> import httpx2
    >>> def server(request):
    ...     return httpx2.Response(202, json={"id": "01a207bd-aa3b-7b54-9c3a-5f0e8d2b7a41", "held": True})
    >>> with Client(
    ...     "https://leads.example.com/public/v1/leads/Zm9yLXRoZS1kb2NzLW9ubHk", transport=httpx2.MockTransport(server)
    ... ) as client:
    ...     client.create_lead("Ada Lovelace", "+44 20 7946 0018", "ada@example.com")
    Held(id='01a207bd-aa3b-7b54-9c3a-5f0e8d2b7a41', replayed=False, request_id='', limit=None)
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        retries: int | None = None,
        spool: str | os.PathLike[str] | Spool | None = None,
        background: bool = True,
        visitor_ip: str | None = None,
        test: bool | str = False,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        super().__init__(
            url, timeout=timeout, retries=retries, spool=spool, background=background, visitor_ip=visitor_ip, test=test
        )
        self._sender = Blocking(self._endpoint, timeout, transport)
        self._flusher: threading.Thread | None = None
        self._flusher_lock = threading.Lock()
        self._closing = threading.Event()
        self._watch_spool()

    def create_lead(  # noqa: PLR0913 - one name for each thing that can be sent
        self,
        name: str,
        phone: str,
        email: str,
        message: str | None = None,
        lead_type_name: str | None = None,
        *,
        attribution: Mapping[str, str] | None = None,
        captcha_token: str | None = None,
        gotcha: str | None = None,
        elapsed_ms: int | None = None,
        idempotency_key: str | None = None,
        visitor_ip: str | None = None,
        test: bool | str | None = None,
    ) -> Result:
        """Send a lead.

        ``name`` to ``lead_type_name``: the fields that docs/api.md describes, as the visitor typed them.
        ``attribution``: where the visitor came from, by the names in docs/api.md (``page_url``, ``utm_source``,
        ``gclid`` …); others are left out, so a page's whole query will do.
        ``captcha_token``: what the CAPTCHA left in the form.
        ``gotcha``: what came in a field that people do not see.
        ``elapsed_ms``: milliseconds from showing the form to sending it.
        ``idempotency_key``: one for each submission, 1 to 255 printable ASCII characters. Without it there is a new
        one for this call and all its tries. Give your own to make a repeat of yours harmless.
        ``visitor_ip``: the visitor's address, without a port. The endpoint's limit then counts the visitor instead of
        this server, if the owner has switched forwarding on.
        ``test``: True for a test lead; ``"held"``, ``"duplicate"`` or a problem code to get just that answer.

        Returns ``Created``; ``Held`` when it looked suspicious to the owner's rules; ``Spooled`` when it waits here.

        Raises ``Refused`` (a subclass for each code, ``stagewise_client.errors``), ``ConnectionFailed`` or
        ``UnexpectedAnswer``, and ``ConfigError`` for an argument that cannot be sent. With a spool, nothing that may
        pass is raised but ``RateLimited``, which is the owner's rule for this visitor.
        """
        lead = {"name": name, "phone": phone, "email": email, "message": message, "lead_type_name": lead_type_name}
        call = self._call(lead, attribution, captcha_token, gotcha, elapsed_ms, idempotency_key, visitor_ip, test)
        try:
            return self._follow(steps.create(call, self._patience, self._shelf))
        finally:
            self._watch_spool()

    def flush(self) -> Flushed:
        """Send what waits in the spool and is due, the oldest first, each lead once.

        What is refused is set aside: ``client.spool.refused()``. Waits go from ten seconds to five minutes while the
        server cannot be reached, or are what it asks for; until then nothing is tried. Several processes may do this
        at once. Raises SpoolFailed when the file cannot be used, ConfigError when there is none.
        """
        return self._follow(self._steps_of_flush())

    def close(self) -> None:
        """Close connections, and end the thread that looks after the spool: at once, or after the try it is at."""
        with self._flusher_lock:
            self._closing.set()
            if self._flusher is None or not self._flusher.is_alive():
                self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        self.close()

    def _follow(self, path: steps.Steps[T]) -> T:
        resume = partial(next, path)
        while True:
            try:
                step = resume()
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return] # StopIteration is not generic
            try:
                resume = partial(path.send, self._perform(step))
            except SpoolFailed as trouble:
                resume = partial(path.throw, trouble)

    def _perform(self, step: steps.Step) -> Any:
        match step:
            case steps.Send():
                return self._sender.send(step.call)
            case steps.Wait():
                return time.sleep(step.seconds)
            case steps.Disk():
                return step.work()

    def _watch_spool(self) -> None:
        if not self._background or self._shelf is None:
            return
        with self._flusher_lock:
            alive = self._flusher is not None and self._flusher.is_alive()  # a forked child has no threads
            if not alive and not self._closing.is_set() and _waiting(self._shelf):
                self._flusher = threading.Thread(target=self._keep_flushing, name="stagewise-spool", daemon=True)
                self._flusher.start()

    def _keep_flushing(self) -> None:
        over = False
        while not over:
            self._closing.wait(_EVERY)
            try:
                self._follow(self._steps_of_flush(lambda: not self._closing.is_set()))
            except SpoolFailed:
                log.exception("what waits in the spool cannot be sent")
            with self._flusher_lock:  # so that nothing is spooled between looking and ending
                over = self._closing.is_set() or self._shelf is None or not _waiting(self._shelf)
                if over:
                    self._flusher = None
                if self._closing.is_set():
                    self._sender.close()


class AsyncClient(_Client):
    """``Client`` for asyncio; arguments, results and errors are the same. The spool's file is used in threads.

    >>> import asyncio, httpx2
    >>> async def main(url):
    ...     async with AsyncClient(url, transport=httpx2.MockTransport(lambda request: httpx2.Response(502))) as client:
    ...         await client.create_lead("Ada Lovelace", "+44 20 7946 0018", "ada@example.com")
    >>> asyncio.run(main("https://leads.example.com/public/v1/leads/short"))
    Traceback (most recent call last):
    stagewise_client.errors.ConfigError: the endpoint's URL must end in /public/v1/leads/ and its key: copy it from ...
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        retries: int | None = None,
        spool: str | os.PathLike[str] | Spool | None = None,
        background: bool = True,
        visitor_ip: str | None = None,
        test: bool | str = False,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(
            url, timeout=timeout, retries=retries, spool=spool, background=background, visitor_ip=visitor_ip, test=test
        )
        self._sender = OnEventLoop(self._endpoint, timeout, transport)
        self._flusher: asyncio.Task[None] | None = None
        self._closed = False

    async def create_lead(  # noqa: PLR0913
        self,
        name: str,
        phone: str,
        email: str,
        message: str | None = None,
        lead_type_name: str | None = None,
        *,
        attribution: Mapping[str, str] | None = None,
        captcha_token: str | None = None,
        gotcha: str | None = None,
        elapsed_ms: int | None = None,
        idempotency_key: str | None = None,
        visitor_ip: str | None = None,
        test: bool | str | None = None,
    ) -> Result:
        """Send a lead; see ``Client.create_lead``. When it is cancelled, a spooled lead is sent later all the same."""
        lead = {"name": name, "phone": phone, "email": email, "message": message, "lead_type_name": lead_type_name}
        call = self._call(lead, attribution, captcha_token, gotcha, elapsed_ms, idempotency_key, visitor_ip, test)
        try:
            return await self._follow(steps.create(call, self._patience, self._shelf))
        finally:
            await self._watch_spool()

    async def flush(self) -> Flushed:
        """Send what waits in the spool and is due; see ``Client.flush``."""
        return await self._follow(self._steps_of_flush())

    async def aclose(self) -> None:
        """Close connections, and end the task that looks after the spool."""
        self._closed = True
        if self._flusher is not None:
            self._flusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flusher
        await self._sender.aclose()

    async def __aenter__(self) -> Self:
        await self._watch_spool()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        await self.aclose()

    async def _follow(self, path: steps.Steps[T]) -> T:
        resume = partial(next, path)
        while True:
            try:
                step = resume()
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return] # StopIteration is not generic
            try:
                resume = partial(path.send, await self._perform(step))
            except SpoolFailed as trouble:
                resume = partial(path.throw, trouble)

    async def _perform(self, step: steps.Step) -> Any:
        match step:
            case steps.Send():
                return await self._sender.send(step.call)
            case steps.Wait():
                return await asyncio.sleep(step.seconds)
            case steps.Disk():
                return await asyncio.to_thread(step.work)

    async def _watch_spool(self) -> None:
        if not self._background or self._closed or self._shelf is None:
            return
        alive = self._flusher is not None and not self._flusher.done()
        if not alive and await asyncio.to_thread(_waiting, self._shelf):
            self._flusher = asyncio.get_running_loop().create_task(self._keep_flushing(), name="stagewise-spool")

    async def _keep_flushing(self) -> None:
        waiting = True
        while waiting:
            await asyncio.sleep(_EVERY)
            try:
                waiting = (await self.flush()).waiting > 0
            except SpoolFailed:
                log.exception("what waits in the spool cannot be sent")


def _waiting(shelf: Shelf) -> bool:
    try:
        return shelf.waiting() > 0
    except SpoolFailed:
        return True  # whoever looks next will say what is wrong
