"""The monitoring page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import User
from stagewise.endpoints.actions import add_endpoint
from stagewise.endpoints.models import AttemptCounter, Endpoint, LaneMinute
from stagewise.store.timings import BOUNDS
from tests.console.pages import read
from tests.support.cast import Cast, attempt, channel, delivery, summary

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
PAGE = "/w/acme/monitoring/"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.fixture
def vera(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.vera)


def count(endpoint: Endpoint, outcome: str, number: int, ago: int = 0) -> None:
    minute = (now_ms() - ago) // MINUTE * MINUTE
    AttemptCounter.objects.create(
        workspace_id=endpoint.workspace_id,
        endpoint_id=endpoint.pk,
        minute=minute,
        outcome=outcome,
        process=1,
        count=number,
        detailed=number,
    )


def lane(waiting: int, bucket: int, answers: int = 10) -> None:
    times = [answers if each == bucket else 0 for each in range(len(BOUNDS) + 1)]
    LaneMinute.objects.create(
        process=1, minute=now_ms() // MINUTE * MINUTE, calls=answers, waiting=waiting, times=times
    )


def test_before_the_first_call_the_page_says_so(cast: Cast, vera: Client) -> None:
    text = read(vera, PAGE).text
    assert "No calls in this time" in text
    assert "Nobody called an endpoint in this time." in text
    assert "Nothing was answered in this time." in text
    assert "There were no calls." in text


def test_calls_are_shown_by_what_became_of_them(cast: Cast, vera: Client) -> None:
    count(cast.acme.endpoint, "created", 30)
    count(cast.acme.endpoint, "held", 4)
    count(cast.acme.endpoint, "ip_not_allowed", 6)
    page = read(vera, PAGE)
    assert "34 of 40 calls taken · at most 40 a minute" in page.text
    for words in ("Taken 30", "Held 4", "Not allowed 6", "created 30 calls 75 %", "ip_not_allowed 6 calls 15 %"):
        assert words in page.text
    assert 'class="s-taken"' in page.html
    assert re.search(r"<title>\d\d:\d\d: Taken 30, Held 4, Not allowed 6</title>", page.html)


def test_each_chart_has_a_table_for_those_who_do_not_see_it(cast: Cast, vera: Client) -> None:
    count(cast.acme.endpoint, "created", 30)
    lane(3, 2)
    page = read(vera, PAGE)
    assert page.html.count('role="img"') == page.html.count('role="img"\n       aria-label="') == 3
    assert re.search(r"From Taken Held .* \d\d:\d\d 30 0 0 0 0 0", page.text)
    assert re.search(r"From p50 p99 Longest queue \d\d:\d\d 3.5 ms 5 ms 3", page.text)


@pytest.mark.parametrize(("period", "calls"), [("1h", 1), ("24h", 3), ("7d", 7), ("nonsense", 3), ("", 3)])
def test_the_period_can_be_chosen(cast: Cast, vera: Client, period: str, calls: int) -> None:
    count(cast.acme.endpoint, "created", 1)
    count(cast.acme.endpoint, "created", 2, ago=3 * HOUR)
    count(cast.acme.endpoint, "created", 4, ago=3 * DAY)
    count(cast.acme.endpoint, "created", 8, ago=8 * DAY)
    assert f"{calls} of {calls} call" in read(vera, f"{PAGE}?period={period}").text


def test_the_endpoint_can_be_chosen_and_stays_so(cast: Cast, vera: Client) -> None:
    shop = add_endpoint(cast.acme.workspace, "Shop")
    count(cast.acme.endpoint, "created", 5)
    count(shop, "rate_limited", 3)
    attempt(cast.acme, "rate_limited", 429, address="198.51.100.7", endpoint_id=shop.pk)
    attempt(cast.acme, "created", 201, address="203.0.113.9")
    every = read(vera, PAGE).text
    assert "My website 5 taken 0 refused 0 % Shop 0 taken 3 refused 100 %" in every
    page = read(vera, f"{PAGE}?endpoint={shop.pk}")
    assert "0 of 3 calls taken by “Shop”" in page.text
    assert "198.51.100.7 1 call 1 refused 100 %" in page.text
    assert "203.0.113.9" not in page.text
    assert f"?endpoint={shop.pk}&amp;period=7d" in page.html


def test_an_endpoint_next_door_cannot_be_chosen(cast: Cast, vera: Client) -> None:
    count(cast.next_door.endpoint, "created", 5)
    attempt(cast.next_door, "created", 201, address="198.51.100.7")
    page = read(vera, f"{PAGE}?endpoint={cast.next_door.endpoint.pk}")
    assert "No calls in this time" in page.text
    assert "198.51.100.7" not in page.text


def test_answering_times_and_the_longest_queue_are_shown(cast: Cast, vera: Client) -> None:
    lane(17, 3, 100)
    text = read(vera, PAGE).text
    assert "Half of all answers (p50) 7.5 ms 99 of 100 (p99) 10 ms Longest queue 17" in text


def test_deliveries_are_counted(cast: Cast, vera: Client) -> None:
    to, now = channel(cast.acme), now_ms()
    delivery(to, at=now - 2 * HOUR)
    delivery(to, state="done", tries=1, settled_at=now)
    delivery(to, state="failed", tries=10, settled_at=now)
    delivery(to, state="failed", tries=10, settled_at=now - 2 * DAY)
    text = read(vera, PAGE).text
    assert "Waiting 1 Delivered 1 Failed for good 1 The oldest that waits happened 2 hours ago ." in text


def test_addresses_and_origins_come_with_their_share(cast: Cast, vera: Client) -> None:
    for _ in range(3):
        attempt(cast.acme, "created", 201, address="203.0.113.9", origin="https://www.yoursite.com")
    attempt(cast.acme, "origin_not_allowed", 403, address="203.0.113.9", origin="https://spam.example")
    summary(cast.acme, "ip_not_allowed", 403, address="198.51.100.7", count=4)
    text = read(vera, PAGE).text
    assert "198.51.100.7 4 calls 4 refused 50 %" in text
    assert "203.0.113.9 4 calls 1 refused 50 %" in text
    assert "https://www.yoursite.com 3 calls 0 refused 75 %" in text
    assert "https://spam.example 1 call 1 refused 25 %" in text


def test_many_calls_ask_the_database_no_more_than_few(
    cast: Cast, vera: Client, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    count(cast.acme.endpoint, "created", 1)
    lane(1, 1)
    attempt(cast.acme, "created", 201, origin="https://www.yoursite.com")
    summary(cast.acme, "ip_not_allowed", 403, origin="https://spam.example")
    read(vera, PAGE)
    with django_assert_max_num_queries(28) as asked:
        read(vera, PAGE)
    few = len(asked)
    for number in range(20):
        shop = add_endpoint(cast.acme.workspace, f"Shop {number}")
        count(shop, "created", 1, ago=number * HOUR)
        attempt(cast.acme, "created", 201, address=f"203.0.113.{number}", endpoint_id=shop.pk)
    with django_assert_num_queries(few):
        read(vera, PAGE)


def test_what_is_cut_is_said(cast: Cast, vera: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stagewise.endpoints.monitoring.NEWEST", 2)
    monkeypatch.setattr("stagewise.notify.figures.NEWEST", 2)
    to = channel(cast.acme)
    for _ in range(3):
        attempt(cast.acme, "created", 201)
        delivery(to, state="done", tries=1, settled_at=now_ms())
    text = read(vera, PAGE).text
    assert "Of 2 calls that named a readable address · only the newest are counted" in text
    assert "Delivered 2" in text
    assert "Only the newest 2 deliveries are counted." in text
