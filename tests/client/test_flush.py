"""Flushing the spool: the oldest first, each lead once, and nobody waits for somebody else's trouble."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from stagewise_client import Client, Flushed, Spool, Spooled

from tests.client.conftest import DOWN, LEAD, NOW, MakeClient, spooled
from tests.client.double import DROP, PATH, Double, created, held, problem
from tests.support.processes import free_port

pytestmark = pytest.mark.usefixtures("no_backoff")


def test_the_oldest_lead_goes_first(double: Double, make_client: MakeClient, path: Path, travel: Any) -> None:
    client = make_client(double.url, spool=path)
    spooled(client, double, "a", "bb", "ccc")
    double.script = [held(), created()]
    travel.shift(timedelta(minutes=10))
    assert client.flush() == Flushed(sent=3)
    assert double.names == ["a", "bb", "ccc"]


def test_what_is_refused_is_kept_aside_with_its_reason(
    double: Double, make_client: MakeClient, path: Path, travel: Any
) -> None:
    client = make_client(double.url, spool=path)
    spooled(client, double, "a", "bb")
    wrong = {"field": "email", "pointer": "/email", "code": "invalid_email", "detail": "No e-mail address."}
    double.script = [problem(422, "invalid_fields", errors=[wrong]), created()]
    travel.shift(timedelta(minutes=10))
    assert client.flush() == Flushed(sent=1, refused=1)
    (aside,) = client.spool.refused()
    assert (aside.code, aside.detail) == ("invalid_fields", "A sentence. email: No e-mail address.")
    assert aside.created_at < aside.aside_at
    assert client.spool.discard(aside.key)
    assert not client.spool.discard(aside.key)
    assert client.spool.refused() == []


def test_a_server_that_is_down_is_not_asked_for_each_lead(
    double: Double, make_client: MakeClient, path: Path, travel: Any
) -> None:
    client = make_client(double.url, spool=path)
    spooled(client, double, "a", "bb", "ccc")
    double.script = [problem(503, "unavailable", {"Retry-After": "60"})]
    travel.shift(timedelta(minutes=10))
    assert client.flush() == Flushed(waiting=3)
    assert client.flush() == Flushed(waiting=3)
    assert len(double.requests) == 1
    double.script = [created()]
    travel.shift(timedelta(seconds=59))
    assert client.flush() == Flushed(waiting=3)
    travel.shift(timedelta(seconds=2))
    assert client.flush() == Flushed(sent=3)
    assert double.names == ["a", "a", "bb", "ccc"]


def test_the_first_lead_that_gets_through_ends_the_pause(double: Double, make_client: MakeClient, path: Path) -> None:
    client = make_client(double.url, spool=path)
    spooled(client, double, "a")
    double.script = [problem(503, "unavailable", {"Retry-After": "3600"}), created()]
    assert client.flush().waiting == 1
    assert client.flush().waiting == 1
    client.create_lead(*LEAD)
    assert client.flush() == Flushed(sent=1)


def test_one_visitors_limit_holds_up_nobody_else(
    double: Double, make_client: MakeClient, path: Path, travel: Any
) -> None:
    client = make_client(double.url, spool=path)
    spooled(client, double, "a", "bb")
    figures = {"RateLimit-Policy": '"leads-per-ip";q=1;w=86400', "RateLimit": '"leads-per-ip";r=0;t=7200'}
    double.script = [problem(429, "rate_limited", {**figures, "Retry-After": "7200"}), created()]
    travel.shift(timedelta(minutes=10))
    assert client.flush() == Flushed(sent=1, waiting=1)
    travel.shift(timedelta(minutes=119))
    assert client.flush() == Flushed(waiting=1)
    travel.shift(timedelta(minutes=2))
    assert client.flush() == Flushed(sent=1)


@pytest.mark.parametrize("policy", ["leads-per-server", "leads-per-ip"])
def test_a_limit_of_the_whole_server_holds_up_everybody(
    double: Double, make_client: MakeClient, path: Path, travel: Any, policy: str
) -> None:
    client = make_client(double.url, spool=path)
    double.script = [DOWN]
    forwarding = {"visitor_ip": "203.0.113.7"} if policy == "leads-per-server" else {}
    for name in ("a", "bb"):
        client.create_lead(name, *LEAD[1:], **forwarding)
    double.requests.clear()
    figures = {"RateLimit-Policy": f'"{policy}";q=1;w=86400', "RateLimit": f'"{policy}";r=0;t=7200'}
    double.script = [problem(429, "rate_limited", {**figures, "Retry-After": "7200"})]
    travel.shift(timedelta(minutes=10))
    assert client.flush() == Flushed(waiting=2)
    assert double.names == ["a"]


def test_a_lead_that_could_never_be_stored_is_sent_after_days_of_silence(
    double: Double, make_client: MakeClient, path: Path, travel: Any
) -> None:
    nobody = Double()
    nobody.close()
    client = make_client(nobody.url, spool=path)
    assert isinstance(client.create_lead(*LEAD), Spooled)
    assert Spool(path).readdress(double.url) == 1
    travel.shift(timedelta(days=3))
    assert make_client(double.url, spool=path).flush() == Flushed(sent=1)


def test_a_lead_that_may_be_stored_is_not_sent_again_once_its_key_may_be_forgotten(
    double: Double, make_client: MakeClient, path: Path, travel: Any
) -> None:
    client = make_client(double.url, spool=path)
    double.script = [DROP]
    client.create_lead(*LEAD)
    travel.shift(timedelta(hours=22))
    assert client.flush() == Flushed(waiting=1)
    double.requests.clear()
    travel.shift(timedelta(hours=2))
    assert client.flush() == Flushed(refused=1)
    assert double.requests == []
    assert [each.code for each in client.spool.refused()] == ["outcome_unknown"]
    double.script = [created()]
    assert client.spool.retry() == 1, "a person has looked, and decides"
    assert client.flush() == Flushed(sent=1)


def test_a_server_that_knows_no_such_key_settles_the_doubt(
    double: Double, make_client: MakeClient, path: Path, travel: Any
) -> None:
    client = make_client(double.url, spool=path)
    double.script = [DROP]
    client.create_lead(*LEAD)
    double.script = [problem(503, "captcha_unavailable")]
    travel.shift(timedelta(minutes=10))
    assert client.flush() == Flushed(waiting=1)
    double.script = [created()]
    travel.shift(timedelta(days=2))
    assert client.flush() == Flushed(sent=1)


def test_a_lead_that_has_grown_too_old_is_set_aside_and_later_deleted(
    double: Double, make_client: MakeClient, path: Path, travel: Any
) -> None:
    client = make_client(double.url, spool=Spool(path, max_age=timedelta(days=2), keep_aside=timedelta(days=5)))
    spooled(client, double, "a", "bb")
    travel.shift(timedelta(days=3))
    assert client.flush() == Flushed()
    assert [each.code for each in client.spool.refused()] == ["too_old", "too_old"]
    double.script = [created()]
    assert client.spool.retry(client.spool.refused()[0].key) == 1
    assert client.flush() == Flushed(sent=1)
    travel.shift(timedelta(days=6))
    client.create_lead(*LEAD)
    assert client.spool.refused() == []


def test_a_clock_that_was_far_ahead_keeps_nothing_waiting(
    double: Double, make_client: MakeClient, path: Path, travel: Any
) -> None:
    client = make_client(double.url, spool=path)
    travel.shift(timedelta(days=400))
    spooled(client, double, "a")
    double.script = [problem(503, "unavailable", {"Retry-After": "300"}), created()]
    assert client.flush() == Flushed(waiting=1)
    travel.move_to(NOW)
    assert client.flush() == Flushed(sent=1)


def test_processes_that_flush_together_send_each_lead_once(
    double: Double, open_client: Callable[..., Client], path: Path
) -> None:
    client = open_client(double.url, spool=path, retries=0, background=False)
    spooled(client, double, *("x" * n for n in range(1, 31)))
    double.script = [created()]
    client.create_lead(*LEAD)  # ends the pause
    double.requests.clear()
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as processes:
        done = list(processes.map(_flush, [(double.url, path)] * 3))
    assert sum(done) == 30
    assert sorted(double.names, key=len) == ["x" * n for n in range(1, 31)]


def _flush(of: tuple[str, Path]) -> int:
    with Client(of[0], spool=of[1], background=False) as client:
        return client.flush().sent


def test_two_endpoints_share_a_file_and_never_a_lead(double: Double, make_client: MakeClient, path: Path) -> None:
    elsewhere = f"http://127.0.0.1:{free_port()}{PATH}"
    other = make_client(elsewhere, spool=path, retries=0)
    other.create_lead("other", *LEAD[1:])
    client = make_client(double.url, spool=path)
    assert client.flush() == Flushed()
    assert len(client.spool) == 1
    assert double.requests == []


def test_a_new_url_is_noticed_and_takes_over_what_waits(
    double: Double, make_client: MakeClient, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = make_client(f"{double.url}-old", spool=path)
    spooled(old, double, "a")
    client = make_client(double.url, spool=path)
    assert "1 leads wait in" in caplog.text
    assert "readdress" in caplog.text
    assert client.spool.readdress(double.url) == 1
    double.script = [created()]
    assert client.flush() == Flushed(sent=1)
    assert double.requests[-1].path == PATH
