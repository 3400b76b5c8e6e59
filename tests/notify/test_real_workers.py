"""Workers as they run, webhooks as they are sent, and a receiver in a process of its own."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stagewise.notify.delivering import LEASE_S
from tests.support.double import Call, plain, serving
from tests.support.flood import add_leads
from tests.support.installation import Installation
from tests.support.processes import Process
from tests.support.receiver import Receiver, receiving

LOOPBACK = "127.0.0.0/8"


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving(tmp_path / "got") as running:
        yield running


def add_webhook(installation: Installation, url: str, name: str = "Sink") -> dict[str, str]:
    done = installation.stagewise("channel", "add", "webhook", name, url, "--json", outbound_allow=LOOPBACK)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def wait_until(reached: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def settled(installation: Installation) -> bool:
    return not installation.count("event", "dispatched_at IS NULL") and not installation.count(
        "delivery", "state = 'waiting'"
    )


def test_a_lead_that_is_posted_arrives_at_the_webhook_signed(installation: Installation) -> None:
    calls: list[Call] = []

    def take(call: Call) -> object:
        calls.append(call)
        return plain(204)

    with serving(take) as port:  # type: ignore[arg-type]
        added = add_webhook(installation, f"http://127.0.0.1:{port}/hook")
        assert added["secret"].startswith("whsec_")
        answered = installation.serve(outbound_allow=LOOPBACK).post_lead(name="Grace").json()
        wait_until(lambda: bool(calls), 15)
        wait_until(lambda: settled(installation), 15)
    assert len(calls) == 1
    told = json.loads(calls[0].body)
    assert told["data"] == {**answered, "stage": "New", "endpoint": "My website", "owner": None, "tags": []}
    assert told["id"] == calls[0].headers["webhook-id"]
    assert installation.sql("SELECT status, problem FROM delivery_try") == [(204, "")]

    from standardwebhooks import Webhook

    assert Webhook(added["secret"]).verify(calls[0].body.decode(), calls[0].headers)["type"] == "lead.created"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgres", marks=pytest.mark.soak)])
def test_a_worker_ends_within_ten_seconds_while_a_receiver_hangs(installation: Installation) -> None:
    released = threading.Event()
    under_way = threading.Event()

    def hang(call: Call) -> None:
        under_way.set()
        released.wait(30)

    with serving(hang) as port:
        add_webhook(installation, f"http://127.0.0.1:{port}/hook")
        add_leads(installation, 20)
        worker = installation.start("worker", outbound_allow=LOOPBACK)
        assert under_way.wait(20)
        worker.popen.send_signal(signal.SIGTERM)
        assert worker.wait(10.5) == 0
        released.set()
    assert installation.sql("SELECT state, count(*) FROM delivery GROUP BY state") == [("waiting", 20)]
    # What was under way may have arrived: it comes again when its lease is over. The others wait for nobody.
    assert installation.count("delivery", "lease <> 0") == 1


@pytest.mark.slow
def test_two_workers_share_the_work_and_send_nothing_twice(installation: Installation, receiver: Receiver) -> None:
    add_webhook(installation, receiver.url)
    add_leads(installation, 300)
    start_workers(installation, 2)
    wait_until(lambda: settled(installation), 60)
    assert len(receiver.got()) == receiver.count() == 300


def start_workers(installation: Installation, number: int) -> list[Process]:
    """Workers of as many nodes; on SQLite of one, each with a port so that they do not share a socket."""
    from tests.support.postgres import free_port

    return [installation.start("worker", "--port", str(free_port()), outbound_allow=LOOPBACK) for _ in range(number)]


# The long form


@pytest.mark.soak
def test_fifty_kills_of_a_worker_lose_nothing_and_double_at_most_one_each(
    installation: Installation, receiver: Receiver
) -> None:
    events, kills = 5_000, 50
    chance = random.Random(1)
    add_webhook(installation, receiver.url)
    killed = 0
    [worker] = start_workers(installation, 1)
    for round_ in range(kills):
        add_leads(installation, events // kills)
        had = receiver.count()
        wait_until(lambda had=had: receiver.count() > had, LEASE_S + 30)  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.2))
        assert worker.running, worker.output
        worker.popen.kill()
        worker.popen.wait()
        killed = round_ + 1
        [worker] = start_workers(installation, 1)
    wait_until(lambda: settled(installation), LEASE_S + 60)
    got = receiver.got()
    assert len(got) == events
    assert receiver.count() - events <= killed
    assert installation.sql("SELECT state, count(*) FROM delivery GROUP BY state") == [("done", events)]


@pytest.mark.soak
def test_four_workers_send_five_thousand_events_without_a_double(
    installation: Installation, receiver: Receiver
) -> None:
    add_webhook(installation, receiver.url)
    start_workers(installation, 4)
    for _ in range(10):
        add_leads(installation, 500)
    wait_until(lambda: settled(installation), 120)
    assert len(receiver.got()) == receiver.count() == 5_000
    assert installation.count("delivery_try") == 5_000
