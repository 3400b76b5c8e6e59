"""Bulk work in slices: none holds the write lock for long, and there is more pause than work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: A slice should hold the database's write lock at most this long, in seconds: a lead may have to wait for it.
SLICE_S = 0.02
#: After each slice we rest this many times as long as it took: the lane comes first.
REST = 3.0
_LARGEST = 1_000
_SMALLEST = 10


class Size:
    """How many rows the next step takes: it follows how long the last ones took."""

    def __init__(self, first: int = 100, most: int = _LARGEST) -> None:
        self.rows = first
        self._most = most

    def took(self, seconds: float) -> None:
        """Learn how long the last step took."""
        if seconds > SLICE_S:
            self.rows = max(self.rows // 2, _SMALLEST)
        elif seconds < SLICE_S / 3:
            self.rows = min(self.rows * 2, self._most)


class Slices:
    """Repeats a step until it finds nothing."""

    def __init__(self, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._stop = stop
        self._clock = clock
        self._size = Size()

    def work(self, step: Callable[[int], int]) -> int:
        """Call ``step(size)``, which handles at most that many rows and returns how many, until that is fewer.

        Ends early when we are told to stop. Returns how many rows were handled in all.
        """
        handled = 0
        while not self._stop.is_set():
            size = self._size.rows
            begun = self._clock()
            done = step(size)
            took = self._clock() - begun
            handled += done
            self._size.took(took)
            if done < size:
                break
            self._stop.wait(took * REST)
        return handled
