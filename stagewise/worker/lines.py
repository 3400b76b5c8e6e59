"""What a worker holds of one channel, and how fast it may go there."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from stagewise.notify.channels import OpenChannel, Outcome
    from stagewise.notify.delivering import Tried
    from stagewise.notify.models import Channel, Delivery

#: At most so many deliveries of one channel are under way at once in one worker.
MOST_AT_ONCE: Final = 8
#: A receiver that takes longer than this for one delivery (seconds) is sent several at once, so that a slow one is
#: served about as fast as one that needs this long. Quicker ones get one after the other: then a worker that is killed
#: leaves one delivery behind of which nobody knows whether it arrived, and not eight.
UNHURRIED_S: Final = 0.1
#: When a receiver asks for a pause (Retry-After), nothing else is sent to it either, for at most so many seconds.
MOST_QUIET_S: Final = 300.0

#: How many deliveries are claimed at once: as many as go out in about a second.
FIRST_CLAIM, LEAST_CLAIM, MOST_CLAIM = 8, 2, 256
_SOON_S, _LATE_S = 0.5, 2.0

#: How much the newest time counts in the average.
_WEIGHT = 0.25


class Ready(NamedTuple):
    """A claimed delivery in words; ``outcome`` is there instead of the words when no words could be found."""

    delivery: Delivery
    payload: dict[str, Any]
    outcome: Outcome | None


class Line:
    """One channel's claimed deliveries. Times are of a clock that only goes forward, in seconds."""

    def __init__(self) -> None:
        self.waiting: deque[Ready] = deque()
        #: Deliveries under way: started, and not written down yet.
        self.sending = 0
        self.kind = ""
        self.channel: OpenChannel | None = None
        #: Whether the last try failed: then one at a time, to see whether it works again.
        self.failing = False
        #: Nothing is started after this, because the lease would not last.
        self.start_before = 0.0
        #: When channel and words were read.
        self.read_at = 0.0
        self.quiet_until = 0.0
        #: The last claim was as large as it could be: there may be more.
        self.hungry = False
        self.claim_size = FIRST_CLAIM
        self._took_s = 0.0
        self._filled_at = 0.0

    @property
    def at_once(self) -> int:
        """How many may be under way at a time."""
        if self.failing:
            return 1
        return min(max(math.ceil(self._took_s / UNHURRIED_S), 1), MOST_AT_ONCE)

    @property
    def is_done(self) -> bool:
        """Whether nothing is held of the channel."""
        return not self.waiting and not self.sending

    def read(self, channel: Channel, opened: OpenChannel | None, now: float) -> None:
        """Take over what is known of the channel; ``opened`` is None when its secrets cannot be opened."""
        self.kind, self.channel, self.failing = channel.kind, opened, channel.failing_since is not None
        self.read_at = now

    def fill(self, ready: list[Ready], asked: int, now: float, start_before: float) -> None:
        """Take claimed deliveries, of which ``asked`` were asked for."""
        self.waiting.extend(ready)
        self.hungry = len(ready) >= asked
        self._filled_at, self.start_before = now, start_before

    def note(self, tried: Tried, now: float) -> None:
        """Take in what came of a try."""
        self.sending -= 1
        outcome = tried.outcome
        self.failing = bool(outcome.problem)
        self._took_s += _WEIGHT * (tried.took_ms / 1_000 - self._took_s)
        if outcome.retry_after_s:
            self.quiet_until = now + min(outcome.retry_after_s, MOST_QUIET_S)
        if self.is_done:
            self._adapt(now - self._filled_at)

    def _adapt(self, took_s: float) -> None:
        if took_s > _LATE_S:
            self.claim_size = max(self.claim_size // 2, LEAST_CLAIM)
        elif took_s < _SOON_S and self.hungry:
            self.claim_size = min(self.claim_size * 2, MOST_CLAIM)
