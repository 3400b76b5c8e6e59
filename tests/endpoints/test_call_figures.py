"""Calls in figures: by day, and by step of a chart."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest

from stagewise.accounts.days import Days
from stagewise.endpoints import figures
from stagewise.endpoints.models import AttemptCounter
from tests.support.cast import Cast, Place

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
NOW = int(datetime.datetime(2026, 11, 22, 15, 0, tzinfo=datetime.UTC).timestamp() * 1000)
DAYS = Days.until(NOW, zoneinfo.ZoneInfo("UTC"))


def count(there: Place, outcome: str, at: int, number: int, process: int = 1, endpoint_id: int | None = None) -> None:
    AttemptCounter.objects.create(
        workspace_id=there.workspace.pk,
        endpoint_id=endpoint_id or there.endpoint.pk,
        minute=at - at % MINUTE,
        outcome=outcome,
        process=process,
        count=number,
        detailed=0,
    )


def test_calls_are_counted_by_day_and_outcome_without_tests(cast: Cast) -> None:
    count(cast.acme, "created", NOW, 3)
    count(cast.acme, "created", NOW, 4, process=2)
    count(cast.acme, "ip_not_allowed", NOW - HOUR, 5)
    count(cast.acme, "rate_limited", NOW - DAY - HOUR, 2)
    count(cast.acme, "rate_limited", NOW - DAY + HOUR, 7)  # yesterday, later than it is now
    count(cast.acme, "test", NOW, 100)
    count(cast.acme, "test_created", NOW, 100)
    count(cast.next_door, "created", NOW, 100)
    counted = figures.counted(cast.acme.workspace, DAYS)
    assert counted.by_outcome[-1] == {"created": 7, "ip_not_allowed": 5}
    assert counted.outcomes(7) == {"created": 7, "ip_not_allowed": 5, "rate_limited": 9}
    assert (counted.refused.of(1), counted.refused.before(1)) == (5, 2)


def test_steps_are_narrowed_by_endpoint_and_outcome(cast: Cast) -> None:
    count(cast.acme, "created", NOW - HOUR, 3)
    count(cast.acme, "held", NOW - MINUTE, 1)
    count(cast.acme, "rate_limited", NOW - MINUTE, 2)
    count(cast.acme, "rate_limited", NOW - MINUTE, 9, endpoint_id=12345)
    count(cast.acme, "test", NOW - MINUTE, 50)
    count(cast.acme, "created", NOW, 50)

    def shown(**narrowed: object) -> list[tuple[int, int]]:
        found = figures.steps(cast.acme.workspace, NOW - 2 * HOUR, NOW, HOUR, **narrowed)  # type: ignore[arg-type]
        return [(each.accepted, each.refused) for each in found]

    assert shown() == [(0, 0), (4, 11)]
    assert shown(endpoint_id=cast.acme.endpoint.pk) == [(0, 0), (4, 2)]
    assert shown(outcomes=["rate_limited"]) == [(0, 0), (0, 11)]
    assert shown(outcomes=[]) == [(0, 0), (0, 0)]


def test_the_last_step_ends_where_the_period_ends(cast: Cast) -> None:
    found = figures.steps(cast.acme.workspace, NOW - 90 * MINUTE, NOW, HOUR)
    assert [(each.since, each.until) for each in found] == [
        (NOW - 90 * MINUTE, NOW - 30 * MINUTE),
        (NOW - 30 * MINUTE, NOW),
    ]
