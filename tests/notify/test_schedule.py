"""When a delivery is tried again: the figures alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagewise.notify import schedule

TIMES = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600]


def middle() -> float:
    return 0.5


def test_ten_tries_lie_this_far_apart() -> None:
    assert [schedule.wait_s(tries, None, middle) for tries in range(1, 11)] == [*TIMES, None]


@given(tries=st.integers(1, 9), chance=st.floats(0, 1))
def test_no_try_is_more_than_a_fifth_from_its_time(tries: int, chance: float) -> None:
    wait = schedule.wait_s(tries, None, lambda: chance)
    assert wait is not None
    assert abs(wait - TIMES[tries - 1]) <= 0.2 * TIMES[tries - 1] + 1e-6


@given(tries=st.integers(1, 9), asked=st.integers(0, 10**9), chance=st.floats(0, 1))
def test_a_receiver_that_asks_for_a_pause_is_never_asked_sooner(tries: int, asked: int, chance: float) -> None:
    wait = schedule.wait_s(tries, asked, lambda: chance)
    assert wait is not None
    assert wait >= min(asked, 24 * 3600)
    assert wait <= max(1.2 * TIMES[tries - 1], min(1.2 * asked, 24 * 3600)) + 1e-6


@pytest.mark.parametrize(("asked", "waits"), [(120, 132), (1, 5), (10**6, 24 * 3600)])
def test_a_pause_is_at_least_as_long_as_usual_and_at_most_a_day(asked: int, waits: float) -> None:
    assert schedule.wait_s(1, asked, middle) == pytest.approx(waits)


def test_after_the_last_try_no_pause_helps() -> None:
    assert schedule.wait_s(10, 60, middle) is None
