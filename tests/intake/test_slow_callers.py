"""Callers that are slow, idle or endless hold nobody up: they are cut off, and others are answered all the while."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.intake.wire import parse
from tests.support.installation import LEAD, Installation, Server
from tests.support.processes import members

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

#: A caller is given up after so many seconds; the lane should have ended it long before.
PATIENCE_S = 40
#: What the lane may hold more after an attack than before it, in bytes: as many bodies as there are callers, twice.
ROOM = 64 * 1024 * 1024
#: What the answer to a caller was, or how it ended without one.
Ending = int | str
Attack = Callable[[int, str], Awaitable[Ending]]


async def slow_head(port: int, path: str) -> Ending:
    """A head that grows by a byte a second."""
    return await trickle(port, f"POST {path} HTTP/1.1\r\nHost: stagewise.test\r\nX-Slow: ".encode())


async def slow_body(port: int, path: str) -> Ending:
    """A body of 64 KiB that grows by a byte a second."""
    return await trickle(port, head(path, "Content-Length: 65536"))


async def slow_start(port: int, _path: str) -> Ending:
    """A connection on which nothing is ever said."""
    return await trickle(port, b"", often=False)


async def idle(port: int, _path: str) -> Ending:
    """A connection that is kept after its answer, and never used again."""
    return await trickle(port, b"GET /healthz HTTP/1.1\r\nHost: stagewise.test\r\n\r\n", often=False)


async def slow_reader(port: int, _path: str) -> Ending:
    """Fifty large answers are asked for, and read a little at a time."""
    reader, writer = await open_with_small_buffer(port)
    try:
        writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: stagewise.test\r\n\r\n" * 50)
        for _ in range(15):
            await reader.read(100)
            await asyncio.sleep(1)
        return "open"
    finally:
        writer.transport.abort()


async def trickle(port: int, first: bytes, *, often: bool = True) -> Ending:
    """Send the first bytes, then one each second, until the lane ends it; what it had answered by then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = bytearray()
    try:
        writer.write(first)
        for _ in range(PATIENCE_S):
            with contextlib.suppress(TimeoutError):
                chunk = await asyncio.wait_for(reader.read(65_536), 1)
                if not chunk:
                    return last_status(received)
                received += chunk
            if often:
                writer.write(b"a")
    except ConnectionError:
        return last_status(received)
    finally:
        writer.transport.abort()
    return "open"


def last_status(received: bytearray) -> Ending:
    """The status of the last answer, or ``closed``."""
    answers = parse(received, closed=True)
    return answers[-1].status if answers else "closed"


def head(path: str, *more: str) -> bytes:
    """The head of a POST with JSON."""
    lines = [f"POST {path} HTTP/1.1", "Host: stagewise.test", "Content-Type: application/json", *more]
    return "\r\n".join([*lines, "", ""]).encode()


async def open_with_small_buffer(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of which the kernel keeps little that was not read."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
    return await asyncio.open_connection(sock=plain, limit=1024)


def memory(server: Server) -> int:
    """Resident memory of all processes of the lane, in bytes."""
    total = 0
    for pid in members(server.pid):
        with contextlib.suppress(OSError):
            [line] = [x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS:")]
            total += int(line.split()[1]) * 1024
    return total


def attacked(server: Server, attack: Attack, callers: int) -> tuple[Counter[Ending], list[int]]:
    """So many callers of this kind at once: how they ended, and what an ordinary caller was answered meanwhile."""
    path = f"/public/v1/leads/{server.installation.key}"
    endings: list[Ending] = []

    async def all_of_them() -> None:
        endings.extend(await asyncio.gather(*(attack(server.port, path) for _ in range(callers))))

    attackers = threading.Thread(target=asyncio.run, args=[all_of_them()])
    attackers.start()
    ordinary: list[int] = []
    while not ordinary or attackers.is_alive():
        ordinary.append(server.post_lead().status)
        attackers.join(0.1)
    return Counter(endings), ordinary


#: Each kind of caller, and the only way in which the lane may part with it.
KINDS: list[tuple[Attack, Ending]] = [
    (slow_head, "closed"), (slow_body, 408), (slow_start, "closed"), (idle, 200), (slow_reader, "open"),
]  # fmt: skip


#: Each waits ten seconds for its end: two of them stand for all in the short form.
TRIED = [
    *(pytest.param(*kind, 100, marks=pytest.mark.slow, id=f"{kind[0].__name__}-100") for kind in KINDS[:2]),
    *(pytest.param(*kind, 500, marks=pytest.mark.soak, id=f"{kind[0].__name__}-500") for kind in KINDS),
]


@pytest.mark.parametrize(("attack", "ending", "callers"), TRIED)
def test_slow_callers_are_cut_off_and_nobody_waits_for_them(
    shared_installation: Installation, attack: Attack, ending: Ending, callers: int
) -> None:
    assert withstands(shared_installation, attack, callers) == {ending: callers}


@pytest.mark.soak
def test_five_thousand_idle_connections_leave_room_for_others(shared_installation: Installation) -> None:
    assert withstands(shared_installation, idle, 5_000) == {200: 5_000}


class Large(NamedTuple):
    """What is said about a body, how many bytes of it are sent at most, and how the lane may part with its sender."""

    said: str
    at_most: int
    endings: set[Ending]


#: Far more than the kernel keeps on the way, which is a few megabytes.
ENDLESS = 64 * 1024 * 1024
#: Whoever goes on sending may find the connection closed before seeing the answer (RFC 9112, section 9.6).
LARGE = {
    "a byte too many": Large("Content-Length: 65537", 65_537, {413, "closed"}),
    "a mebibyte": Large("Content-Length: 1048576", 1_048_576, {413, "closed"}),
    "a gibibyte": Large("Content-Length: 1073741824", ENDLESS, {413, "closed"}),
    "a gibibyte that asks first": Large("Content-Length: 1073741824\r\nExpect: 100-continue", 0, {413}),
    "chunks without end": Large("Transfer-Encoding: chunked", ENDLESS, {413, "closed"}),
}


@pytest.mark.parametrize("kind", LARGE)
@pytest.mark.parametrize("callers", [20, pytest.param(500, marks=pytest.mark.soak)])
def test_what_is_too_large_is_refused_and_not_read_on(
    shared_installation: Installation, kind: str, callers: int
) -> None:
    large, taken = LARGE[kind], []

    async def attack(port: int, path: str) -> Ending:
        sent, ending = await pour(port, path, large)
        taken.append(sent)
        return ending

    endings = withstands(shared_installation, attack, callers)
    assert set(endings) <= large.endings
    assert max(taken) < ENDLESS


async def pour(port: int, path: str, large: Large) -> tuple[int, Ending]:
    """Send as much of the body as the lane takes: how much that was, in bytes, and how it ended."""
    block = b"4000\r\n" + b"a" * 0x4000 + b"\r\n" if "chunked" in large.said else b"a" * 0x4000
    sent, received = 0, bytearray()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(head(path, large.said))
        while sent < large.at_most and not reader.at_eof():
            writer.write(block[: large.at_most - sent])
            sent += min(len(block), large.at_most - sent)
            await writer.drain()
        while not parse(received) and (chunk := await asyncio.wait_for(reader.read(65_536), PATIENCE_S)):
            received += chunk
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return sent, last_status(received)


def withstands(installation: Installation, attack: Attack, callers: int) -> Counter[Ending]:
    """How the callers ended; the lane must have stored nothing of them, served others, and stayed small."""
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    server = installation.running_intake
    assert server.post_lead().status == 201
    before = memory(server)
    endings, ordinary = attacked(server, attack, callers)
    assert set(ordinary) == {201}, "an ordinary caller was not served"
    assert installation.count("lead") == len(ordinary) + 1, "a lead of an attacker is stored"
    assert memory(server) - before <= ROOM, "the lane has grown"
    return endings


def test_the_check_notices_a_lead_that_an_attacker_stores(shared_installation: Installation) -> None:
    async def stores(port: int, path: str) -> Ending:
        body = json.dumps({**LEAD, "message": "Stored"}).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head(path, f"Content-Length: {len(body)}") + body)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
        return 201

    with pytest.raises(AssertionError, match="an attacker is stored"):
        withstands(shared_installation, stores, 1)
