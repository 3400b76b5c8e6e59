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
#: Submissions that may wait for a batch; more are refused at the next sweep.
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
    """A queue and its thread. Methods with an underscore that say so run in the thread, all others in the event loop.

    The thread fetches the next batch itself: to be handed one by the event loop would cost it a turn of the loop after
    every commit.
    """

    def __init__(
        self,
        name: str,
        settle: Settle,
        *,
        undecided: Callable[[Pending], None],
        give_up: Callable[[Submission, str], Decision],
    ) -> None:
        self._settle = settle
        self._undecided = undecided
        self._give_up = give_up
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Pending] = deque()
        #: Came when the queue was full.
        self._turned_away: list[Pending] = []
        #: Held while submissions are taken out of the queue: by the thread, or by the sweep.
        self._taking = threading.Lock()
        self._current: Batch | None = None
        #: Whether the thread looks into the queue before it sleeps again, so that nobody need wake it.
        self._awake = False
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"ledger-{name}", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        batch = self._current
        return len(self._waiting) + (len(batch.items) if batch else 0)

    def put(self, pending: Pending) -> None:
        """Queue a submission; what comes while the queue is full waits for its refusal until the next sweep.

        Who is refused at once and asks again at once would keep the lane busy with refusing.
        """
        if len(self._waiting) >= QUEUE:
            self._turned_away.append(pending)
            return
        self._waiting.append(pending)
        self._wake()

    def call(self, job: Callable[[], None]) -> None:
        """Run something in the lane's thread, between two batches."""
        self._jobs.put(job)

    def sweep(self) -> None:
        """Refuse those who found the queue full, or have waited too long; called a few times a second."""
        turned_away, self._turned_away = self._turned_away, []
        for pending in turned_away:
            self._answer(pending, "unavailable")
        now = time.monotonic()
        with self._taking:
            late = []
            while self._waiting and now - self._waiting[0].since > PATIENCE_S:
                late.append(self._waiting.popleft())
        for pending in late:
            self._answer(pending, "unavailable")
        batch = self._current
        if batch is not None and now - batch.since > PATIENCE_S:
            if batch.abandon():
                self._answer_all(batch, "unavailable")
            elif now - batch.since > 2 * PATIENCE_S:
                self._answer_all(batch, "outcome_unknown")

    async def stop(self) -> None:
        """Settle what is waiting, then end the thread."""
        while self._has_work():
            self.sweep()
            await asyncio.sleep(0.01)
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join, PATIENCE_S)

    def _has_work(self) -> bool:
        """Whether something is still to be done before the thread may end."""
        return len(self) > 0 or bool(self._turned_away)

    def _wake(self) -> None:
        """In the event loop: see that somebody looks into the queue."""
        if not self._awake:
            self._awake = True
            # Not at once: what else this turn of the event loop brings goes into the same batch.
            self._loop.call_soon(self._jobs.put, self._empty_queue)

    def _work(self) -> None:
        """The thread."""
        while (job := self._jobs.get()) is not None:
            job()

    def _empty_queue(self) -> None:
        """In the thread: settle batch after batch until the queue is empty; other jobs come in between."""
        while batch := self._take():
            decisions = self._settle(batch)
            self._current = None
            self._loop.call_soon_threadsafe(self._deliver, batch, decisions)
            if not self._jobs.empty():
                self._jobs.put(self._empty_queue)
                return

    def _take(self) -> Batch | None:
        """The next batch; None, and the thread may sleep, when nobody waits."""
        with self._taking:
            if not self._waiting:
                self._awake = False
                # Whoever queued up before that line saw the thread awake and did not wake it.
                if not self._waiting:
                    return None
                self._awake = True
            count = min(BATCH, len(self._waiting))
            batch = self._current = Batch([self._waiting.popleft() for _ in range(count)])
            return batch

    def _deliver(self, batch: Batch, decisions: Sequence[Decision | None]) -> None:
        for pending, decision in zip(batch.items, decisions, strict=True):
            if pending.future.done():
                continue
            if decision is None:
                self._undecided(pending)
            else:
                pending.future.set_result(decision)

    def _answer(self, pending: Pending, outcome: str) -> None:
        if not pending.future.done():
            pending.future.set_result(self._give_up(pending.submission, outcome))

    def _answer_all(self, batch: Batch, outcome: str) -> None:
        for pending in batch.items:
            self._answer(pending, outcome)
