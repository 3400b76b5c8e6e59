"""Deadlines for bodies, cheap enough for every request: one timer looks after all of them."""

from __future__ import annotations

import asyncio
import time

#: A body must be complete this long after its head, in seconds.
BODY_S = 10.0
_STEP_S = 0.25


class Deadlines:
    """Cancels the tasks that registered and did not finish in time; they catch the cancellation and answer 408.

    Made inside the event loop, which it keeps: asking asyncio for it costs a system call each time.
    """

    def __init__(self) -> None:
        self._open: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def begin(self) -> asyncio.Task[object]:
        """Start the clock of the current task."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        self._open[task] = time.monotonic() + BODY_S
        if self._timer is None:
            self._timer = self._loop.call_later(_STEP_S, self._look)
        return task

    def end(self, task: asyncio.Task[object]) -> None:
        """Stop the clock."""
        self._open.pop(task, None)

    def was_late(self, task: asyncio.Task[object]) -> bool:
        """Whether the cancellation that the task just caught came from here."""
        if task in self._late:
            self._late.discard(task)
            return True
        return False

    def _look(self) -> None:
        now = time.monotonic()
        # Tasks register in order of time, so the first that is not late ends the search.
        for task, deadline in list(self._open.items()):
            if deadline > now:
                break
            del self._open[task]
            self._late.add(task)
            task.cancel()
        self._timer = self._loop.call_later(_STEP_S, self._look) if self._open else None
