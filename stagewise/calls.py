"""What a lane has answered: counted for metrics, timed for the monitoring page, and a line in the log for refusals."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

from stagewise import log
from stagewise.core.addresses import bucket
from stagewise.core.refusal import REFUSALS
from stagewise.core.submission import Submission
from stagewise.store.records import Decision
from stagewise.store.timings import BOUNDS

if TYPE_CHECKING:
    from prometheus_client.core import Metric

#: Of the calls that went well, one in so many is logged.
SAMPLE = 100
#: Refusals that are logged within a second; of more, the next line says how many were not. Each is counted, and stands
#: in the journal.
REFUSALS_A_SECOND = 100

_log = log.Log("stagewise.calls")


class Calls:
    """Counts and times. All methods are called in the event loop."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self._times = [0] * (len(BOUNDS) + 1)
        self._sum = 0.0
        self._went_well = 0
        self._second = self._logged = self._unlogged = 0

    def note(self, submission: Submission, decision: Decision, begun: float) -> int:
        """Note an answer; ``begun`` is when its request came, by ``time.monotonic``. Returns its bucket's place."""
        now = time.monotonic()
        took = now - begun
        place = bisect_left(BOUNDS, took)
        self._times[place] += 1
        self._sum += took
        outcome = decision.outcome
        self.outcomes[outcome] += 1
        if outcome in REFUSALS:
            self._log_refusal(submission, decision, took, int(now))
        else:
            self._went_well += 1
            if self._went_well % SAMPLE == 1:
                self._log("answered", submission, decision, took)
        return place

    def _log_refusal(self, submission: Submission, decision: Decision, took: float, second: int) -> None:
        """Log it, unless a flood of them would fill the disk."""
        if second != self._second:
            self._second, self._logged = second, 0
        if self._logged >= REFUSALS_A_SECOND:
            self._unlogged += 1
            return
        self._logged += 1
        unlogged, self._unlogged = self._unlogged, 0
        self._log("refused", submission, decision, took, **({"unlogged": unlogged} if unlogged else {}))

    @staticmethod
    def _log(event: str, submission: Submission, decision: Decision, took: float, **more: int) -> None:
        """One line without content of the lead, and without the whole address or key."""
        address = submission.caller.address
        _log.info(event, outcome=decision.outcome, request_id=submission.request_id, endpoint=submission.key[:6],
                  network=None if address is None else network(address), took_ms=round(took * 1000, 1),
                  **more)  # fmt: skip

    def metrics(self, waiting: int, batches: int) -> bytes:
        """Prometheus' text format, for this process."""
        from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
        from prometheus_client.core import HistogramMetricFamily

        registry = CollectorRegistry()
        calls = Counter("stagewise_calls", "Calls of endpoints by outcome.", ["outcome"], registry=registry)
        for outcome, count in self.outcomes.items():
            calls.labels(outcome).inc(count)
        Gauge("stagewise_waiting", "Submissions that wait or are being settled.", registry=registry).set(waiting)
        Counter("stagewise_batches", "Transactions that stored leads.", registry=registry).inc(batches)
        family = HistogramMetricFamily("stagewise_answer_seconds", "Time from a call's head to its answer.")
        total, buckets = 0, []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self._times, strict=True):
            total += count
            buckets.append((bound, float(total)))
        family.add_metric([], buckets, self._sum)
        registry.register(_Made(family))
        return generate_latest(registry)


class _Made:
    """A collector of one family that is there already."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> list[Metric]:
        """The family."""
        return [self._family]


def network(address: str) -> str:
    """An address without what names a single machine: IPv4 its first three numbers, IPv6 its /64."""
    return bucket(address) if ":" in address else f"{address.rpartition('.')[0]}.0/24"
