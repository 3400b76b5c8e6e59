"""What the client does, step by step, without doing it: generators that ask for a call, a wait or the disk.

Both clients follow the same steps. They perform what is yielded and send back what came of it, each in its own way:
blocking, or on an event loop.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from stagewise_client.errors import (
    CaptchaFailed,
    CaptchaUnavailable,
    ConfigError,
    ConnectionFailed,
    HoldingFull,
    IdempotencyInFlight,
    IdempotencyMismatch,
    InvalidFields,
    InvalidJson,
    MissingFields,
    RateLimited,
    Refused,
    SpoolFailed,
    StagewiseError,
    TooLarge,
    UnexpectedAnswer,
)
from stagewise_client.results import Created, Flushed, Held, Result, Spooled
from stagewise_client.shelf import Claimed, Shelf
from stagewise_client.spool import date
from stagewise_client.spoolfile import now_ms
from stagewise_client.wire import Call, Reading

log = logging.getLogger("stagewise_client")

#: A Retry-After of more seconds than this is not waited for while somebody waits for us.
LONGEST_WAIT: Final = 10.0
#: Waits between tries: half a second, doubled each time up to this, and then somewhere between half of it and all.
_LONGEST_BACKOFF: Final = 8.0
#: The same for the spool, which has time: 10 seconds, doubled up to five minutes.
_SPOOL_BACKOFF, _LONGEST_SPOOL_BACKOFF = 10.0, 300.0
_DAY: Final = 86_400.0

#: Refusals that the caller can put right by asking the visitor, so that a spool has nothing to keep.
_VISITORS_MATTER = (
    MissingFields, InvalidFields, CaptchaFailed, RateLimited, IdempotencyMismatch, TooLarge, InvalidJson,
)  # fmt: skip
#: Refusals that say for certain that no earlier try stored the lead: they come after the key was looked up.
_KEY_IS_FREE = (RateLimited, CaptchaUnavailable, HoldingFull)
#: Trouble of one lead that tells nothing about the next one.
_OF_ONE_LEAD = (IdempotencyInFlight, CaptchaUnavailable, HoldingFull)


@dataclass(frozen=True, slots=True)
class Send:
    """Try a call once; comes back as an ``Outcome``."""

    call: Call


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait so many seconds; comes back as None."""

    seconds: float


class Disk:
    """Do something that may block; comes back as what it returns, or is raised."""

    __slots__ = ("work",)

    def __init__(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        self.work = partial(work, *arguments, **named)


Outcome: TypeAlias = Reading | ConnectionFailed
Trouble: TypeAlias = Refused | UnexpectedAnswer | ConnectionFailed
T = TypeVar("T")
Step: TypeAlias = Send | Wait | Disk
Steps: TypeAlias = Generator[Step, Any, T]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often to try."""

    timeout: float
    retries: int

    def __post_init__(self) -> None:
        if not 0 < self.timeout <= 600:
            raise ConfigError("timeout is a number of seconds above 0, at most 600")
        if not 0 <= self.retries <= 20:
            raise ConfigError("retries is a whole number from 0 to 20")

    def wait(self, tries: int, trouble: Trouble) -> float | None:
        """Seconds to wait before the next try, after so many; None to give up."""
        if tries > self.retries or not trouble.temporary or isinstance(trouble, RateLimited):
            return None
        asked = _asked(trouble)
        if asked > LONGEST_WAIT:
            return None
        return max(asked, _backoff(0.5, tries - 1, _LONGEST_BACKOFF))

    @property
    def lease(self) -> float:
        """Seconds after which another process may think that this one has died while trying."""
        return min((self.retries + 1) * (3 * self.timeout + LONGEST_WAIT) + 60, 3600)

    @property
    def lease_of_one(self) -> float:
        """The same for a single try."""
        return 3 * self.timeout + 60


def create(call: Call, patience: Patience, shelf: Shelf | None) -> Steps[Result]:
    """Send one lead: write it down, try, try again, and keep it or raise what was wrong."""
    kept = None if shelf is None else (yield from _written_down(call, patience, shelf))
    tries, unsure = 0, False
    while True:
        outcome: Outcome = yield Send(call)
        if isinstance(outcome, Created | Held):
            if shelf is not None and kept is not None:
                yield from _noted("sent, but the spool still has it", call.key, shelf.sent, call.key)
            return outcome
        tries += 1
        unsure = (unsure or outcome.may_be_stored) and not isinstance(outcome, _KEY_IS_FREE)
        wait = patience.wait(tries, outcome)
        if wait is None:
            break
        log.info("a lead is tried again in %.1f s (%s): %s", wait, call.key, short(outcome))
        yield Wait(wait)
    outcome.earlier_try = unsure
    if shelf is None or kept is None:
        raise outcome
    return (yield from _kept_or_raised(kept, unsure, outcome, shelf))


def _written_down(call: Call, patience: Patience, shelf: Shelf) -> Steps[Claimed | None]:
    try:
        kept: Claimed | None = yield Disk(shelf.keep, call, patience.lease)
    except SpoolFailed:
        log.exception("a lead is sent without being spooled (%s)", call.key)
        return None
    return kept


def _noted(otherwise: str, key: str, work: Callable[..., object], *arguments: object) -> Steps[None]:
    # What happened to the lead has happened; what the spool still has it sends again, with the same key.
    try:
        yield Disk(work, *arguments)
    except SpoolFailed:
        log.exception("a lead is %s (%s)", otherwise, key)


def _kept_or_raised(kept: Claimed, unsure: bool, trouble: Trouble, shelf: Shelf) -> Steps[Result]:
    key = kept.call.key
    if isinstance(trouble, _VISITORS_MATTER):
        yield from _noted("refused, but the spool still has it", key, shelf.drop, key)
        raise trouble
    if not trouble.temporary:
        yield from _noted("refused, but waits in the spool", key, shelf.set_aside, key, *_why(trouble))
        log.error("a lead is refused, and set aside in the spool (%s): %s", key, short(trouble))
        raise trouble
    since = kept.unsure_since if kept.unsure_since is not None else (kept.created_at if unsure else None)
    yield from _noted("spooled, but not put off", key, _put_back, shelf, trouble, kept, since)
    log.warning("a lead is spooled, to be sent later (%s): %s", key, short(trouble))
    return Spooled(key=key, created_at=date(kept.created_at), reason=short(trouble))


def flush(patience: Patience, shelf: Shelf, go_on: Callable[[], bool]) -> Steps[Flushed]:
    """Send what waits for the endpoint and may be tried now, the oldest first, each once, while ``go_on`` says so."""
    sent, refused, began = 0, 0, now_ms()
    while go_on():
        claimed: Claimed | None = yield Disk(shelf.claim, patience.lease_of_one, began)
        if claimed is None:
            break
        key = claimed.call.key
        if claimed.key_may_be_forgotten:
            yield Disk(shelf.set_aside, key, _UNKNOWN, _LOST_TRACK)
            log.error("a lead is set aside in the spool (%s): %s", key, _LOST_TRACK)
            refused += 1
            continue
        outcome: Outcome = yield Send(claimed.call)
        if isinstance(outcome, Created | Held):
            yield Disk(shelf.sent, key)
            log.info("a spooled lead is sent (%s)", key)
            sent += 1
        elif not outcome.temporary:
            yield Disk(shelf.set_aside, key, *_why(outcome))
            log.error("a spooled lead is refused, and set aside (%s): %s", key, short(outcome))
            refused += 1
        else:
            log.info("a spooled lead must wait on (%s): %s", key, short(outcome))
            since = _unsure_since(outcome, claimed.unsure_since)
            if (yield Disk(_put_back, shelf, outcome, claimed, since)):
                break
    waiting = yield Disk(shelf.waiting)
    return Flushed(sent=sent, refused=refused, waiting=waiting)


_UNKNOWN: Final = "outcome_unknown"
_LOST_TRACK: Final = (
    "A try more than 23 hours ago may have stored it, and the server may know its key no more."
    " Look for it in the console before you let it be sent again."
)


def _put_back(shelf: Shelf, trouble: Trouble, lead: Claimed, unsure_since: int | None) -> bool:
    """Let a lead wait on; returns whether all others of the endpoint wait with it."""
    everybody = _concerns_everybody(trouble, lead.call)
    wait = min(_asked(trouble), _DAY)
    if not (wait and isinstance(trouble, RateLimited)):  # the limit knows exactly when the next slot is free
        steps = shelf.failures() if everybody else lead.tries
        wait = max(wait, _backoff(_SPOOL_BACKOFF, steps, _LONGEST_SPOOL_BACKOFF))
    (shelf.pause if everybody else shelf.later)(lead.call.key, wait, unsure_since)
    return everybody


def _concerns_everybody(trouble: Trouble, call: Call) -> bool:
    """Whether the next lead would be told the same."""
    if isinstance(trouble, RateLimited):
        visitors = trouble.limit is None or trouble.limit.policy == "leads-per-ip"
        return call.visitor_ip is None or not visitors
    return not isinstance(trouble, _OF_ONE_LEAD)


def _unsure_since(trouble: Trouble, before: int | None) -> int | None:
    """Since when the lead may have been stored, after this try as well; in ms."""
    if isinstance(trouble, _KEY_IS_FREE):
        return None
    if before is None and trouble.may_be_stored:
        return now_ms()
    return before


def _why(trouble: Trouble) -> tuple[str, str]:
    """Code and words under which the spool keeps what was refused."""
    if isinstance(trouble, Refused):
        return trouble.code, " ".join(
            [trouble.detail, *(f"{each.field}: {each.detail}" for each in trouble.field_errors)]
        )
    return "unexpected_answer", str(trouble)


def _asked(trouble: Trouble) -> float:
    return 0.0 if isinstance(trouble, ConnectionFailed) else float(trouble.retry_after or 0)


def _backoff(first: float, steps: int, longest: float) -> float:
    # Spread out, so that many callers do not come back at the same moment.
    return float(min(longest, first * 2 ** min(steps, 16)) * random.uniform(0.5, 1))  # noqa: S311 - no secret


def short(trouble: StagewiseError) -> str:
    """A few words for the log, without the texts that are meant for visitors."""
    return f"{trouble.code} ({trouble.status})" if isinstance(trouble, Refused) else str(trouble)
