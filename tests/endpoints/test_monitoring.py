"""The figures of the monitoring page."""

from __future__ import annotations

import random
from dataclasses import astuple
from typing import Any

import pytest

from stagewise.core.refusal import ACCEPTED, REFUSALS
from stagewise.endpoints import monitoring
from stagewise.endpoints.actions import add_endpoint
from stagewise.endpoints.models import AttemptCounter, LaneMinute
from stagewise.endpoints.monitoring import HOUR_MS, MINUTE_MS, Period, percentile
from stagewise.store.timings import BOUNDS
from tests.support import cast
from tests.support.cast import Place

pytestmark = pytest.mark.django_db

#: A full hour.
NOON = 1_790_000_000_000 // HOUR_MS * HOUR_MS
LAST_HOUR = Period.ending(NOON, HOUR_MS, MINUTE_MS)


@pytest.fixture
def place(db: None) -> Place:
    return cast.place("Acme Studio", "acme")


def count(place: Place, outcome: str, number: int, at: int = NOON, **fields: Any) -> None:
    values = {"endpoint_id": place.endpoint.pk, "process": random.getrandbits(40), "detailed": number, **fields}
    AttemptCounter.objects.create(workspace_id=place.workspace.pk, minute=at, outcome=outcome, count=number, **values)


def bucket(place: int, number: int = 1) -> list[int]:
    return [number if each == place else 0 for each in range(len(BOUNDS) + 1)]


def test_a_period_ends_with_the_step_that_is_now() -> None:
    period = Period.ending(NOON + 61_000, HOUR_MS, MINUTE_MS)
    assert (period.until - period.since, period.starts[-1], len(period.starts)) == (HOUR_MS, NOON + MINUTE_MS, 60)


def test_calls_are_summed_over_processes_by_step_and_outcome(place: Place) -> None:
    count(place, "created", 2)
    count(place, "created", 3)
    count(place, "ip_not_allowed", 4, NOON - MINUTE_MS)
    count(place, "created", 100, NOON - HOUR_MS)
    count(place, "created", 100, NOON + MINUTE_MS)
    calls = monitoring.calls(place.workspace, LAST_HOUR)
    assert calls.steps[-2:] == [{"blocked": 4}, {"taken": 5}]
    assert (calls.outcomes, calls.total, calls.accepted) == ({"created": 5, "ip_not_allowed": 4}, 9, 5)


def test_one_endpoint_can_be_chosen_and_all_are_compared(place: Place) -> None:
    shop = add_endpoint(place.workspace, "Shop")
    count(place, "created", 2)
    count(place, "rate_limited", 3, endpoint_id=shop.pk)
    calls = monitoring.calls(place.workspace, LAST_HOUR, shop.pk)
    assert calls.outcomes == {"rate_limited": 3}
    assert calls.endpoints == {place.endpoint.pk: (2, 0), shop.pk: (0, 3)}
    assert monitoring.busiest_minute(place.workspace, LAST_HOUR, place.endpoint.pk) == (NOON, 2)


def test_another_workspace_is_never_counted(place: Place) -> None:
    next_door = cast.place("Next door", "next-door")
    count(next_door, "created", 7)
    cast.attempt(next_door, "created", 201, at=NOON)
    assert monitoring.calls(place.workspace, LAST_HOUR).total == 0
    assert monitoring.top(place.workspace, LAST_HOUR, "address").total == 0
    assert monitoring.busiest_minute(place.workspace, LAST_HOUR) is None


def test_the_busiest_minute_is_the_one_with_most_calls_of_any_kind(place: Place) -> None:
    count(place, "created", 5, NOON - MINUTE_MS)
    count(place, "created", 3)
    count(place, "invalid_json", 3)
    assert monitoring.busiest_minute(place.workspace, LAST_HOUR) == (NOON, 6)


def test_every_outcome_has_a_group() -> None:
    groups = {monitoring.group_of(code) for code in [*ACCEPTED, *REFUSALS, "from_the_future"]}
    assert groups == set(monitoring.GROUPS)
    assert monitoring.group_of("duplicate") == "taken"
    assert monitoring.group_of("unavailable") == "trouble"
    assert monitoring.group_of("rate_limited") == "limit"


@pytest.mark.parametrize(
    ("counts", "part", "seconds"),
    [
        (bucket(0, 0), 0.5, None),
        (bucket(0, 10), 0.5, 0.0005),
        (bucket(0, 10), 1, 0.001),
        (bucket(3, 100), 0.5, 0.0075),
        ([99, *bucket(9, 1)[1:]], 0.99, 0.001),
        ([98, *bucket(9, 2)[1:]], 0.99, 0.75),
        (bucket(len(BOUNDS), 5), 0.5, BOUNDS[-1]),
    ],
)
def test_a_percentile_lies_evenly_within_its_bucket(counts: list[int], part: float, seconds: float | None) -> None:
    assert percentile(counts, part) == (None if seconds is None else pytest.approx(seconds))


def test_speeds_are_of_all_lanes_together(place: Place) -> None:
    for process, waiting, where in ((1, 3, 0), (2, 9, 0), (3, 1, 9)):
        LaneMinute.objects.create(process=process, minute=NOON, calls=1, waiting=waiting, times=bucket(where, 10))
    LaneMinute.objects.create(process=1, minute=NOON - 2 * MINUTE_MS, calls=1, waiting=0, times=bucket(1))
    steps, together = monitoring.speeds(LAST_HOUR)
    assert steps[-2] == (None, None, 0)
    assert steps[-1].p50 == pytest.approx(0.00075)
    assert (steps[-1].p99 or 0) > 0.5
    assert (steps[-1].waiting, together.waiting) == (9, 9)
    assert steps[-3].p50 == pytest.approx(0.0015)


def test_the_most_frequent_addresses_come_with_their_share(place: Place) -> None:
    for _ in range(3):
        cast.attempt(place, "created", 201, at=NOON, address="203.0.113.1")
    cast.attempt(place, "ip_not_allowed", 403, at=NOON, address="203.0.113.2")
    cast.attempt(place, "invalid_request", 400, at=NOON, address=None)
    cast.attempt(place, "created", 201, at=NOON - 2 * HOUR_MS, address="203.0.113.3")
    top = monitoring.top(place.workspace, LAST_HOUR, "address")
    assert [astuple(share) for share in top.shares] == [("203.0.113.1", 3, 0, 75.0), ("203.0.113.2", 1, 1, 25.0)]
    assert (top.others, top.total) == (0, 4)


def test_calls_beyond_the_details_of_an_hour_count_too(place: Place) -> None:
    cast.attempt(place, "created", 201, at=NOON, origin="https://www.yoursite.com")
    cast.summary(
        place, "origin_not_allowed", 403, hour=NOON, last_at=NOON, count=3, address="", origin="https://spam.example"
    )
    top = monitoring.top(place.workspace, LAST_HOUR, "origin")
    assert [(share.value, share.count, share.refused) for share in top.shares] == [
        ("https://spam.example", 3, 3),
        ("https://www.yoursite.com", 1, 0),
    ]


def test_many_addresses_are_cut_and_the_rest_is_counted(place: Place) -> None:
    for number in range(monitoring.TOP + 5):
        cast.attempt(place, "created", 201, at=NOON, address=f"203.0.113.{number}")
    top = monitoring.top(place.workspace, LAST_HOUR, "address")
    assert (len(top.shares), top.others) == (monitoring.TOP, 5)


def test_only_the_newest_calls_are_looked_at(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "NEWEST", 2)
    for address in ("203.0.113.1", "203.0.113.2", "203.0.113.3"):
        cast.attempt(place, "created", 201, at=NOON, address=address)
    found = monitoring.top(place.workspace, LAST_HOUR, "address").shares
    assert {share.value for share in found} == {"203.0.113.2", "203.0.113.3"}


def test_the_tables_are_of_the_chosen_endpoint(place: Place) -> None:
    shop = add_endpoint(place.workspace, "Shop")
    cast.attempt(place, "created", 201, at=NOON, address="203.0.113.1")
    cast.attempt(place, "created", 201, at=NOON, address="203.0.113.2", endpoint_id=shop.pk)
    assert [share.value for share in monitoring.top(place.workspace, LAST_HOUR, "address", shop.pk).shares] == [
        "203.0.113.2"
    ]
