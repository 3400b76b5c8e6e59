"""A load tool of our own, for machines without wrk: raw sockets, one process, the same figures.

Costs more of the processor than wrk, which the faster endpoints feel: compare figures of one tool only.

    python -m bench.load URL TAG SECONDS CONNECTIONS STATUS HOST ORIGIN
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from array import array
from typing import cast
from urllib.parse import urlsplit

import msgspec
import uvloop

from bench.figures import Load

#: How long the last answers may take after the timed seconds.
DRAIN_SECONDS = 30

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


def template(server: str, path: str, tag: str, host: str, origin: str) -> bytes:
    """A whole request with three places for a number; eight digits each, so that its length is always the same."""
    body = (
        f'{{"name":"Ada {tag} %08d","phone":"+1 (415) 555-2671","email":"ada.{tag}.%08d{host}",'
        f'"message":"Please call me about the offer on your page, lead {tag} %08d. Mornings are best.",'
        f'"lead_type_name":"Sales"}}'
    )
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {server}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body % (0, 0, 0))}\r\n"
    )
    return (head + (f"Origin: {origin}\r\n" if origin else "") + "\r\n" + body).encode()


class Tally:
    """What all connections of a run count together."""

    def __init__(self, request: bytes, seconds: float, wanted: bytes) -> None:
        self.request = request
        self.wanted = wanted
        self.deadline = time.monotonic() + seconds
        self.sent = self.in_time = self.created = self.refused = self.broken = 0
        self.latencies = array("d")

    def load(self) -> Load:
        """The figures; latencies as they were, not corrected."""
        ordered = sorted(self.latencies) or [0.0]
        p50, p99 = (int(ordered[int(len(ordered) * part)] * 1_000_000) for part in (0.5, 0.99))
        return Load(self.sent, self.in_time, self.created, self.refused, self.broken, p50, p99)


class Connection(asyncio.Protocol):
    """Sends one request after another until the deadline; ``done`` when its last answer is there."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.done = asyncio.get_running_loop().create_future()
        self._received = b""
        self._started = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._next(time.monotonic())

    def data_received(self, data: bytes) -> None:
        """Wait for the whole answer, count it, send the next."""
        self._received += data
        head = self._received.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _LENGTH.search(self._received, 0, head + 2)
        if len(self._received) < head + 4 + (int(length[1]) if length else 0):
            return
        tally, now = self.tally, time.monotonic()
        tally.latencies.append(now - self._started)
        if self._received[9:12] == tally.wanted:
            tally.created += 1
            tally.in_time += now < tally.deadline
        else:
            tally.refused += 1
        self._received = b""
        self._next(now)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        """The server hung up before the end."""
        if not self.done.done():
            self.tally.broken += 1
            self.done.set_result(None)

    def _next(self, now: float) -> None:
        tally = self.tally
        assert self._transport is not None
        if now >= tally.deadline:
            self.done.set_result(None)
            self._transport.close()
            return
        tally.sent += 1
        self._started = now
        self._transport.write(tally.request % (tally.sent, tally.sent, tally.sent))


async def run(url: str, tag: str, seconds: float, connections: int, wanted: str, host: str, origin: str) -> Load:
    """Load the URL (http, a numeric loopback address) and await the last answer; ``wanted`` is the status to count."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    loop = asyncio.get_running_loop()
    tally = Tally(template(parts.netloc, parts.path, tag, host, origin), seconds, wanted.encode())
    host_and_port = (parts.hostname, parts.port)
    opened = [await loop.create_connection(lambda: Connection(tally), *host_and_port) for _ in range(connections)]
    await asyncio.wait([connection.done for _, connection in opened], timeout=seconds + DRAIN_SECONDS)
    return tally.load()


if __name__ == "__main__":
    _url, _tag, _seconds, _connections, *_rest = sys.argv[1:]
    print(msgspec.json.encode(uvloop.run(run(_url, _tag, float(_seconds), int(_connections), *_rest))).decode())
