"""Days as people's zones have them."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest

from stagewise.accounts.days import Daily, Days

HOUR = 3_600_000


def ms(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).timestamp() * 1000)


def test_the_last_day_is_today_and_days_join() -> None:
    days = Days.until(ms("2026-11-22T21:30:00+01:00"), zoneinfo.ZoneInfo("Europe/Berlin"), 3)
    assert [str(each) for each in days.dates] == ["2026-11-20", "2026-11-21", "2026-11-22"]
    assert days.spans[-1] == (ms("2026-11-22T00:00:00+01:00"), ms("2026-11-23T00:00:00+01:00"))
    assert [each.until for each in days.spans[:-1]] == [each.since for each in days.spans[1:]]


def test_a_persons_evening_is_still_today_where_utc_has_tomorrow() -> None:
    days = Days.until(ms("2026-11-23T03:00:00+00:00"), zoneinfo.ZoneInfo("America/New_York"))
    assert str(days.dates[-1]) == "2026-11-22"


@pytest.mark.parametrize(("date", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-07-01", 24)])
def test_where_clocks_change_a_day_is_longer_or_shorter(date: str, hours: int) -> None:
    days = Days.until(ms(f"{date}T12:00:00+00:00"), zoneinfo.ZoneInfo("Europe/Berlin"), 1)
    assert days.spans[-1].until - days.spans[-1].since == hours * HOUR


def test_the_period_before_ends_at_the_same_time_of_day() -> None:
    days = Days.until(ms("2026-11-22T15:00:00+00:00"), zoneinfo.ZoneInfo("UTC"))
    assert days.period(7) == (ms("2026-11-16T00:00:00+00:00"), ms("2026-11-23T00:00:00+00:00"))
    assert days.period_before(7) == (ms("2026-11-09T00:00:00+00:00"), ms("2026-11-15T15:00:00+00:00"))


def test_numbers_by_day_are_summed_over_a_period_and_the_one_before() -> None:
    days = [*[0] * 44, 5, *[1] * 8, *[2] * 7]  # 60: the last 7 have 2 each, the 8 before them 1, and before that 5
    daily = Daily(days, {1: 1, 7: 0, 30: 3})
    assert (daily.of(1), daily.before(1)) == (2, 1)
    assert (daily.of(7), daily.before(7)) == (14, 6)
    assert (daily.of(30), daily.before(30)) == (14 + 8 + 5, 3)
