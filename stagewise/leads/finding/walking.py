"""Walking along a driver, window by window, until enough is found, the end is reached, or time is up."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

from stagewise.leads.finding import drivers, texts
from stagewise.leads.finding.patience import TooLate, broken_off_after
from stagewise.leads.finding.wanted import leads_of_window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stagewise.leads.finding.drivers import Driver
    from stagewise.leads.finding.wanted import Condition, Wanted

#: Row ids are below this.
TOP = 2**62

#: So many of the newest leads are looked at before an index that holds many is walked: mostly they are enough.
_TASTE = 2_048
#: It has this long in any case, in seconds: for what is rare it needs little, and nothing else finds it.
_SEARCHING_S = 0.06
#: So long an index of texts may take to find few leads, in seconds; where it takes longer, they are many.
_GATHERING_S = 0.03
#: With so many among them, a page is full soon enough when one just goes on.
_TASTY = 10
_LARGEST_WINDOW = 32_768
#: A window is to take so long, in seconds: the next is larger or smaller by how long the last one took.
_WINDOW_S = 0.01
#: But by no more than this, as the next leads may be others.
_STEP = 2

_ENDS = """
SELECT (SELECT min(id) FROM lead WHERE workspace_id = %s), (SELECT max(id) FROM lead WHERE workspace_id = %s)
"""


@dataclass
class Budget:
    """How long may be looked, in seconds (None: to the end); ``window`` is how many leads are looked at first."""

    seconds: float | None = 0.03
    window: int = 256
    _begun: float = field(default_factory=time.monotonic)

    def is_over(self, share: float = 1.0) -> bool:
        """Whether that share of the time is over."""
        return self.seconds is not None and time.monotonic() - self._begun >= self.seconds * share

    def next_window(self, size: int, took: float) -> int:
        """How many leads to look at next, after a window of ``size`` that took so many seconds."""
        seconds = _WINDOW_S if self.left is None else min(_WINDOW_S, self.left)
        wanted = size * min(max(seconds / max(took, 1e-6), 1 / _STEP), _STEP)
        return max(1, min(int(wanted), max(_LARGEST_WINDOW, self.window)))

    @property
    def patience(self) -> float | None:
        """Seconds that a window may take before it is broken off; None: as long as it needs."""
        return None if self.left is None else self.left + _WINDOW_S

    @property
    def left(self) -> float | None:
        """Seconds that are left; None: without end."""
        return None if self.seconds is None else max(0.0, self.seconds - (time.monotonic() - self._begun))


class Found(NamedTuple):
    """Ids in order; the edge behind which one would go on; whether nothing comes after it."""

    ids: list[int]
    edge: int
    complete: bool


class Stretch(NamedTuple):
    """Row ids from ``low`` to below ``high``, and what is walked along there; ``most`` leads are looked at."""

    driver: Driver
    low: int
    high: int
    most: int | None = None

    @property
    def is_empty(self) -> bool:
        return self.low >= self.high

    def after(self, edge: int | None, *, newest: bool) -> Stretch:
        """What of it lies behind the edge, which itself was looked at."""
        if edge is None:
            return self
        return self._replace(high=min(self.high, edge)) if newest else self._replace(low=max(self.low, edge + 1))

    def begin(self, *, newest: bool) -> Stretch:
        """As much of it as its driver covers at once, from where the walk begins."""
        span = self.driver.span
        if span is None or self.high - self.low <= span:
            return self
        return self._replace(low=self.high - span) if newest else self._replace(high=self.low + span)

    def end(self, *, newest: bool) -> int:
        """The edge when all of it was looked at."""
        return self.low if newest else self.high - 1


class Walk:
    """A walk in the order of row ids, ``newest`` first or oldest first; ``more`` are conditions beside the filters'."""

    def __init__(self, wanted: Wanted, budget: Budget, *, newest: bool, more: tuple[Condition, ...] = ()) -> None:
        self.wanted = wanted
        self.budget = budget
        self.newest = newest
        self._where = wanted.where(*more)
        self._size = budget.window
        self._chosen: tuple[Stretch, tuple[Driver | None, bool]] | None = None
        self._known_ends: tuple[int, int] | None = None
        #: How many leads have been found.
        self._count = 0

    def collect(self, most: int, edge: int | None = None, along: Driver | None = None, share: float = 1.0) -> Found:
        """The first ``most`` leads behind the edge.

        ``along`` is what to walk along, if that is known; ``share`` is how much of the time may be taken.
        """
        ids: list[int] = []
        went = False
        for whole in self._stretches(edge, along):
            rest, looked, self._size = whole.after(edge, newest=self.newest), 0, self.budget.window
            while not rest.is_empty and (whole.most is None or looked < whole.most):
                part, begun = rest.begin(newest=self.newest), time.monotonic()
                size = self._size if whole.most is None else min(self._size, whole.most - looked)
                try:
                    # The first window is looked through in any case, so that whoever goes on comes further.
                    with broken_off_after(self.budget.patience if went else None):
                        found, last, count = self._look(part, size, most - len(ids))
                except TooLate:
                    return Found(ids, edge or 0, complete=False)
                went = True
                ids += found
                self._count = len(ids)
                if len(ids) >= most:
                    return Found(ids, ids[-1], complete=False)
                edge = last if last is not None and count >= size else part.end(newest=self.newest)
                rest, looked = rest.after(edge, newest=self.newest), looked + size
                self._size = self.budget.next_window(size, time.monotonic() - begun)
                if self.budget.is_over(share) and not rest.is_empty:
                    return Found(ids, edge, complete=False)
        return Found(ids, edge or 0, complete=True)

    def gather(self, most: int, share: float) -> list[int] | None:
        """All leads, where an index says that they are few; None: they are many, or were not found in time."""
        main = self._main()
        if main.is_empty:
            return []
        _, few = self._cheapest(main)
        if few:
            found = self.collect(most, share=share)
        elif texts.can_ask(self.wanted):
            ids = texts.found(self.wanted, main.low, main.high, _GATHERING_S, newest=self.newest)
            if ids is None or len(ids) >= texts.AT_MOST:
                return None
            found = self.collect(most, along=drivers.only(ids), share=share)
        else:
            return None
        return found.ids if found.complete else None

    def _stretches(self, edge: int | None, along: Driver | None) -> Iterator[Stretch]:
        """What is walked, one after the other."""
        bounds, main = self.wanted.bounds, self._main()
        late = Stretch(drivers.only(list(bounds.late)), main.high, TOP) if bounds.late else None
        if late and self.newest:
            yield late
        if along is None:
            yield from self._best(main, edge)
        else:
            yield main._replace(driver=along)
        if late and not self.newest:
            yield late

    def _best(self, main: Stretch, edge: int | None) -> Iterator[Stretch]:
        """Walk along the index with the fewest leads; where all hold many, look at the first leads themselves first."""
        rest = main.after(edge, newest=self.newest)
        if rest.is_empty:
            return
        best, few = self._cheapest(rest)
        texts_know = not few and texts.can_ask(self.wanted)
        if (best is not None and not few) or texts_know:
            yield main._replace(most=_TASTE)
        if texts_know and self._count < _TASTY:
            seconds = None if self.budget.left is None else max(self.budget.left, _SEARCHING_S)
            ids = texts.found(self.wanted, rest.low, rest.high, seconds, newest=self.newest)
            if ids is not None and len(ids) < texts.AT_MOST:
                yield main._replace(driver=drivers.only(ids))
                return
            if ids:
                known = main._replace(driver=drivers.only(ids))
                yield known._replace(low=ids[-1]) if self.newest else known._replace(high=ids[-1] + 1)
        yield main._replace(driver=best or main.driver)

    def _cheapest(self, rest: Stretch) -> tuple[Driver | None, bool]:
        """See :func:`stagewise.leads.finding.drivers.cheapest`; asked once for each stretch."""
        if self._chosen is None or self._chosen[0] != rest:
            self._chosen = rest, drivers.cheapest(drivers.candidates(self.wanted), rest.low, rest.high)
        return self._chosen[1]

    def _main(self) -> Stretch:
        """All row ids that can be meant, but for the late ones; along all leads."""
        low, high = self._ends()
        bounds = self.wanted.bounds
        low = low if bounds.first is None else max(low, bounds.first)
        return Stretch(drivers.everything(self.wanted), low, high if bounds.end is None else bounds.end)

    def _ends(self) -> tuple[int, int]:
        """The smallest id of the workspace's leads, and what lies above all of them."""
        if self._known_ends is None:
            workspace = self.wanted.workspace_id
            with connection.cursor() as cursor:
                # Each by itself is one step in the index.
                cursor.execute(_ENDS, [workspace, workspace])
                first, last = cursor.fetchone()
            self._known_ends = first or 0, (last or 0) + 1
        return self._known_ends

    def _look(self, part: Stretch, size: int, most: int) -> tuple[list[int], int | None, int]:
        """Look at a window: the leads of it that are meant, the last id of the window, and how many it holds."""
        window, values = part.driver.window(part.low, part.high, size, newest=self.newest)
        order, last = ("DESC", "min") if self.newest else ("ASC", "max")
        # Values are passed beside; the rest is written in this package.
        sql = f"""
        WITH seen AS MATERIALIZED ({window}),
        meant AS (
          SELECT l.id AS id FROM {leads_of_window(self.wanted)}
          WHERE l.id = seen.id AND {self._where.sql} ORDER BY l.id {order} LIMIT {int(most)}
        )
        SELECT 0, id, 0 FROM meant UNION ALL SELECT 1, {last}(id), count(*) FROM seen
        """  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(sql, [*values, *self._where.values])
            rows = cursor.fetchall()
        ids = sorted((row[1] for row in rows if row[0] == 0), reverse=self.newest)
        edge, count = next((row[1], row[2]) for row in rows if row[0] == 1)
        return ids, edge, count
