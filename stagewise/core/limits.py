"""The rolling limit: at most N created leads per endpoint and client address in any 24 hours.

Pure arithmetic on times in milliseconds. A hit counts while ``now - 24 h < at``: a hit exactly 24 hours old has left.
"""

from __future__ import annotations

import msgspec

WINDOW_MS = 86_400_000
WINDOW_S = WINDOW_MS // 1000

#: What an owner may set; empty means no limit.
SMALLEST, LARGEST = 1, 100_000


class Figures(msgspec.Struct, frozen=True):
    """What the answer's headers say (draft-ietf-httpapi-ratelimit-headers): quota, remaining, seconds until a slot."""

    quota: int
    remaining: int
    reset: int | None
    policy: str = "leads-per-ip"


class Window(msgspec.Struct):
    """The hits of one address at one endpoint as a batch goes through its submissions.

    ``count`` hits are in the window, the oldest at ``oldest``. ``nth`` is the time of the ``limit``-th newest when
    there are more hits than the limit allows (it was lowered); with exactly ``limit`` hits that is the oldest.
    """

    limit: int
    count: int = 0
    oldest: int | None = None
    nth: int | None = None

    @property
    def is_full(self) -> bool:
        """Whether the next lead must be refused."""
        return self.count >= self.limit

    def take(self, now: int) -> None:
        """Use a slot at ``now``; also past the limit, for a lead that is held instead of refused.

        Which hit then becomes the N-th newest is not known here: ``now`` is later than it, so whoever waits for that
        still succeeds.
        """
        if self.is_full:
            self.nth = now
        self.count += 1
        if self.oldest is None:
            self.oldest = now

    def figures(self, now: int) -> Figures:
        """Remaining slots, and when the oldest hit leaves."""
        reset = None if self.oldest is None else _seconds_left(self.oldest, now)
        return Figures(self.limit, max(0, self.limit - self.count), reset)

    def refused(self, now: int) -> Figures:
        """The figures of a refusal: ``reset`` says when a slot will be free, in whole seconds, rounded up."""
        decisive = self.nth if self.count > self.limit else self.oldest
        return Figures(self.limit, 0, _seconds_left(now if decisive is None else decisive, now))


def _seconds_left(at: int, now: int) -> int:
    return max(1, -((now - at - WINDOW_MS) // 1000))
