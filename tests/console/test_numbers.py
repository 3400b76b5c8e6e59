"""Numbers in words."""

from __future__ import annotations

import pytest

from stagewise.console import numbers

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "1 min"),
        (4 * MINUTE, "4 min"),
        (2 * HOUR, "2 h"),
        (2 * HOUR + 10 * MINUTE, "2 h 10 min"),
        (DAY, "1 day"),
        (2 * DAY + 3 * HOUR, "2 days 3 h"),
        (9 * DAY + 3 * HOUR, "9 days"),
    ],
)
def test_how_long_something_took_is_said_in_two_units_at_most(ms: int, words: str) -> None:
    assert numbers.duration(ms) == words


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (0, 0, ""),
        (5, 5, "steady"),
        (5, 2, "3 more"),
        (0, 4, "4 fewer"),
        (120, 100, "20% more"),
        (50, 100, "50% fewer"),
        (10_000, 10_001, "steady"),
        (30_000, 25, "29,975 more"),
    ],
)
def test_a_count_is_compared_with_the_one_before(now: int, before: int, words: str) -> None:
    assert numbers.compared(now, before) == words


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (None, HOUR, ""),
        (HOUR, None, ""),
        (HOUR, HOUR + 5, "as soon"),
        (HOUR, 2 * HOUR, "1 h sooner"),
        (HOUR + 5 * MINUTE, HOUR, "5 min later"),
    ],
)
def test_a_time_is_compared_with_the_one_before(now: int | None, before: int | None, words: str) -> None:
    assert numbers.sooner(now, before) == words


def test_a_spark_line_begins_at_nothing_and_has_gaps() -> None:
    path, dot = numbers.spark([0, 10, None, 5])
    assert path == "M3.0 29.0h0L41.0 3.0M117.0 16.0h0"
    assert dot == "M117.0 16.0h0"
    assert numbers.spark([None, None]) == ("", "")
