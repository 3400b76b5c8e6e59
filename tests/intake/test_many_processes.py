"""The limit, a saved setting and a key hold over any number of processes and nodes."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.crowd import Post, post_all
from tests.support.installation import Installation, Server

ROUNDS = 5


@pytest.fixture
def installation(shared_installation: Installation) -> Installation:
    """The same for all tests, because so many processes take a while to start."""
    return shared_installation


@pytest.fixture
def ports(installation: Installation) -> list[int]:
    """SQLite: one lane of four processes. PostgreSQL: two nodes of two processes."""
    if not installation.processes:
        if installation.engine == "sqlite":
            installation.intake(workers=4)
        else:
            installation.intake(workers=2)
            installation.processes.append(installation.node("second").intake(workers=2))
    return [server.port for server in installation.processes if isinstance(server, Server)]


def posts(installation: Installation, ports: list[int], count: int, name: str, **headers: str) -> list[Post]:
    return [
        Post(ports[number % len(ports)], installation.key, f"{name}-{number}", dict(headers)) for number in range(count)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("count", [400, pytest.param(2_000, marks=pytest.mark.soak)])
def test_of_many_posts_at_once_exactly_ten_are_created_in_each_of_five_rounds(
    installation: Installation, ports: list[int], count: int
) -> None:
    for number in range(ROUNDS):
        installation.sql("DELETE FROM hit")
        replies = post_all(posts(installation, ports, count, f"round{number}"), connections=64)
        statuses = Counter(reply.status for reply in replies)
        assert statuses == {201: 10, 429: count - 10}
        assert installation.count("lead") == 10 * (number + 1)
        assert installation.count("hit") == 10
        assert all("retry-after" in reply.headers for reply in replies if reply.status == 429)


def test_one_key_sent_a_hundred_times_at_once_makes_one_lead_over_all_processes(
    installation: Installation, ports: list[int]
) -> None:
    same = [post._replace(token="same") for post in posts(installation, ports, 100, "k", **{"Idempotency-Key": "k"})]
    for _ in range(5):  # 409 means: try again in a second; here at once
        replies = post_all(same, connections=50)
        assert {reply.status for reply in replies} <= {201, 409}
        if all(reply.status == 201 for reply in replies):
            break
    assert len({reply.body for reply in replies}) == 1
    assert installation.count("lead") == installation.count("hit") == installation.count("event") == 1


def test_a_saved_setting_holds_for_the_next_call_on_every_process(installation: Installation, ports: list[int]) -> None:
    for number in range(100):
        is_open = number % 2 == 0
        installation.save_rules(allow_all_ips=is_open, allowed_ips=[], max_leads_per_ip=None)
        # A fresh connection each, so that the kernel spreads them over the processes.
        replies = post_all(posts(installation, ports, 4, f"change{number}"), connections=4)
        assert {reply.status for reply in replies} == {201 if is_open else 403}, f"change {number}"
