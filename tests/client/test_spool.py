"""The spool: a lead is on disk before its first try, and the file never stops one that can be sent."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from stagewise_client import (
    Client,
    ConfigError,
    Created,
    Flushed,
    Held,
    Spool,
    Spooled,
    StagewiseError,
    UnexpectedAnswer,
    errors,
)

from stagewise.core.refusal import REFUSALS
from tests.client.conftest import DOWN, LEAD, NOW, MakeClient, spooled
from tests.client.double import DROP, PATH, Answer, Double, created, held, problem

pytestmark = pytest.mark.usefixtures("no_backoff")


def test_a_lead_that_is_sent_leaves_nothing_behind(double: Double, make_client: MakeClient, path: Path) -> None:
    client = make_client(double.url, spool=path)
    assert isinstance(client.create_lead(*LEAD), Created)
    assert (len(client.spool), client.spool.refused()) == (0, [])
    assert LEAD[2].encode() not in path.read_bytes(), "what is deleted is overwritten"


def test_a_lead_is_on_disk_before_its_first_try(double: Double, make_client: MakeClient, path: Path) -> None:
    seen = []
    double.on_arrival = lambda: seen.append(len(Spool(path)))
    make_client(double.url, spool=path).create_lead(*LEAD)
    assert seen == [1]


@pytest.mark.parametrize(
    "trouble", [DROP, DOWN, Answer(502, b""), problem(409, "idempotency_in_flight"), problem(503, "holding_full")]
)
def test_what_may_pass_is_spooled_and_sent_later_once(
    double: Double, make_client: MakeClient, path: Path, travel: Any, trouble: Any
) -> None:
    double.script = [trouble]
    client = make_client(double.url, spool=path)
    answer = client.create_lead(*LEAD, visitor_ip="203.0.113.7", test=True)
    assert isinstance(answer, Spooled)
    assert (answer.key, answer.created_at.replace(microsecond=0)) == (double.keys[0], NOW)
    double.script = [created()]
    double.requests.clear()
    travel.shift(timedelta(minutes=10))
    assert client.flush() == Flushed(sent=1, refused=0, waiting=0)
    assert client.flush() == Flushed()
    (request,) = double.requests
    assert request.headers["idempotency-key"] == answer.key
    assert request.headers["stagewise-visitor-ip"] == "203.0.113.7"
    assert request.headers["stagewise-test"] == "1"
    assert request.json()["name"] == "Ada Lovelace"


def test_an_answer_that_a_test_forces_is_forced_once(
    double: Double, make_client: MakeClient, path: Path, travel: Any
) -> None:
    client = make_client(double.url, spool=path, retries=0)
    double.script = [DOWN, created(test=True)]
    assert isinstance(client.create_lead(*LEAD, test="unavailable"), Spooled)
    travel.shift(timedelta(minutes=10))
    assert client.flush() == Flushed(sent=1)
    assert [each.headers["stagewise-test"] for each in double.requests] == ["unavailable", "1"]


def test_with_a_spool_a_visitor_waits_for_one_more_try_only(
    double: Double, make_client: MakeClient, path: Path
) -> None:
    double.script = [DOWN]
    make_client(double.url, spool=path).create_lead(*LEAD)
    assert len(double.requests) == 2


@pytest.mark.parametrize("code", ["missing_fields", "invalid_fields", "captcha_failed", "rate_limited"])
def test_what_the_visitor_must_know_is_raised_and_not_kept(
    double: Double, make_client: MakeClient, path: Path, code: str
) -> None:
    double.script = [problem(REFUSALS[code].status, code)]
    client = make_client(double.url, spool=path)
    with pytest.raises(errors.BY_CODE[code]):
        client.create_lead(*LEAD)
    assert (len(client.spool), client.spool.refused()) == (0, [])


@pytest.mark.parametrize("code", ["endpoint_disabled", "ip_not_allowed", "not_found", "unknown_lead_type", "brand_new"])
def test_what_the_developer_must_mend_is_raised_and_set_aside(
    double: Double, make_client: MakeClient, path: Path, code: str
) -> None:
    double.script = [problem(REFUSALS[code].status if code in REFUSALS else 400, code)]
    client = make_client(double.url, spool=path)
    with pytest.raises(errors.Refused):
        client.create_lead(*LEAD)
    (aside,) = client.spool.refused()
    assert (aside.code, aside.detail, aside.fields["email"]) == (code, "A sentence.", "ada@example.com")
    assert "ada@example.com" not in repr(aside)
    double.script = [created()]
    assert client.spool.retry(aside.key) == 1
    assert client.flush() == Flushed(sent=1)
    assert set(double.keys) == {aside.key}


def test_the_answer_of_another_website_is_set_aside_too(double: Double, make_client: MakeClient, path: Path) -> None:
    double.script = [Answer(200, b"<h1>Parked</h1>")]
    client = make_client(double.url, spool=path)
    with pytest.raises(UnexpectedAnswer):
        client.create_lead(*LEAD)
    assert [each.code for each in client.spool.refused()] == ["unexpected_answer"]


def test_a_repeat_with_the_same_key_does_not_wait_twice(double: Double, make_client: MakeClient, path: Path) -> None:
    double.script = [DOWN]
    client = make_client(double.url, spool=path)
    for _ in range(2):
        assert isinstance(client.create_lead(*LEAD, idempotency_key="form 17"), Spooled)
    assert len(client.spool) == 1
    double.script = [created()]
    assert isinstance(client.create_lead(*LEAD, idempotency_key="form 17"), Created)
    assert len(client.spool) == 0


def test_another_lead_with_the_same_key_is_sent_but_not_spooled(
    double: Double, make_client: MakeClient, path: Path
) -> None:
    double.script = [DOWN]
    client = make_client(double.url, spool=path)
    client.create_lead(*LEAD, idempotency_key="form 17")
    with pytest.raises(errors.Unavailable):
        client.create_lead("Grace Hopper", *LEAD[1:], idempotency_key="form 17")
    assert len(client.spool) == 1


def test_a_crash_while_sending_loses_nothing(double: Double, path: Path, travel: Any, make_client: MakeClient) -> None:
    child = os.fork()
    if not child:
        os._exit(_dies_while_sending(double.url, path))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    client = make_client(double.url, spool=path)
    assert client.flush() == Flushed(waiting=1), "until its lease ends, somebody may be sending it"
    travel.shift(timedelta(hours=1))
    assert client.flush() == Flushed(sent=1)


def _dies_while_sending(url: str, path: Path) -> int:
    import httpx2

    class Dies(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            os._exit(9)

    Client(url, spool=path, transport=Dies()).create_lead(*LEAD)
    return 0


def test_the_file_is_for_its_owners_eyes_only_and_holds_no_url(
    double: Double, make_client: MakeClient, path: Path
) -> None:
    spooled(make_client(double.url, spool=path), double, "Ada Lovelace")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"Ada Lovelace" in path.read_bytes()
    assert PATH.rpartition("/")[2].encode() not in path.read_bytes()


def test_a_full_spool_never_stops_a_lead_that_can_be_sent(
    double: Double, make_client: MakeClient, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(double.url, spool=Spool(path, max_leads=2))
    spooled(client, double, "a", "bb")
    with pytest.raises(errors.Unavailable):
        client.create_lead(*LEAD)
    assert "it is full: 2 leads wait already" in caplog.text
    double.script = [created()]
    assert isinstance(client.create_lead(*LEAD), Created)
    assert len(client.spool) == 2


def test_what_is_set_aside_gives_way_to_what_waits(double: Double, make_client: MakeClient, path: Path) -> None:
    client = make_client(double.url, spool=Spool(path, max_leads=2))
    double.script = [problem(410, "endpoint_disabled")]
    for _ in range(2):
        with pytest.raises(errors.EndpointDisabled):
            client.create_lead(*LEAD)
    spooled(client, double, "a")
    assert (len(client.spool), len(client.spool.refused())) == (1, 1)


def test_a_spool_that_breaks_never_stops_a_lead(
    double: Double, make_client: MakeClient, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(double.url, spool=path)
    path.write_bytes(b"no database" * 1000)
    double.script = [held()]
    assert isinstance(client.create_lead(*LEAD), Held)
    assert "sent without being spooled" in caplog.text
    with pytest.raises(errors.SpoolFailed):
        client.flush()
    double.script = [DOWN]
    with pytest.raises(errors.Unavailable):
        client.create_lead(*LEAD)


def test_a_file_that_cannot_be_a_spool_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, and long enough to be taken for one" * 10)
    with sqlite3.connect(tmp_path / "other") as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    for name in ("text", "other", "missing/leads.spool", "."):
        with pytest.raises(ConfigError, match=r"^the spool .* cannot be used: .+$"):
            Spool(tmp_path / name)
    for wrong in ({"max_leads": 0}, {"max_age": timedelta()}, {"keep_aside": timedelta(-1)}):
        with pytest.raises(ConfigError, match="above zero"):
            Spool(tmp_path / "leads.spool", **wrong)


def test_many_processes_may_make_the_file_at_once(path: Path) -> None:
    with ProcessPoolExecutor(4, multiprocessing.get_context("spawn")) as processes:
        assert list(processes.map(_opened, [path] * 8)) == [0] * 8


def _opened(path: Path) -> int:
    return len(Spool(path))


def test_flushing_without_a_spool_is_a_mistake(double: Double, make_client: MakeClient) -> None:
    with pytest.raises(StagewiseError, match="without a spool"):
        make_client(double.url).flush()
