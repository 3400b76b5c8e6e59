"""The one HTTP client for calls that the server makes to addresses which people typed.

A name is looked up once for a connection; every address that it has is checked (outbound_addresses.py), and the
connection is made to a checked one. So nothing is left to change its mind between check and connection (DNS
rebinding). TLS goes on speaking of the name. Proxies named in the environment are not used, redirects are not
followed, and a call has one deadline for all of it, however slowly the other side speaks.

httpcore2 is what httpx2 sends with. It is used without httpx2, which would add what must not happen here: proxies from
the environment, redirects, cookies.
"""

from __future__ import annotations

import functools
import queue
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpcore2
from django.conf import settings

from stagewise.notify import outbound_urls
from stagewise.notify.outbound_addresses import Guard
from stagewise.notify.outbound_urls import Target, UrlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

#: How long a page waits for a name to be looked up when a URL is saved.
_CHECK_S = 3.0
#: Of the addresses of a name so many are tried, each for so long at most.
_MOST_TRIED, _CONNECT_S = 4, 5.0
#: Idle connections are kept for less time than servers keep theirs (Node: 5 s), and are a help in a burst only.
_KEEP_S, _KEEP_MOST = 3.0, 64

#: What a call can end in. The deadline itself is a TimeoutError.
_BROKEN = (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, TimeoutError)

#: Names of inside networks (RFC 6761, RFC 6762, RFC 8375, and ICANN's ``internal``), with or without such a host.
_INSIDE_NAMES: Final = ("localhost", "local", "internal", "localdomain", "lan", "home.arpa", "svc", "intranet", "corp")

_ONLY_ENCRYPTED = "The URL must begin with https://: leads travel encrypted through the internet."


class OutboundError(Exception):
    """A call that came to nothing; the message is one sentence that may be shown and holds no part of path or query."""


@dataclass(frozen=True)
class Answer:
    """What the other side said. Header names are in lower case; ``body_cut`` is the beginning of the body."""

    status: int
    headers: dict[str, str]
    body_cut: bytes
    took_ms: int


class _Trip(threading.local):
    """The call that this thread is making; a connection asks it for the time that is left."""

    deadline: float = 0.0
    #: Whether it goes unencrypted.
    plain: bool = False
    #: Whether a connection was made for it, rather than an idle one used.
    connected: bool = False

    def left(self, most: float | None = None) -> float:
        """Seconds until the deadline, ``most`` of them; raises ``TimeoutError`` when none is left."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left if most is None else min(left, most)


def _getaddrinfo(name: str, port: int) -> list[tuple[str, int]]:
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [(str(address[0]), int(address[1])) for *_, address in found]


class Outbound:
    """Calls what may be called. Used by many threads at once; :meth:`close` ends the idle connections.

    ``allow`` names addresses and CIDR blocks inside the network that may be called, too. ``resolve`` looks a name up,
    (name, port) → addresses with their ports, or raises ``OSError``; ``tls`` says whose certificates count: by default
    both are the machine's.
    """

    def __init__(
        self,
        allow: Sequence[str] = (),
        *,
        resolve: Callable[[str, int], Sequence[tuple[str, int]]] = _getaddrinfo,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = Guard(allow)
        self._resolve = resolve
        self._trip = _Trip()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls or httpcore2.default_ssl_context(),
            max_connections=None,
            max_keepalive_connections=_KEEP_MOST,
            keepalive_expiry=_KEEP_S,
            network_backend=_GuardedNetwork(self._trip, self._addresses),
        )

    def check(self, url: str) -> str | None:
        """Why the URL cannot be saved, in words for the person who typed it; None: it can.

        A name that cannot be looked up just now is no reason: a test event says more than a name server that is down.
        """
        self._trip.deadline = time.monotonic() + _CHECK_S
        try:
            target = outbound_urls.read(url)
            self._trip.plain = target.scheme == "http"
            self._addresses(target.host, target.port)
        except UrlError as error:
            return str(error)
        except _NotFound:
            if _is_inside_name(target.host):
                return "This is a name of an inside network, and it cannot be found from here."
            return _ONLY_ENCRYPTED if target.scheme == "http" else None
        except OutboundError as error:
            return str(error)
        return None

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        timeout_s: float = 15.0,
        answer_bytes: int = 65_536,
    ) -> Answer:
        """Make one call; raises :class:`OutboundError` where no answer came within ``timeout_s`` seconds.

        Any status is an answer, a redirect as well: it is not followed. Of the body at most ``answer_bytes`` are read,
        and no more than comes in time.
        """
        try:
            target = outbound_urls.read(url)
        except UrlError as error:
            raise OutboundError(str(error)) from None
        begun = time.perf_counter()
        self._trip.deadline = time.monotonic() + timeout_s
        self._trip.plain = target.scheme == "http"
        sent = functools.partial(self._send, method, target, _headers(target, headers or {}, body), body, answer_bytes)
        try:
            try:
                status, found, beginning = sent()
            except (httpcore2.NetworkError, httpcore2.RemoteProtocolError):
                # An idle connection that the other side was just closing says nothing about the receiver.
                if self._trip.connected:
                    raise
                status, found, beginning = sent()
        except _BROKEN as error:
            raise OutboundError(_in_words(error, target, timeout_s)) from None
        return Answer(status, found, beginning, round((time.perf_counter() - begun) * 1_000))

    def _send(
        self, method: str, target: Target, headers: list[tuple[bytes, bytes]], body: bytes, answer_bytes: int
    ) -> tuple[int, dict[str, str], bytes]:
        self._trip.connected = False
        url = httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        with self._pool.stream(method, url, headers=headers, content=body) as response:
            found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return response.status, found, _beginning(response, answer_bytes)

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    def _addresses(self, host: str, port: int) -> Sequence[tuple[str, int]]:
        """The checked addresses of a host; raises :class:`OutboundError` if a single one may not be called."""
        found = [(host, port)] if _is_address(host) else self._look_up(host, port)
        for address, _port in found:
            if words := self._guard.objection(address):
                raise OutboundError(words)
        if self._trip.plain and not all(self._guard.names(address) for address, _port in found):
            raise OutboundError(_ONLY_ENCRYPTED)
        return found

    def _look_up(self, name: str, port: int) -> Sequence[tuple[str, int]]:
        """Ask in a thread of its own, for the system's resolver knows no deadline."""
        answers: queue.SimpleQueue[Sequence[tuple[str, int]] | Exception] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._resolve(name, port))
            except (OSError, UnicodeError) as error:
                answers.put(error)

        threading.Thread(target=ask, name="look up", daemon=True).start()
        try:
            answer = answers.get(timeout=self._trip.left())
        except (queue.Empty, TimeoutError):
            raise _NotFound(f"The name {name} could not be looked up in time.") from None
        if isinstance(answer, Exception) or not answer:
            raise _NotFound(f"The name {name} was not found.")
        return list(dict.fromkeys(answer))


class _NotFound(OutboundError):
    """The name has no address, as far as could be found out."""


class _GuardedNetwork(httpcore2.NetworkBackend):
    """Connects to checked addresses only, and within the deadline of the call that asks for the connection."""

    def __init__(self, trip: _Trip, addresses: Callable[[str, int], Sequence[tuple[str, int]]]) -> None:
        self._trip = trip
        self._addresses = addresses
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Look the host up, check all that was found, and connect to the first address that answers."""
        self._trip.connected = True
        failed: Exception | None = None
        for address, at in self._addresses(host, port)[:_MOST_TRIED]:
            try:
                timeout = self._trip.left(_CONNECT_S)
                found = self._plain.connect_tcp(address, at, timeout, local_address, socket_options)
                return _TimedStream(found, self._trip)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = failed or error
        assert failed is not None
        raise failed


class _TimedStream(httpcore2.NetworkStream):
    """A connection whose every step ends with the call's deadline."""

    def __init__(self, inner: httpcore2.NetworkStream, trip: _Trip) -> None:
        self._inner = inner
        self._trip = trip

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._trip.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces: each is given the time that is left.
        for start in range(0, len(buffer), 65_536):
            self._inner.write(buffer[start : start + 65_536], self._trip.left(timeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            left = self._trip.left(timeout)
        except TimeoutError:
            self.close()
            raise
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, left), self._trip)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def shared() -> Outbound:
    """The client of this process, with what ``STAGEWISE_OUTBOUND_ALLOW`` allows."""
    return _with(tuple(settings.OUTBOUND_ALLOW))


@functools.lru_cache(4)
def _with(allow: tuple[str, ...]) -> Outbound:
    return Outbound(allow)


def _headers(target: Target, given: Mapping[str, str], body: bytes) -> list[tuple[bytes, bytes]]:
    usual = {"Host": target.authority, "User-Agent": "Stagewise", "Accept": "*/*", "Accept-Encoding": "identity"}
    headers = {**usual, **given, "Content-Length": str(len(body))}
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]


def _beginning(response: httpcore2.Response, most: int) -> bytes:
    """The beginning of the body. Once the status is known, a body that breaks off or is late changes nothing."""
    read = bytearray()
    try:
        for chunk in response.iter_stream():
            read += chunk
            if len(read) > most:
                break
    except _BROKEN:
        pass
    return bytes(read[:most])


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _is_inside_name(name: str) -> bool:
    return "." not in name or any(name == inside or name.endswith(f".{inside}") for inside in _INSIDE_NAMES)


def _in_words(error: Exception, target: Target, timeout_s: float) -> str:
    """What went wrong, in one sentence. Path and query may be a secret and are not told."""
    cause = error.__cause__ or error.__context__ or error
    where = target.authority
    match cause:
        case ssl.SSLCertVerificationError():
            return f"The certificate of {where} was not accepted: {cause.verify_message}."
        case ssl.SSLError():
            return f"No encrypted connection to {where} came about."
        case ConnectionRefusedError():
            return f"{where} refused the connection."
    if isinstance(error, (TimeoutError, httpcore2.TimeoutException)):
        return f"{where} did not answer within {timeout_s:g} seconds."
    if isinstance(error, httpcore2.ConnectError):
        return f"{where} could not be reached."
    if isinstance(error, (httpcore2.NetworkError, httpcore2.RemoteProtocolError)):
        return f"{where} broke the connection off, or answered something that is not HTTP."
    return f"{where} could not be called ({type(error).__name__})."
