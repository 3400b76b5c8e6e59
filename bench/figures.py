"""What is measured, and how it is summed up: runs, ratios of one round, medians over rounds, the table."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

#: Who is compared with whom, and what we ask of it.
RATIOS = (("b", "a", 0.45), ("c", "a", 0.35), ("b", "d", 25.0), ("b", "e", 100.0))


class Load(msgspec.Struct, frozen=True):
    """What a load tool saw of one run. Both tools print exactly this as JSON; times are microseconds."""

    sent: int
    #: Answers 201 within the timed seconds. Those to requests still under way then are in ``created`` alone.
    in_time: int
    created: int
    #: Answers with another status than 201.
    refused: int
    #: Connections that failed.
    broken: int
    p50_us: int
    p99_us: int

    @property
    def failures(self) -> int:
        """Everything that did not end in a 201."""
        return self.sent - self.created + self.broken


class Rows(msgspec.Struct, frozen=True):
    """What a run left in the database; ``None`` where that contestant has no such table."""

    leads: int
    #: How many different addresses of mail the leads have.
    emails: int
    hits: int | None = None
    attempts: int | None = None
    counted: int | None = None
    events: int | None = None

    def problem(self, created: int) -> str:
        """Why these rows do not match that many answers 201; empty when they do, each and every one."""
        counts = msgspec.structs.asdict(self)
        wrong = [f"{count:,} {name}" for name, count in counts.items() if count not in (None, created)]
        return f"{created:,} answers 201, but {', '.join(wrong)}" if wrong else ""


def rows_of(database: Path, table: str) -> Rows:
    """The leads of a contestant that keeps them in one table of a SQLite file."""
    connection = sqlite3.connect(database)
    try:
        leads, emails = connection.execute(f"SELECT count(*), count(DISTINCT email) FROM {table}").fetchone()
    finally:
        connection.close()
    return Rows(leads=leads, emails=emails)


class Run(msgspec.Struct, frozen=True):
    """One timed run of one contestant."""

    contestant: str
    round: int
    seconds: float
    load: Load
    #: Rows after it, the warm-up's included; ``None`` where nothing is stored.
    rows: Rows | None
    warm_up: Load
    #: Seconds that the worker took afterwards to empty the outbox.
    drained: float
    #: Empty, or what was wrong with it.
    problem: str

    @property
    def rate(self) -> float:
        """Answers 201 per second."""
        return self.load.in_time / self.seconds

    @property
    def failures(self) -> int:
        """Everything that did not end in a 201, the warm-up included."""
        return self.warm_up.failures + self.load.failures


class Ratio(msgspec.Struct, frozen=True):
    """One contestant's rate over another's: of each round, so that both met the same machine."""

    of: str
    over: str
    asked: float
    low: float
    middle: float
    high: float


def ratios(runs: Sequence[Run]) -> list[Ratio]:
    """The ratios whose two sides were both run."""
    found = []
    rates = {(run.contestant, run.round): run.rate for run in runs}
    rounds = sorted({run.round for run in runs})
    for of, over, asked in RATIOS:
        pairs = [(rates.get((of, number)), rates.get((over, number))) for number in rounds]
        values = [one / other for one, other in pairs if one is not None and other]
        if values:
            found.append(Ratio(of, over, asked, min(values), median(values), max(values)))
    return found


def table(runs: Sequence[Run], titles: dict[str, str]) -> str:
    """The figures for people: a line per contestant with medians over the rounds, then the ratios."""
    lines = [f"{'medians over the rounds':46}{'created/s':>10}{'min to max':>19}{'p50 ms':>9}{'p99 ms':>9}  failures"]
    for letter, title in titles.items():
        own = [run for run in runs if run.contestant == letter]
        if own:
            lines.append(_line(f"({letter}) {title}", own))
    compared = ratios(runs)
    if compared:
        lines += ["", f"{'ratio of created/s, round by round':46}{'median':>10}{'min to max':>19}{'asked':>9}"]
    for ratio in compared:
        spread = f"{ratio.low:.2f} to {ratio.high:.2f}"
        verdict = "reached" if ratio.middle >= ratio.asked else "NOT REACHED"
        name = f"({ratio.of})/({ratio.over})"
        lines.append(f"{name:46}{ratio.middle:10.2f}{spread:>19}{ratio.asked:>9.2f}{verdict:>12}")
    return "\n".join(lines)


def _line(title: str, runs: Sequence[Run]) -> str:
    rates = [run.rate for run in runs]
    spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
    p50 = median(run.load.p50_us for run in runs) / 1000
    p99 = median(run.load.p99_us for run in runs) / 1000
    failures = sum(run.failures for run in runs)
    return f"{title:46}{median(rates):10,.0f}{spread:>19}{p50:9.1f}{p99:9.1f}{failures:10,}"
