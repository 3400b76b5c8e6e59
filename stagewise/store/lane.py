"""A lane: submissions queue up, a thread of its own settles them batch by batch.

While one batch is being settled the next gathers; there is no gathering delay. The queue is bounded, and nobody waits
for ever: who has waited too long is told so, and a batch that was told "nothing was stored" is not stored afterwards.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue

from stagewise.core.submission import Submission
from stagewise.store.records import Decision

#: Submissions in one batch at most.
BATCH = 256
#: Submissions that may wait for a batch; more are refused at once.
QUEUE = 2_048
#: Nobody waits longer than this for a batch to begin, nor (twice this) for it to end, in seconds.
PATIENCE_S = 5.0


class Pending:
    """A submission and the future of its decision."""

    __slots__ = ("future", "since", "submission")

    def __init__(self, submission: Submission, future: asyncio.Future[Decision]) -> None:
        self.submission = submission
        self.future = future
        self.since = time.monotonic()


class Batch:
    """Submissions that are settled together. Exactly one of :meth:`enter` and :meth:`abandon` succeeds."""

    def __init__(self, items: Sequence[Pending]) -> None:
        self.items = items
        self.submissions = [item.submission for item in items]
        self.since = time.monotonic()
        self._lock = threading.Lock()
        self._taken = ""

    def enter(self) -> bool:
        """Called by the thread when it has its locks: from here on something may be stored."""
        return self._take("entered")

    def abandon(self) -> bool:
        """Called when the callers have waited too long: from here on nothing will be stored."""
        return self._take("abandoned")

    def _take(self, what: str) -> bool:
        with self._lock:
            if self._taken and self._taken != what:
                return False
            self._taken = what
            return True


Settle = Callable[[Batch], Sequence[Decision | None]]


class Lane:
    """A queue and its thread. All methods but the thread's own run in the event loop."""

    def __init__(
        self,
        name: str,
        settle: Settle,
        *,
        undecided: Callable[[Pending], None],
        give_up: Callable[[Submission, str], Decision],
    ) -> None:
        self.name = name
        self._settle = settle
        self._undecided = undecided
        self._give_up = give_up
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Pending] = deque()
        self._current: Batch | None = None
        self._scheduled = False
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"ledger-{name}", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._waiting) + (len(self._current.items) if self._current else 0)

    def put(self, pending: Pending) -> None:
        """Queue a submission; a full queue answers at once."""
        if len(self._waiting) >= QUEUE:
            pending.future.set_result(self._give_up(pending.submission, "unavailable"))
            return
        self._waiting.append(pending)
        if self._current is None and not self._scheduled:
            # Not at once: what else this turn of the event loop brings goes into the same batch.
            self._scheduled = True
            self._loop.call_soon(self._next)

    def call(self, job: Callable[[], None]) -> None:
        """Run something in the lane's thread, between two batches."""
        self._jobs.put(job)

    def sweep(self) -> None:
        """Answer those who have waited too long; called a few times a second."""
        now = time.monotonic()
        while self._waiting and now - self._waiting[0].since > PATIENCE_S:
            self._answer(self._waiting.popleft(), "unavailable")
        batch = self._current
        if batch is not None and now - batch.since > PATIENCE_S:
            if batch.abandon():
                self._answer_all(batch, "unavailable")
            elif now - batch.since > 2 * PATIENCE_S:
                self._answer_all(batch, "outcome_unknown")

    async def stop(self) -> None:
        """Settle what is waiting, then end the thread."""
        while len(self):
            self.sweep()
            await asyncio.sleep(0.01)
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join, PATIENCE_S)

    def _next(self) -> None:
        self._scheduled = False
        if not self._waiting or self._current is not None:
            return
        take = min(BATCH, len(self._waiting))
        batch = self._current = Batch([self._waiting.popleft() for _ in range(take)])
        self._jobs.put(lambda: self._run(batch))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _run(self, batch: Batch) -> None:
        decisions = self._settle(batch)
        self._loop.call_soon_threadsafe(self._finished, batch, decisions)

    def _finished(self, batch: Batch, decisions: Sequence[Decision | None]) -> None:
        self._current = None
        for pending, decision in zip(batch.items, decisions, strict=True):
            if pending.future.done():
                continue
            if decision is None:
                self._undecided(pending)
            else:
                pending.future.set_result(decision)
        self._next()

    def _answer(self, pending: Pending, outcome: str) -> None:
        if not pending.future.done():
            pending.future.set_result(self._give_up(pending.submission, outcome))

    def _answer_all(self, batch: Batch, outcome: str) -> None:
        for pending in batch.items:
            self._answer(pending, outcome)
