"""Nothing that was answered with 201 is lost, whatever is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import Counter

import pytest

from tests.support import postgres
from tests.support.crowd import Post, Reply, check_stored, post_all
from tests.support.installation import LEAD, Installation


@pytest.mark.slow
@pytest.mark.parametrize("kills", [5, pytest.param(20, marks=pytest.mark.soak)])
def test_kill_9_of_the_lane_under_load_loses_nothing_and_doubles_nothing(
    installation: Installation, kills: int
) -> None:
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    servers = [installation.intake()]
    port = servers[0].port
    done = threading.Event()

    def kill_now_and_then() -> None:
        chance = random.Random(7)
        try:
            for _ in range(kills):
                time.sleep(chance.uniform(0.1, 0.4))
                os.killpg(servers[-1].pid, signal.SIGKILL)
                servers.append(installation.intake(port=port))
        finally:
            done.set()

    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    everything = [
        Post(port, installation.key, str(number), {"Idempotency-Key": str(number)}) for number in range(100_000)
    ]
    replies = post_all(everything, connections=16, stop=done.is_set)
    killer.join()
    assert len(servers) == kills + 1
    # Whoever got no answer tries again with the same key, as the contract says.
    unanswered = [post for post, reply in _paired(everything, replies) if reply.status != 201]
    replies += post_all(unanswered, connections=8)
    last = list({reply.token: reply for reply in replies}.values())
    assert [reply for reply in last if reply.status != 201] == []
    assert len(last) > 25 * kills
    check_stored(installation, last)


def _paired(posts: list[Post], replies: list[Reply]) -> list[tuple[Post, Reply]]:
    by_token = {post.token: post for post in posts}
    return [(by_token[reply.token], reply) for reply in replies]


@pytest.mark.slow
def test_a_postgresql_server_that_is_killed_is_503_meanwhile_and_found_again(
    own_postgres: tuple[postgres.Cluster, Installation],
) -> None:
    cluster, installation = own_postgres
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    server = installation.intake()
    replies: list[Reply] = []
    for round_ in range(3):
        done = threading.Event()

        def crash(done: threading.Event = done) -> None:
            time.sleep(0.4)
            cluster.kill()
            time.sleep(0.5)
            cluster.start()
            time.sleep(0.5)
            done.set()

        crasher = threading.Thread(target=crash)
        crasher.start()
        posts = [
            Post(server.port, installation.key, f"{round_}-{number}", {"Idempotency-Key": f"{round_}-{number}"})
            for number in range(100_000)
        ]
        replies += post_all(posts, connections=16, stop=done.is_set)
        crasher.join()
    statuses = Counter(reply.status for reply in replies)
    assert set(statuses) <= {201, 503}
    assert statuses[503] > 0
    assert all("retry-after" in reply.headers for reply in replies if reply.status == 503)
    assert {json.loads(reply.body)["code"] for reply in replies if reply.status == 503} <= {
        "unavailable",
        "outcome_unknown",
    }
    certain = {f"t={r.token}" for r in replies if r.status == 503 and json.loads(r.body)["code"] == "unavailable"}
    check_stored(installation, replies)
    assert not certain & {name for (name,) in installation.sql("SELECT name FROM lead")}
    assert server.post(json.dumps(LEAD).encode()).status == 201


@pytest.mark.slow
def test_a_lane_that_is_told_to_stop_answers_everybody_first(installation: Installation) -> None:
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    server = installation.intake()
    stopping = threading.Timer(0.5, lambda: os.kill(server.pid, signal.SIGTERM))
    stopping.start()
    posts = [Post(server.port, installation.key, str(number), {}) for number in range(100_000)]
    begun = time.monotonic()
    replies = post_all(posts, connections=16, stop=lambda: time.monotonic() - begun > 2)
    server.popen.wait(10)
    check_stored(installation, replies)
    # A call that met a closed door was not taken; none that was taken is without an answer.
    assert sum(reply.status == 201 for reply in replies) == installation.count("lead")
