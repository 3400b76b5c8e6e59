"""When a delivery is tried again, and when a channel is given a rest: figures and arithmetic, no database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds between one try and the next; the first is made at once. After the last of them the delivery has failed.
#: The steps are those that Standard Webhooks recommends: about 76 hours in all.
DELAYS_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
MOST_TRIES: Final = len(DELAYS_S) + 1
#: Tries are spread by so much of the delay to either side, so that many do not come back at one moment.
JITTER: Final = 0.2
#: A receiver may ask for a longer pause (Retry-After), but not for a longer one than this.
LONGEST_WAIT_S: Final = 24 * 3600
#: A channel whose every try has failed for so long is paused.
FAILING_MS: Final = 5 * 24 * 3_600_000


def wait_s(tries: int, retry_after_s: int | None, chance: Callable[[], float]) -> float | None:
    """Seconds from the ``tries``-th try, which failed, to the next one; None: that was the last.

    ``retry_after_s`` is what the receiver asked for: it is never asked sooner. ``chance`` gives numbers from 0 to 1.
    """
    if tries >= MOST_TRIES:
        return None
    usual = DELAYS_S[tries - 1] * (1 + JITTER * (2 * chance() - 1))
    if retry_after_s is None:
        return usual
    asked = min(max(retry_after_s, 0), LONGEST_WAIT_S)
    return max(usual, min(asked * (1 + JITTER * chance()), LONGEST_WAIT_S))
