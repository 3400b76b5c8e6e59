"""Bulk work in slices: none holds the write lock for long, and there is more pause than work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: A slice should hold the database's write lock at most this long, in seconds.
SLICE_S = 0.05
#: After each slice we rest this many times as long as it took: the lane comes first.
REST = 3.0
_LARGEST = 1_000
_SMALLEST = 10


class Slices:
    """Repeats a step until it finds nothing, with a size that follows how long the last steps took."""

    def __init__(self, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._stop = stop
        self._clock = clock
        self._size = 100

    def work(self, step: Callable[[int], int]) -> int:
        """Call ``step(size)``, which handles at most that many rows and returns how many, until that is fewer.

        Ends early when we are told to stop. Returns how many rows were handled in all.
        """
        handled = 0
        while not self._stop.is_set():
            size = self._size
            begun = self._clock()
            done = step(size)
            took = self._clock() - begun
            handled += done
            if took > SLICE_S:
                self._size = max(size // 2, _SMALLEST)
            elif took < SLICE_S / 3:
                self._size = min(size * 2, _LARGEST)
            if done < size:
                break
            self._stop.wait(took * REST)
        return handled
