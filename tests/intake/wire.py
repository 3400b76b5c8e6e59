"""HTTP/1.1 byte by byte: sends exactly what a test says, and reads whatever comes back.

HTTP libraries repair or refuse what these tests must send, and cannot see two answers, or none, on one connection.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import time
from collections.abc import Iterable
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """One response. Header names are in lower case, in the order in which they came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the header's only value, None where it is absent; it must not come twice."""
        values = [value for known, value in self.headers if known == name]
        assert len(values) <= 1, (name, values)
        return values[0] if values else None

    def json(self) -> Any:
        """Return the body, decoded."""
        return json.loads(self.body)


def post(
    path: str, body: bytes, content_type: str | None = "application/json", headers: Iterable[tuple[str, str]] = ()
) -> bytes:
    """Return the bytes of a POST; header values go out in UTF-8, as they are."""
    lines = [f"POST {path} HTTP/1.1", "Host: stagewise.test", f"Content-Length: {len(body)}"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def exchange(
    port: int, sent: bytes, answers: int = 1, *, half_close: bool = False, timeout: float = 20
) -> list[Answer]:
    """Send the bytes over one connection; return the answers, at most as many as waited for.

    Fewer come back when the server closes the connection before. Reads while it writes, since a server may answer and
    close before all is sent. An answer with a status of 100 to 199 counts as one.
    """
    received = bytearray()
    deadline = time.monotonic() + timeout
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setblocking(False)
        while True:
            found = parse(received)
            if len(found) >= answers:
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{len(found)} of {answers} answers after {timeout} s: {bytes(received[:200])!r}")
            readable, writable, _ = select.select([connection], [connection] if sent else [], [], left)
            if writable:
                sent = _send(connection, sent, half_close)
            if readable and not _receive(connection, received):
                return parse(received, closed=True)


def _send(connection: socket.socket, sent: bytes, half_close: bool) -> bytes:
    try:
        rest = sent[connection.send(sent[:65_536]) :]
        if not rest and half_close:
            connection.shutdown(socket.SHUT_WR)
    except OSError:
        return b""  # it does not listen any more; what it said can still be read
    return rest


def _receive(connection: socket.socket, received: bytearray) -> bool:
    with contextlib.suppress(BlockingIOError, ConnectionError):
        chunk = connection.recv(65_536)
        received += chunk
        return bool(chunk)
    return False


def parse(received: bytes | bytearray, *, closed: bool = False) -> list[Answer]:
    """Return the complete answers in the bytes; the last one may end with the connection."""
    found = []
    rest = bytes(received)
    while b"\r\n\r\n" in rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status = first.split(" ")[:2]
        assert version in {"HTTP/1.1", "HTTP/1.0"}, first
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        answer = Answer(int(status), headers, b"")
        assert answer.header("transfer-encoding") is None, "every answer has a known length"
        length = answer.header("content-length")
        size = len(rest) if length is None and closed else int(length or 0)
        if len(rest) < size:
            break
        found.append(answer._replace(body=rest[:size]))
        rest = rest[size:]
    return found
