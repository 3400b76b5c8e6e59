"""A client that sends leads over many connections and writes a journal of what it sent and was answered."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

from proof.journal import Answered, Journal, Sent, now_ms

#: An answer that takes longer counts as none, in seconds.
PATIENCE_S = 15
_PHONE = "+44 20 7946 0958"


class Target(NamedTuple):
    """Where to post, on 127.0.0.1; several ports are used in turns."""

    ports: tuple[int, ...]
    endpoint: str


def leads(prefix: str, *, keyed: bool = True) -> Iterator[Sent]:
    """Leads without end, each under its own Idempotency-Key if ``keyed``."""
    for number in itertools.count():
        yield lead(f"{prefix}{number}", keyed=keyed)


def lead(token: str, *, keyed: bool = True) -> Sent:
    """One lead."""
    key = f"key-{token}" if keyed else None
    return Sent(token, key, f"t={token}", _PHONE, f"t.{token}@example.com", f"It is about t={token}", now_ms())


async def send(
    target: Target, journal: Journal, todo: Iterator[Sent], connections: int, stop: Callable[[], bool],
    again_s: float | None = None,
) -> None:  # fmt: skip
    """Send leads until ``stop`` says so or there are no more; each is noted before and after.

    With ``again_s`` a lead that was not created is sent again after so many seconds, under its key, until it is.
    """
    ports = itertools.cycle(target.ports)
    await asyncio.gather(*(_work(target, next(ports), journal, todo, stop, again_s) for _ in range(connections)))


async def _work(
    target: Target, port: int, journal: Journal, todo: Iterator[Sent], stop: Callable[[], bool], again_s: float | None
) -> None:
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    each: Sent | None = None
    try:
        while not stop():
            if streams is None:
                try:
                    streams = await asyncio.open_connection("127.0.0.1", port)
                except OSError:  # nobody listens: nothing was sent, so there is nothing to note
                    await asyncio.sleep(0.05)
                    continue
            each = each or next(todo, None)
            if each is None:
                return
            journal.note(each)
            answer = await _ask(streams, target, each)
            journal.note(answer)
            if answer.status == 0:
                streams[1].close()
                streams = None
            if again_s is None or answer.status == 201:
                each = None
            else:
                await asyncio.sleep(again_s)
    finally:
        if streams is not None:
            streams[1].close()


async def _ask(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], target: Target, each: Sent) -> Answered:
    reader, writer = streams
    try:
        writer.write(request(target, each))
        head, content = await asyncio.wait_for(_answer(reader), PATIENCE_S)
    except (OSError, EOFError, TimeoutError, ValueError):
        return Answered(each.token, 0, now_ms())
    body = json.loads(content) if content else {}
    return Answered(
        each.token, int(head.split(" ", 2)[1]), now_ms(), body.get("id"), body.get("code"),
        "\r\nretry-after:" in head.lower(),
    )  # fmt: skip


def request(target: Target, each: Sent) -> bytes:
    """The whole request."""
    fields = {"name": each.name, "phone": each.phone, "email": each.email, "message": each.message}
    body = json.dumps(fields).encode()
    key = f"Idempotency-Key: {each.key}\r\n" if each.key else ""
    head = (
        f"POST /public/v1/leads/{target.endpoint} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/json\r\n{key}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _answer(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = head.lower().partition("\r\ncontent-length:")[2].partition("\r\n")[0]
    return head, await reader.readexactly(int(length or 0))
