"""The rolling window against a model that keeps every hit for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stagewise.core.limits import WINDOW_MS, Window

#: Steps of a history: wait so long, then post; or change the limit.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.sampled_from([0, 1, 999, 1_000, 3_600_000, WINDOW_MS - 1, WINDOW_MS])),
        st.tuples(st.just("limit"), st.integers(1, 6)),
    ),
    max_size=60,
)


def window(limit: int, hits: list[int], now: int) -> Window:
    """A window as the databases' views make it of all hits."""
    inside = sorted((at for at in hits if at > now - WINDOW_MS), reverse=True)
    nth = inside[limit - 1] if len(inside) > limit else None
    return Window(limit, len(inside), inside[-1] if inside else None, nth)


@given(STEPS, st.integers(1, 6))
def test_never_more_than_the_limit_in_any_24_hours_and_never_fewer_than_allowed(
    steps: list[tuple[str, int]], limit: int
) -> None:
    now = 1_800_000_000_000
    hits: list[int] = []
    for what, value in steps:
        if what == "limit":
            limit = value
            continue
        now += value
        found = window(limit, hits, now)
        newest = sorted(hits, reverse=True)
        may = len(newest) < limit or newest[limit - 1] <= now - WINDOW_MS
        assert found.is_full is not may
        if may:
            hits.append(now)
            found.take(now)
            assert found.figures(now).remaining == max(0, limit - found.count)
        else:
            wait = found.refused(now).reset
            assert wait is not None
            assert wait >= 1
            assert not window(limit, hits, now + wait * 1000).is_full, "whoever waits as long as told succeeds"
            assert window(limit, hits, now + (wait - 1) * 1000).is_full, "nobody is told to wait longer than needed"


@given(st.integers(1, 20), st.integers(1, 40))
def test_within_a_batch_slots_are_used_one_by_one(limit: int, posts: int) -> None:
    found = Window(limit)
    created = 0
    for _ in range(posts):
        if not found.is_full:
            found.take(1_000)
            created += 1
    assert created == min(limit, posts)


def test_seconds_are_rounded_up() -> None:
    full = Window(1, 1, oldest=500)
    assert full.refused(500).reset == 86_400
    assert full.refused(501).reset == 86_400
    assert full.refused(1_500).reset == 86_399
    assert full.refused(500 + WINDOW_MS - 1).reset == 1


def test_an_empty_window_has_no_time_to_tell() -> None:
    assert Window(3).figures(0).reset is None
