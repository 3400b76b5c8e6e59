"""A lane for a database in this process: only what waits for the disk goes to the thread.

With SQLite nearly all of a batch is computing under the interpreter lock. In a thread each statement hands that lock to
the event loop and waits to get it back, which takes longer than the statement. So the event loop itself decides and
writes, if the write lock is free at once, and the thread only commits; meanwhile the loop gathers the next batch.
Whatever does not go smoothly goes the thread's whole way: there it may wait, fail and try again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from stagewise.core.submission import Submission
from stagewise.store.lane import Batch, Lane, Pending, Settle
from stagewise.store.records import Decision

Rest = Callable[[], Sequence[Decision | None]]
#: Does the first half of a batch at once, and returns the half that waits for the disk; None: it did nothing.
Start = Callable[[Batch], Rest | None]


class QuickLane(Lane):
    """As :class:`Lane`, but driven by the event loop. The thread and ``start`` never work at the same time."""

    def __init__(
        self,
        name: str,
        settle: Settle,
        *,
        start: Start,
        undecided: Callable[[Pending], None],
        give_up: Callable[[Submission, str], Decision],
    ) -> None:
        super().__init__(name, settle, undecided=undecided, give_up=give_up)
        self._start = start
        self._chores: deque[Callable[[], None]] = deque()
        self._busy = False
        self._scheduled = False

    def call(self, job: Callable[[], None]) -> None:
        """Run something in the thread, between two batches."""
        self._chores.append(job)
        self._wake()

    def _has_work(self) -> bool:
        return self._busy or bool(self._chores) or super()._has_work()

    def _wake(self) -> None:
        if not self._busy and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        """In the event loop: give the thread something to do, if there is something."""
        self._scheduled = False
        if self._busy:
            return
        if self._chores:
            self._busy = True
            chore = self._chores.popleft()
            self._jobs.put(lambda: self._do(chore))
        elif batch := self._take():
            self._carry_on(batch, self._start(batch))

    def _carry_on(self, batch: Batch, rest: Rest | None) -> None:
        """In the event loop: let the thread do the rest."""
        self._busy = True
        self._jobs.put(lambda: self._finish(batch, rest))

    def _do(self, chore: Callable[[], None]) -> None:
        """In the thread."""
        try:
            chore()
        finally:
            self._loop.call_soon_threadsafe(self._ended)

    def _finish(self, batch: Batch, rest: Rest | None) -> None:
        """In the thread."""
        decisions = self._settle(batch) if rest is None else rest()
        self._current = None
        self._loop.call_soon_threadsafe(self._ended, batch, decisions)

    def _ended(self, batch: Batch | None = None, decisions: Sequence[Decision | None] = ()) -> None:
        """In the event loop: the thread is free again."""
        self._busy = False
        if batch is not None:
            self._deliver(batch, decisions)
        self._next()


class LoopLane(QuickLane):
    """As :class:`QuickLane`, where no half waits for the disk: what goes smoothly never leaves the event loop."""

    def _carry_on(self, batch: Batch, rest: Rest | None) -> None:
        if rest is None:
            super()._carry_on(batch, rest)
            return
        decisions = rest()
        self._current = None
        self._deliver(batch, decisions)
        if self._waiting or self._chores:
            self._wake()
