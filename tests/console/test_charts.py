"""Charts as shapes: where bars and lines are, and what the axes say."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pytest

from stagewise.console import charts

NAMES = {"taken": "Taken", "limit": "Over the limit"}
TIMES = ["10:00", "10:01", "10:02"]
HOUR = 3_600_000
#: Tuesday, 22 September 2026, 10:40 in Berlin.
MORNING = 1_790_066_400_000


def rectangles(path: str) -> list[tuple[float, float, float]]:
    """The rectangles of a path: left, top, height."""
    found = re.findall(r"M([\d.]+) ([\d.]+)h8v([\d.]+)h-8z", path)
    return [(float(left), float(top), float(high)) for left, top, high in found]


def test_bars_stand_on_each_other() -> None:
    chart = charts.bars([{"taken": 5, "limit": 3}, {}, {"limit": 10}], NAMES, TIMES, ["10:00", "now"])
    taken, limit = chart.series
    assert rectangles(taken.path) == [(1, 50, 50)]
    assert rectangles(limit.path) == [(1, 20, 30), (21, 0, 100)]
    assert (taken.total, limit.total) == (5, 13)
    assert (chart.up, chart.width) == (["10", "5", "0"], 30)


def test_what_never_happened_has_no_series() -> None:
    assert [series.name for series in charts.bars([{"taken": 1}], NAMES, TIMES[:1], []).series] == ["taken"]


def test_pointing_at_a_bar_says_what_it_is() -> None:
    chart = charts.bars([{"taken": 1200, "limit": 3}, {}, {"limit": 1}], NAMES, TIMES, [])
    assert [tuple(hover) for hover in chart.hovers] == [
        (0, "10:00: Taken 1,200, Over the limit 3"),
        (20, "10:02: Over the limit 1"),
    ]


def test_lines_have_gaps_where_nothing_was_measured() -> None:
    chart = charts.lines({"half": ("Half", [0.001, None, 0.002])}, TIMES, [], charts.seconds)
    assert chart.series[0].path == "M0 50.00H10M20 0.00H30"
    assert chart.up == ["2 ms", "1 ms", "0 ms"]
    assert [hover.words for hover in chart.hovers] == ["10:00: Half 1 ms", "10:02: Half 2 ms"]


def test_neighbours_are_joined() -> None:
    chart = charts.lines({"queue": ("Queue", [1.0, 2.0])}, TIMES[:2], [], str, whole=True)
    assert chart.series[0].path == "M0 50.00H10V0.00H20"


def test_a_chart_of_nothing_can_be_drawn() -> None:
    assert charts.bars([{}], NAMES, TIMES[:1], []).series == []
    assert charts.lines({"half": ("Half", [None])}, TIMES[:1], [], charts.seconds).series[0].path == ""


@pytest.mark.parametrize(
    ("most", "end"),
    [(0, 2), (1, 2), (2, 2), (3, 4), (9, 10), (11, 20), (99, 100), (101, 150), (210, 250), (9001, 10_000)],
)
def test_an_axis_of_counts_ends_at_a_round_even_number(most: float, end: float) -> None:
    assert charts.round_up(most) == end


@pytest.mark.parametrize(("most", "end"), [(0, 1), (0.0007, 0.0008), (0.0021, 0.0025), (1.2, 1.5), (10, 10)])
def test_an_axis_of_times_ends_at_a_round_number(most: float, end: float) -> None:
    assert charts.round_up(most, whole=False) == pytest.approx(end)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0 ms"), (0.0008, "0.8 ms"), (0.0125, "12 ms"), (0.25, "250 ms"), (1.5, "1.5 s"), (10, "10 s")],
)
def test_times_are_short(value: float, words: str) -> None:
    assert charts.seconds(value) == words


def test_the_axis_of_time_is_in_the_workspaces_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    minutes = [MORNING + number * 60_000 for number in range(60)]
    assert charts.across(minutes, berlin, 60_000) == ["10:40", "10:55", "11:10", "11:25", "now"]
    days = [MORNING + number * 2 * HOUR for number in range(84)]
    assert charts.across(days, berlin, 2 * HOUR) == ["Tue 22", "Thu 24", "Fri 25", "Sun 27", "now"]
    assert charts.clock(MORNING, berlin, 2 * HOUR) == "Tue 10:40"
