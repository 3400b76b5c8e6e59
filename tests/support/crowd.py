"""Many callers at once: keep-alive connections that post leads and write down what they were answered."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tests.support.installation import LEAD, Installation

#: No crowd stays longer, in seconds.
LONGEST_S = 120


class Reply(NamedTuple):
    """What one call was answered; status 0 when the connection broke before the answer was whole."""

    token: str
    status: int
    headers: dict[str, str]
    body: bytes


class Post(NamedTuple):
    """One call to make. ``token`` names it in the lead's name, so that it can be found again."""

    port: int
    key: str
    token: str
    headers: dict[str, str]


def post_all(posts: Sequence[Post], connections: int = 64, stop: Callable[[], bool] | None = None) -> list[Reply]:
    """Make these calls over so many connections, each at most once; ``stop`` ends it early, ``LONGEST_S`` surely."""
    end = time.monotonic() + LONGEST_S
    return asyncio.run(_post_all(posts, connections, lambda: time.monotonic() > end or (stop is not None and stop())))


def under_load(posts: Sequence[Post], trouble: Callable[[], None], connections: int = 16) -> list[Reply]:
    """Make these calls while the trouble, in a thread of its own, lasts; what it raises is raised here."""
    done = threading.Event()
    failures: list[BaseException] = []

    def make_trouble() -> None:
        try:
            trouble()
        except BaseException as error:  # noqa: BLE001 - raised again below, in the test's own thread
            failures.append(error)
        finally:
            done.set()

    maker = threading.Thread(target=make_trouble)
    maker.start()
    replies = post_all(posts, connections, stop=done.is_set)
    maker.join()
    if failures:
        raise failures[0]
    return replies


def check_stored(installation: Installation, replies: Sequence[Reply]) -> None:
    """Every acknowledged lead is stored once, with all that belongs to it; nothing is stored that was not sent."""
    stored = Counter(name for (name,) in installation.sql("SELECT name FROM lead"))
    acknowledged = {f"t={reply.token}" for reply in replies if reply.status == 201}
    assert acknowledged <= set(stored), "a lead that was answered with 201 is lost"
    assert set(stored) <= {f"t={reply.token}" for reply in replies}, "a lead is stored that nobody sent"
    assert max(stored.values(), default=0) <= 1, "a key made two leads"
    leads = sum(stored.values())
    assert installation.count("hit") == installation.count("event") == leads
    assert installation.count("attempt", "outcome = 'created'") == leads


async def _post_all(posts: Sequence[Post], connections: int, stop: Callable[[], bool]) -> list[Reply]:
    todo = iter(posts)
    replies: list[Reply] = []
    await asyncio.gather(*(_work(todo, replies, stop) for _ in range(connections)))
    return replies


async def _work(todo: Iterable[Post], replies: list[Reply], stop: Callable[[], bool]) -> None:
    streams: dict[int, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
    try:
        for post in todo:
            if stop():
                return
            while post.port not in streams:
                try:
                    streams[post.port] = await asyncio.open_connection("127.0.0.1", post.port)
                except OSError:  # nobody listens: nothing was sent yet, so this is no call
                    await asyncio.sleep(0.2)
                    if stop():
                        return
            try:
                replies.append(await asyncio.wait_for(_call(*streams[post.port], post), 30))
            except (OSError, EOFError, TimeoutError) as error:
                replies.append(Reply(post.token, 0, {}, repr(error).encode()))
            if replies[-1].status == 0 or replies[-1].headers.get("connection") == "close":
                streams.pop(post.port)[1].close()
    finally:
        for _, writer in streams.values():
            writer.close()


async def _call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, post: Post) -> Reply:
    body = json.dumps({**LEAD, "name": f"t={post.token}"}).encode()
    lines = [
        f"POST /public/v1/leads/{post.key} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json",
        f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in post.headers.items()),
    ]  # fmt: skip
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head.rstrip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    content = await reader.readexactly(int(headers.get("content-length", "0")))
    return Reply(post.token, int(first.split()[1]), headers, content)
