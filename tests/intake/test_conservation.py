"""Nothing goes missing in the figures: every call is counted once, under the outcome that it was answered."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.intake.wire import Answer, parse, post
from tests.support.installation import LEAD, Installation
from tests.support.waiting import eventually

OURS = "https://ours.example"
CONNECTIONS = 32
#: What a call that is cut off before its body has ended is put down as: nobody is there to be answered.
CUT_OFF = "invalid_request"

#: The bytes of a call, and whether its caller leaves before the answer.
Call = tuple[bytes, bool]


def calls(key: str, count: int, chance: random.Random) -> Iterator[Call]:
    """Calls of all sorts in a random order: taken, repeated, refused for each reason, cut off."""
    path = f"/public/v1/leads/{key}"

    def lead(**fields: str) -> bytes:
        return json.dumps({**LEAD, "message": str(chance.random()), **fields}).encode()

    replayed = post(path, lead(), headers=[("Idempotency-Key", "one")])
    makers: list[Callable[[], Call]] = [
        lambda: (post(path, lead()), False),
        lambda: (post(path, lead(), headers=[("Origin", OURS)]), False),
        lambda: (post(path, lead(message="the same again")), False),
        lambda: (replayed, False),
        lambda: (post(path, lead(), headers=[("Idempotency-Key", "two")]), False),
        lambda: (post(path, lead(), headers=[("Stagewise-Test", "1")]), False),
        lambda: (post(path, lead(phone="")), False),
        lambda: (post(path, lead(email="nobody")), False),
        lambda: (post(path, lead(lead_type_name="None of ours")), False),
        lambda: (post(path, b"{"), False),
        lambda: (post(path, lead(), content_type="text/plain"), False),
        lambda: (post(path, b" " * 70_000), False),
        lambda: (post(path, lead(), headers=[("Origin", "https://others.example")]), False),
        lambda: (post(path, lead(), headers=[("X-Forwarded-For", "192.0.2.7")]), False),
        lambda: (post(path, lead()).replace(b"POST", b"GET", 1), False),
        lambda: (preflight(path, "https://others.example"), False),
        lambda: (post(f"/public/v1/leads/{'x' * 32}", lead()), False),
        lambda: (post(path, lead())[:-5], True),
    ]
    for _ in range(count):
        yield chance.choice(makers)()


def preflight(path: str, origin: str) -> bytes:
    """Ask for leave to post from there."""
    head = f"OPTIONS {path} HTTP/1.1\r\nHost: x\r\nOrigin: {origin}\r\nAccess-Control-Request-Method: POST\r\n\r\n"
    return head.encode()


async def outcomes(port: int, made: Iterator[Call]) -> Counter[str]:
    """Make these calls, each over a connection of its own; how often each outcome was answered."""
    found: Counter[str] = Counter()

    async def work() -> None:
        for sent, leaves in made:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            if leaves:
                await writer.drain()
                await asyncio.sleep(0.01)
                found[CUT_OFF] += 1
            else:
                received = b""
                while not (answers := parse(received)):
                    received += await asyncio.wait_for(reader.read(65_536), 20)
                found[outcome_of(answers[0], is_test=b"Stagewise-Test" in sent)] += 1
            writer.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return found


def outcome_of(answer: Answer, *, is_test: bool) -> str:
    """As the counters name it, read from the answer; refused test calls are counted apart, whatever the reason."""
    content = answer.json()
    if answer.status >= 400:
        return "test" if is_test else str(content["code"])
    if content.get("test"):
        return "test_created"
    if content.get("duplicate"):
        return "duplicate"
    return "replayed" if answer.header("idempotency-replayed") else "created"


@pytest.mark.slow
@pytest.mark.parametrize("count", [1_500, pytest.param(60_000, marks=pytest.mark.soak)])
def test_every_call_is_counted_once_under_what_it_was_answered(installation: Installation, count: int) -> None:
    installation.save_rules(
        allow_all_ips=False, allowed_ips=["127.0.0.1"], allowed_origins=[OURS], max_leads_per_ip=100
    )
    server = installation.intake(workers=2, trusted_proxies="127.0.0.1")
    # The caller is who speaks; only the call that names somebody else is from an address that is not on the list.
    answered = asyncio.run(outcomes(server.port, calls(installation.key, count, random.Random(7))))
    unknown = answered.pop("not_found")

    def counted() -> Counter[str]:
        rows = installation.sql("SELECT outcome, CAST(sum(count) AS bigint) FROM attempt_counter GROUP BY outcome")
        return Counter(dict(rows))

    eventually(lambda: counted().total() >= answered.total())
    assert counted() == answered
    assert answered.total() + unknown == count
    assert {
        "created",
        "replayed",
        "duplicate",
        "test",
        "idempotency_mismatch",
        "rate_limited",
        "ip_not_allowed",
    } <= set(answered)
    assert installation.sql("SELECT CAST(sum(count) AS bigint) FROM unknown_call") == [(unknown,)]
    in_detail, in_sums = (
        installation.sql(f"SELECT CAST(coalesce(sum({what}), 0) AS bigint) FROM {table}")[0][0]
        for what, table in (("1", "attempt"), ("count", "attempt_summary"))
    )
    assert in_detail + in_sums == answered.total(), "a call has no row in the journal, or two"
    assert in_detail >= min(1_000, answered.total())
    for table in ("lead", "hit", "event"):
        where = "test = false" if table == "lead" else "1 = 1"
        assert installation.count(table, where) == answered["created"], table
