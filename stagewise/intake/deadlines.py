"""Deadlines for bodies, cheap enough for every request: one timer looks after all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

from stagewise.intake.body import Unreadable

Read = TypeVar("Read")

#: A body must be complete this long after its head, in seconds.
BODY_S = 10.0
_STEP_S = 0.25


class Deadlines:
    """Cancels what is read by tasks that do not finish in time; they answer 408.

    Made inside the event loop, which it keeps: asking asyncio for it costs a system call each time.
    """

    def __init__(self) -> None:
        self._open: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    async def keep(self, reading: Awaitable[Read]) -> Read:
        """What ``reading`` returns, if it comes in time. Raises :class:`Unreadable` (timeout) if not."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        self._open[task] = time.monotonic() + BODY_S
        if self._timer is None:
            self._timer = self._loop.call_later(_STEP_S, self._look)
        try:
            return await reading
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            raise Unreadable("timeout") from None
        finally:
            self._open.pop(task, None)
            self._late.discard(task)

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
