"""How fast the lane answers: counted by minute, written now and then, read by the monitoring page."""

from __future__ import annotations

import json
import time

MINUTE_MS = 60_000
#: Upper bounds of the buckets of answering times, in seconds; the last bucket has none.
BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
#: How often they are written at most, in seconds: a loss of the last few figures is no loss.
EVERY_S = 5.0

#: (process, minute, calls, longest queue, buckets as JSON)
TimingRow = tuple[int, int, int, int, str]


class Timings:
    """Counts of one process. :meth:`note` is called in the event loop, :meth:`rows` in the thread that writes."""

    def __init__(self, process: int) -> None:
        self._process = process
        #: minute → [longest queue, buckets…]; the current one, and those that are not written yet.
        self._minutes: dict[int, list[int]] = {}
        self._written_at = 0.0

    def note(self, bucket: int, waiting: int) -> None:
        """Count an answer, given the place of its bucket and how many were waiting."""
        minute = int(time.time() // 60) * MINUTE_MS
        counts = self._minutes.get(minute)
        if counts is None:
            counts = self._minutes[minute] = [0] * (len(BOUNDS) + 2)
        counts[bucket + 1] += 1
        counts[0] = max(counts[0], waiting)

    def rows(self) -> list[TimingRow]:
        """What is to be written: the totals of each minute so far; none if it is too soon."""
        if not self._minutes or time.monotonic() - self._written_at < EVERY_S:
            return []
        self._written_at = time.monotonic()
        return [
            (self._process, minute, sum(counts[1:]), counts[0], json.dumps(counts[1:]))
            for minute, counts in list(self._minutes.items())
        ]

    def forget(self, rows: list[TimingRow]) -> None:
        """The rows are written: minutes that are over are needed no more."""
        now = int(time.time() // 60) * MINUTE_MS
        for _process, minute, *_ in rows:
            if minute < now:
                self._minutes.pop(minute, None)
