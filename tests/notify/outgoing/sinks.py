"""Receivers on loopback: real servers that write down what they get, and answer byte by byte as a test wants."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import trustme


@dataclass
class Request:
    """What came in. Names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


#: Answers on the connection; True: the connection may be used again.
Reply = Callable[[socket.socket, Request], bool]


def say(status: int = 200, body: bytes = b"", headers: str = "") -> Reply:
    """An ordinary answer, after which the connection stays open."""

    def reply(connection: socket.socket, _request: Request) -> bool:
        head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        connection.sendall(head.encode() + body)
        return True

    return reply


@dataclass
class Sink:
    """A receiver: ``connections`` counts those that were accepted, ``names`` holds what TLS asked for."""

    reply: Reply = field(default_factory=say)
    tls: ssl.SSLContext | None = None
    address: str = "127.0.0.1"
    port: int = 0
    connections: int = 0
    requests: list[Request] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ends = threading.Event()
        self._open: set[socket.socket] = set()
        if self.tls is not None:
            self.tls.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self._listener = socket.create_server((self.address, 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}"

    def close(self) -> None:
        self._ends.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def wait(self, seconds: float) -> bool:
        """Wait, but not longer than the sink lives; True: it is to end."""
        return self._ends.wait(seconds)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # it was shut down
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(30)
        with contextlib.suppress(OSError, ValueError):  # the other end gave up, or does not speak HTTP
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self._open.add(connection)
            with connection.makefile("rb") as stream:
                while not self._ends.is_set() and (request := _read(stream)) is not None:
                    self.requests.append(request)
                    if not self.reply(connection, request):
                        break
        self._open.discard(connection)
        connection.close()


def _read(stream: object) -> Request | None:
    line = stream.readline()  # type: ignore[attr-defined]
    if not line:
        return None
    method, path, _version = line.decode("latin-1").split(" ")
    headers = {}
    while (line := stream.readline().decode("latin-1").rstrip("\r\n")) != "":  # type: ignore[attr-defined]
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))  # type: ignore[attr-defined]
    return Request(method, path, headers, body)


def certified(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """A server's TLS with a certificate for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client's TLS that believes this authority and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context


@contextlib.contextmanager
def running(sink: Sink) -> Iterator[Sink]:
    try:
        yield sink
    finally:
        sink.close()
