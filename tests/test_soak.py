"""The long form of what the other tests show in short: `make soak` runs it, for minutes."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
import uuid
from collections import Counter
from contextlib import closing

import pytest

from tests.support.crowd import Post, Reply, post_all, under_load
from tests.support.installation import Installation, Server
from tests.support.processes import free_port, members
from tests.support.waiting import eventually

pytestmark = [pytest.mark.soak, pytest.mark.parametrize("engine", ["sqlite"])]


def leads(installation: Installation, server: Server) -> list[Post]:
    """More leads than can be posted, each with a key of its own."""
    names = (str(uuid.uuid4()) for _ in range(100_000))
    return [Post(server.port, installation.key, name, {"Idempotency-Key": name}) for name in names]


def check(installation: Installation, replies: list[Reply]) -> None:
    """What was acknowledged is stored, once, with everything that belongs to it."""
    stored = Counter(name.removeprefix("t=") for (name,) in installation.sql("SELECT name FROM lead"))
    acknowledged = {reply.token for reply in replies if reply.status == 201}
    assert acknowledged <= set(stored)
    assert max(stored.values(), default=0) <= 1
    assert installation.count("hit") == installation.count("event") == sum(stored.values())
    assert installation.sql("PRAGMA integrity_check") == [("ok",)]


def test_a_hundred_kills_of_everything_lose_nothing_and_need_no_help(installation: Installation) -> None:
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    chance = random.Random(1)
    server = installation.serve()
    servers = [server]
    replies: list[Reply] = []

    def kill() -> None:
        for _ in range(10):
            time.sleep(chance.uniform(0.05, 1.0))
            servers[-1].kill_all()
            again = installation.start(*servers[-1].arguments)
            servers.append(again)  # type: ignore[arg-type]
            again.wait_for(server.port)

    for _ in range(10):
        replies += under_load(leads(installation, server), kill)
        check(installation, replies)
        installation.sql("DELETE FROM attempt WHERE outcome <> 'created'")
    assert len(replies) > 1_000


def test_fifty_killed_masters_leave_no_orphan(installation: Installation) -> None:
    for _ in range(50):
        server = installation.intake(workers=2, port=free_port())
        assert server.post_lead().status in {201, 429}
        server.kill()
        end = time.monotonic() + 3
        while members(server.pid):
            assert time.monotonic() < end, "an orphan goes on"
            time.sleep(0.05)


def test_polite_restarts_under_load_break_no_call(installation: Installation) -> None:
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    server = installation.intake()
    servers = [server]

    def restart() -> None:
        for _ in range(30):
            time.sleep(0.5)
            servers[-1].popen.send_signal(signal.SIGTERM)
            assert servers[-1].wait(11) == 0
            servers.append(installation.intake(port=server.port))

    replies = under_load(leads(installation, server), restart)
    broken = Counter(reply.status for reply in replies if reply.status not in {0, 201})
    assert broken == {}
    check(installation, replies)


def test_the_log_that_a_long_reader_let_grow_is_cut_back(installation: Installation) -> None:
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    server = installation.serve()
    log = installation.data_dir / "stagewise.sqlite3-wal"
    grown = 150 * 1024 * 1024
    reader = sqlite3.connect(f"file:{installation.data_dir / 'stagewise.sqlite3'}?mode=ro", uri=True)
    with closing(reader):
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM lead").fetchone() == (0,)
        replies = post_all(leads(installation, server), connections=4, stop=lambda: log.stat().st_size > grown)
        assert log.stat().st_size > grown
        assert {reply.status for reply in replies} == {201}
        assert reader.execute("SELECT count(*) FROM lead").fetchone() == (0,), "the reader let go by itself"
    eventually(lambda: log.stat().st_size <= 64 * 1024 * 1024, 60)
    check(installation, replies)
