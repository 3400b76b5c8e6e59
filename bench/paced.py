"""A load of so many leads a second, whatever the server does; times count from when each lead was due.

A tool that waits for an answer before it sends the next request sends fewer while the server is slow, and so hides the
slowness. Here each lead has its moment; one that finds no free connection waits, and its waiting counts.

    python -m bench.paced URL TAG SECONDS CONNECTIONS RATE
"""

from __future__ import annotations

import asyncio
import sys
import time
from array import array
from collections import deque
from typing import cast
from urllib.parse import urlsplit

import msgspec
import uvloop

from bench.figures import Load
from bench.load import DRAIN_SECONDS, template

_STEP_S = 0.0005


class Pace:
    """Sends what is due over the connections that are free."""

    def __init__(self, request: bytes, seconds: float, rate: float) -> None:
        self.request, self.rate, self.count = request, rate, int(seconds * rate)
        self.begun = time.monotonic()
        self.sent = self.created = self.refused = self.broken = 0
        self.latencies = array("d")
        self.free: deque[Connection] = deque()
        self.done = asyncio.get_running_loop().create_future()

    def step(self) -> None:
        """Send what is due by now; called again and again until everything is sent."""
        due = min(self.count, int((time.monotonic() - self.begun) * self.rate) + 1)
        while self.sent < due and self.free:
            self.free.popleft().send(self.begun + self.sent / self.rate, self.request % ((self.sent,) * 3))
            self.sent += 1
        if self.sent < self.count:
            asyncio.get_running_loop().call_later(_STEP_S, self.step)

    def answered(self, due: float, created: bool) -> None:
        """Count one answer; the last one ends the run."""
        self.latencies.append(time.monotonic() - due)
        self.created += created
        self.refused += not created
        if self.created + self.refused + self.broken == self.count and not self.done.done():
            self.done.set_result(None)

    def load(self) -> Load:
        """The figures."""
        ordered = sorted(self.latencies) or [0.0]
        p50, p99 = (int(ordered[int(len(ordered) * part)] * 1_000_000) for part in (0.5, 0.99))
        return Load(self.sent, self.created, self.created, self.refused, self.broken, p50, p99)


class Connection(asyncio.Protocol):
    """One request at a time; answers are short and come whole, or in two pieces."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._due = 0.0
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait to be used."""
        self._transport = cast("asyncio.Transport", transport)
        self._pace.free.append(self)

    def send(self, due: float, request: bytes) -> None:
        """Send a request that was due at that moment."""
        assert self._transport is not None
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Count the answer when its body, a JSON object, has ended."""
        self._received += data
        if self._received.endswith(b"}"):
            created = self._received[9:12] == b"201"
            self._received = b""
            self._pace.answered(self._due, created)
            self._pace.free.append(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        """An idle connection was closed, or a request broke off."""
        if self in self._pace.free:
            self._pace.free.remove(self)
        elif not self._pace.done.done():
            self._pace.broken += 1


async def run(url: str, tag: str, seconds: float, connections: int, rate: float) -> Load:
    """Load the URL (http, a numeric loopback address) and await the last answer."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    loop = asyncio.get_running_loop()
    pace = Pace(template(parts.netloc, parts.path, tag, "@example.com", ""), seconds, rate)
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(pace), parts.hostname, parts.port)
    pace.begun = time.monotonic()
    pace.step()
    await asyncio.wait([pace.done], timeout=seconds + DRAIN_SECONDS)
    return pace.load()


if __name__ == "__main__":
    _url, _tag, _seconds, _connections, _rate = sys.argv[1:]
    _found = uvloop.run(run(_url, _tag, float(_seconds), int(_connections), float(_rate)))
    print(msgspec.json.encode(_found).decode())
