"""What a lane logs of its refusals, however many there are."""

from __future__ import annotations

from typing import Any

import pytest

from stagewise import calls
from stagewise.calls import REFUSALS_A_SECOND, Calls
from stagewise.core.addresses import Caller
from stagewise.core.submission import Submission
from stagewise.store.records import Decision


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now


class Lines:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []

    def info(self, event: str, **values: Any) -> None:
        """One line."""
        self.kept.append({"event": event, **values})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(calls, "time", made)
    return made


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    made = Lines()
    monkeypatch.setattr(calls, "_log", made)
    return made


def refuse(noted: Calls, clock: Clock, count: int) -> None:
    submission = Submission("a-key", Caller("203.0.113.7", "peer", "203.0.113.7"), "an-id")
    for _ in range(count):
        noted.note(submission, Decision("rate_limited"), clock.now)


def test_a_flood_of_refusals_does_not_fill_the_log_and_is_counted_to_the_last(clock: Clock, lines: Lines) -> None:
    noted = Calls()
    refuse(noted, clock, REFUSALS_A_SECOND + 50)
    assert len(lines.kept) == REFUSALS_A_SECOND
    assert noted.outcomes["rate_limited"] == REFUSALS_A_SECOND + 50
    clock.now += 1
    refuse(noted, clock, 2)
    assert [line.get("unlogged") for line in lines.kept[REFUSALS_A_SECOND:]] == [50, None]


def test_every_refusal_of_an_ordinary_second_is_logged(clock: Clock, lines: Lines) -> None:
    noted = Calls()
    for _ in range(10):
        refuse(noted, clock, REFUSALS_A_SECOND)
        clock.now += 1
    assert len(lines.kept) == 10 * REFUSALS_A_SECOND
    assert not any("unlogged" in line for line in lines.kept)
