"""Trying again: only what may pass, with one key, for as long as the server asks and somebody can wait."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from stagewise_client import AsyncClient, Client, ConnectionFailed, Created, Refused, StagewiseError, errors

from stagewise.core.refusal import REFUSALS
from tests.client.conftest import LEAD, MakeClient
from tests.client.double import CUT, DROP, PATH, SILENCE, Answer, Double, Script, created, problem
from tests.support.processes import free_port

PASSING = ["timeout", "idempotency_in_flight", "unavailable", "outcome_unknown", "captcha_unavailable", "holding_full"]

pytestmark = pytest.mark.usefixtures("no_backoff")


@pytest.mark.parametrize("trouble", [DROP, CUT, Answer(502, b""), Answer(429, b""), problem(503, "unavailable")])
def test_what_may_pass_is_tried_again_with_the_same_key_and_the_same_bytes(
    double: Double, make_client: MakeClient, trouble: Script
) -> None:
    double.script = [trouble, trouble, trouble, created()]
    assert isinstance(make_client(double.url).create_lead(*LEAD, visitor_ip="203.0.113.7"), Created)
    assert len(double.requests) == 4
    assert len({(each.body, *sorted(each.headers.items())) for each in double.requests}) == 1


def test_after_the_last_try_the_last_trouble_is_raised(double: Double, make_client: MakeClient) -> None:
    double.script = [problem(503, "unavailable"), problem(409, "idempotency_in_flight")]
    with pytest.raises(errors.IdempotencyInFlight):
        make_client(double.url, retries=2).create_lead(*LEAD)
    assert len(double.requests) == 3


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_is_repeated_only_if_it_may_pass(double: Double, make_client: MakeClient, code: str) -> None:
    double.script = [problem(REFUSALS[code].status, code)]
    with pytest.raises(Refused) as caught:
        make_client(double.url, retries=1).create_lead(*LEAD)
    assert len(double.requests) == (2 if code in PASSING else 1)
    assert caught.value.temporary == (code in PASSING or code == "rate_limited")


def test_the_server_says_how_long_to_wait(double: Double, make_client: MakeClient, waits: list[float]) -> None:
    double.script = [problem(503, "unavailable", {"Retry-After": "1"}), created()]
    make_client(double.url).create_lead(*LEAD)
    assert waits == [1.0]


def test_nobody_waits_for_an_hour(double: Double, make_client: MakeClient, waits: list[float]) -> None:
    double.script = [problem(503, "holding_full", {"Retry-After": "3600"})]
    with pytest.raises(errors.HoldingFull) as caught:
        make_client(double.url).create_lead(*LEAD)
    assert caught.value.retry_after == 3600
    assert waits == []


def test_waits_grow_and_stay_within_bounds(
    double: Double, make_client: MakeClient, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stagewise_client.steps.random", SimpleNamespace(uniform=lambda low, high: high))
    double.script = [DROP]
    with pytest.raises(ConnectionFailed):
        make_client(double.url, retries=6).create_lead(*LEAD)
    assert waits == [0.5, 1, 2, 4, 8, 8]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client slept, in seconds; it takes no time."""
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr("stagewise_client.client.time", SimpleNamespace(sleep=found.append))
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return found


def test_a_server_that_says_nothing_is_given_up_in_time(double: Double, make_client: MakeClient) -> None:
    double.script = [SILENCE]
    with pytest.raises(ConnectionFailed, match=r"no answer from 127\.0\.0\.1 in time") as caught:
        make_client(double.url, timeout=0.2, retries=1).create_lead(*LEAD)
    assert caught.value.may_be_stored
    assert len(double.requests) == 2


def test_where_nobody_listens_certainly_nothing_is_stored(make_client: MakeClient) -> None:
    with pytest.raises(ConnectionFailed, match=r"no connection to 127\.0\.0\.1") as caught:
        make_client(f"http://127.0.0.1:{free_port()}{PATH}", retries=1).create_lead(*LEAD)
    assert not caught.value.may_be_stored
    assert caught.value.temporary
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("last", "doubtful"),
    [(problem(503, "unavailable"), True), (problem(503, "captcha_unavailable"), False)],
)
def test_a_doubtful_try_stays_doubtful_until_the_server_has_looked_for_the_key(
    double: Double, make_client: MakeClient, last: Answer, doubtful: bool
) -> None:
    double.script = [DROP, last]
    with pytest.raises(StagewiseError) as caught:
        make_client(double.url, retries=1).create_lead(*LEAD)
    assert caught.value.may_be_stored is doubtful


def test_a_client_is_shared_by_threads(double: Double, open_client: Callable[..., Client]) -> None:
    client = open_client(double.url)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: client.create_lead(*LEAD), range(40)))
    assert all(isinstance(answer, Created) for answer in answers)
    assert len(set(double.keys)) == 40


def test_a_forked_child_opens_connections_of_its_own(double: Double, open_client: Callable[..., Client]) -> None:
    client = open_client(double.url)
    client.create_lead(*LEAD)
    child = os.fork()
    if not child:
        os._exit(0 if isinstance(client.create_lead(*LEAD), Created) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert isinstance(client.create_lead(*LEAD), Created)
    assert len(double.requests) == 3


def test_many_leads_are_sent_at_once_on_one_event_loop(double: Double) -> None:
    async def main() -> list[object]:
        async with AsyncClient(double.url) as client:
            return list(await asyncio.gather(*(client.create_lead(*LEAD) for _ in range(20))))

    assert len(asyncio.run(main())) == 20
    assert len(set(double.keys)) == 20


def test_a_client_outlives_the_event_loop_it_was_first_used_on(double: Double) -> None:
    client = AsyncClient(double.url)

    async def main() -> None:
        await client.create_lead(*LEAD)
        await client.aclose()

    asyncio.run(main())
    asyncio.run(main())
    assert len(double.requests) == 2
