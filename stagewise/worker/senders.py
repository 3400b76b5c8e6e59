"""Threads that do one thing: try a delivery, and report what came of it. They never touch the queue's tables."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connections

from stagewise.notify import sending
from stagewise.notify.delivering import Tried

if TYPE_CHECKING:
    from collections.abc import Callable

    from stagewise.notify.channels import OpenChannel
    from stagewise.notify.models import Delivery


class Task(NamedTuple):
    """One delivery, ready to be sent."""

    kind: str
    channel: OpenChannel
    delivery: Delivery
    payload: dict[str, Any]
    #: Milliseconds since 1970, by the database's clock.
    at: int


class Senders:
    """At most ``most`` threads, started as they are needed. They end with the process, whatever they wait for."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Tried] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        #: Tasks whose results have not been collected yet.
        self.busy = 0

    @property
    def is_full(self) -> bool:
        """Whether another task would have to wait for a thread."""
        return self.busy >= self.most

    def start(self, task: Task) -> None:
        """Send this one."""
        self.busy += 1
        if self.busy > len(self._threads):
            # Not waited for at exit: a receiver that takes its time must not hold the worker up.
            thread = threading.Thread(target=self._work, name=f"sender-{self.busy}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._tasks.put(task)

    def collect(self, wait_s: float, most: int) -> list[Tried]:
        """Results, ``most`` at a time; without any, wait so many seconds for the first."""
        found: list[Tried] = []
        try:
            if wait_s > 0:
                found.append(self._results.get(timeout=wait_s))
            while len(found) < most:
                found.append(self._results.get_nowait())
        except queue.Empty:
            pass
        self.busy -= len(found)
        return found

    def end(self) -> None:
        """Let threads end that have nothing to do."""
        for _ in self._threads:
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            self._results.put(_tried(task, time.perf_counter))
            # A kind may have asked the database something; thirty idle connections would be too many.
            for connection in connections.all(initialized_only=True):
                connection.close()


def _tried(task: Task, clock: Callable[[], float]) -> Tried:
    begun = clock()
    outcome = sending.send(task.kind, task.channel, task.delivery, task.payload)
    return Tried(task.delivery, outcome, task.at, round((clock() - begun) * 1_000))
