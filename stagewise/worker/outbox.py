"""Works off the outbox beside the worker's other jobs: hands events on, sends deliveries, notes what came of them.

One thread talks to the database, others send. No transaction is open while something is being sent, and what came of
many deliveries is written in one transaction.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from django.db import DatabaseError, connection

from stagewise import log
from stagewise.accounts.clock import now_ms
from stagewise.notify import delivering, payloads, sending
from stagewise.notify.channels import Outcome
from stagewise.notify.delivering import LEASE_S, Tried
from stagewise.notify.dispatching import dispatch
from stagewise.notify.models import Channel
from stagewise.worker.lines import Line, Ready
from stagewise.worker.senders import Senders, Task
from stagewise.worker.slices import Size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stagewise.notify.models import Delivery

#: How long it sleeps when there is nothing to do, in seconds.
IDLE_S: Final = 0.25
#: Threads that send. Receivers that fail share half of them, so that they never take the others' place.
MOST_THREADS: Final = 32
MOST_FAILING: Final = MOST_THREADS // 2
#: Events that are handed on, and results that are written down, in one transaction at most: leads wait behind it.
DISPATCH_SIZE: Final = 200
SETTLE_SIZE: Final = 100
#: Nothing is begun when its lease lasts less than this: a try takes 15 s at most, a mail somewhat longer.
_MARGIN_S = 25
#: What is said of a lead or a channel is read again when it is older than this.
_FRESH_S = 1.0
#: Told to stop, we wait so long for what is under way. What is still not back then comes again when its lease is over.
DRAIN_S: Final = 8.0
#: After an error of the database, and after a mistake of ours.
_AFTER_ERROR_S, _AFTER_MISTAKE_S = 2.0, 10.0

_CLOSED = Outcome(problem="The channel's secret cannot be opened with the secret key of this installation.")

_log = log.Log("stagewise.worker")


class SteadyClock:
    """The database's clock, asked once a second; in between this machine's tells how much time has gone by."""

    def __init__(self) -> None:
        self._asked = 0
        self._asked_at = -1.0

    def __call__(self) -> int:
        """Milliseconds since 1970, UTC."""
        gone = time.monotonic() - self._asked_at
        if self._asked_at < 0 or gone > 1.0:
            self._asked, self._asked_at, gone = now_ms(), time.monotonic(), 0.0
        return self._asked + int(gone * 1_000)


class Outbox:
    """See the module. ``count`` is told how many events or deliveries were handled, ``clock`` is the database's.

    ``note`` is told of every try that was written down; ``idle_s`` is for tests that do not want to wait.
    """

    def __init__(
        self,
        stop: threading.Event,
        count: Callable[[str, int], object],
        clock: Callable[[], int] | None = None,
        idle_s: float = IDLE_S,
        note: Callable[[Tried], object] = lambda _: None,
    ) -> None:
        self._stop = stop
        self._count = count
        self._clock = clock or SteadyClock()
        self._idle_s = idle_s
        self._note = note
        #: Whose leases are ours.
        self._token = secrets.randbits(62) + 1
        self._senders = Senders(MOST_THREADS)
        self._lines: dict[int, Line] = {}
        self._results: list[Tried] = []
        self._dispatch_at = self._look_at = 0.0
        self._dispatch_size = Size(DISPATCH_SIZE, most=DISPATCH_SIZE)

    def run(self) -> None:
        """Work until told to stop; then send nothing more, and wait a little for what is under way."""
        while not self._stop.is_set():
            try:
                self.turn()
            except DatabaseError as error:
                _log.error("deliveries wait for the database", error=str(error))
                connection.close()
                self._stop.wait(_AFTER_ERROR_S)
            except Exception as error:  # noqa: BLE001 - a mistake of ours must not end all deliveries for good
                _log.error("deliveries failed by a mistake of ours", error=str(error), exc_info=error)
                self._stop.wait(_AFTER_MISTAKE_S)
        try:
            self.finish()
        except DatabaseError as error:
            _log.error("deliveries under way could not be written down", error=str(error))
        finally:
            connection.close()

    def turn(self) -> int:
        """One round: take in results, hand events on, claim what is due, begin to send; returns how many it moved."""
        moved = self._take_in(self._spare_s())
        moved += self._hand_on()
        self._look()
        return moved + self._begin()

    def finish(self) -> None:
        """Give back what was not begun, wait for what was, and write it down."""
        end = time.monotonic() + DRAIN_S
        for line in self._lines.values():
            self._give_back(line)
        while self._senders.busy and time.monotonic() < end:
            self._take_in(0.1)
        self._take_in(0)
        self._senders.end()

    # Results

    def _spare_s(self) -> float:
        """For how many seconds there is nothing to do but wait for a result."""
        if self._results:
            return 0.0
        return max(0.0, min(self._idle_s, min(self._dispatch_at, self._look_at) - time.monotonic()))

    def _take_in(self, wait_s: float) -> int:
        """Write down what came back; until that is committed, nothing else is begun in its place."""
        room = SETTLE_SIZE - len(self._results)
        if room > 0:
            self._results += self._senders.collect(wait_s, room)
        if not self._results:
            return 0
        paused = delivering.settle(self._results, self._token, self._clock())
        settled, self._results = self._results, []
        for tried in settled:
            self._lines[tried.delivery.channel_id].note(tried, time.monotonic())
            self._note(tried)
            if tried.outcome.problem:
                _log.info(
                    "not delivered", id=str(tried.delivery.public_id), channel=tried.delivery.channel_id,
                    status=tried.outcome.status, problem=tried.outcome.problem,
                )  # fmt: skip
        for channel_id in paused:
            _log.warning("channel paused", channel=channel_id)
        for channel_id, line in self._lines.items():
            if channel_id in paused or line.quiet_until > time.monotonic():
                self._give_back(line)
        self._count("deliver", len(settled))
        return len(settled)

    # Events and claims

    def _hand_on(self) -> int:
        begun = time.monotonic()
        if begun < self._dispatch_at:
            return 0
        size = self._dispatch_size.rows
        count = dispatch(size)
        now = time.monotonic()
        self._dispatch_size.took(now - begun)
        # As long as leads may have waited for us, we now let them come first.
        self._dispatch_at = now + (self._idle_s if count < size else min(now - begun, self._idle_s))
        self._count("dispatch", count)
        if count:
            self._look_at = 0.0
        return count

    def _look(self) -> None:
        """Claim what is due, for every channel of which nothing more is held."""
        now = time.monotonic()
        hungry = any(line.hungry and not line.waiting and line.quiet_until <= now for line in self._lines.values())
        if now < self._look_at and not hungry:
            return
        self._look_at = now + self._idle_s
        for channel_id in [each for each, line in self._lines.items() if line.is_done and line.quiet_until <= now]:
            if not self._lines[channel_id].hungry:
                del self._lines[channel_id]  # forgotten until there is something again
        supplied = [each for each, line in self._lines.items() if line.waiting or line.quiet_until > now]
        due = delivering.due_channels(self._clock(), but=supplied)
        for channel_id, line in self._lines.items():
            line.hungry = line.hungry and channel_id in supplied
        for channel in due:
            line = self._lines.setdefault(channel.pk, Line())
            size = max(line.claim_size, line.at_once)
            claimed = delivering.claim(channel, size, self._token, self._clock())
            self._read(line, channel)
            line.fill(self._in_words(claimed, line), size, now, now + LEASE_S - _MARGIN_S)

    def _read(self, line: Line, channel: Channel) -> None:
        try:
            opened = sending.opened(channel, self._clock())
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it concerns this channel alone
            _log.error("channel cannot be opened", channel=channel.pk, error=repr(type(error)))
            opened = None
        line.read(channel, opened, time.monotonic())

    @staticmethod
    def _in_words(claimed: Sequence[Delivery], line: Line) -> list[Ready]:
        """What is sent of each; a delivery that cannot be put into words costs its neighbours nothing."""
        if line.channel is None:
            return [Ready(delivery, {}, _CLOSED) for delivery in claimed]
        try:
            objects = payloads.payloads(claimed)
            return [Ready(delivery, found, None) for delivery, found in zip(claimed, objects, strict=True)]
        except DatabaseError:
            raise
        except Exception:  # noqa: BLE001 - found out below, one by one
            return [_one_in_words(delivery) for delivery in claimed]

    # Sending

    def _begin(self) -> int:
        """Begin as many deliveries as threads, channels and leases allow, a few of each channel in turn."""
        begun = 0
        at = self._clock() if any(line.waiting for line in self._lines.values()) else 0
        for channel_id, line in list(self._lines.items()):
            if line.waiting and time.monotonic() > line.start_before:
                self._give_back(line)
            while line.waiting and line.sending < line.at_once and not self._is_full(line):
                if not self._is_fresh(channel_id, line):
                    break
                self._begin_one(line, at)
                begun += 1
            # The one that was served first comes last the next time.
            self._lines[channel_id] = self._lines.pop(channel_id)
        return begun

    def _begin_one(self, line: Line, at: int) -> None:
        ready = line.waiting.popleft()
        line.sending += 1
        if ready.outcome is not None or line.channel is None:
            self._results.append(Tried(ready.delivery, ready.outcome or _CLOSED, at, 0))
            return
        self._senders.start(Task(line.kind, line.channel, ready.delivery, ready.payload, at))

    def _is_full(self, line: Line) -> bool:
        if not line.failing:
            return self._senders.is_full
        return self._senders.is_full or _under_way(self._lines.values()) >= MOST_FAILING

    def _is_fresh(self, channel_id: int, line: Line) -> bool:
        """Read channel and leads again if that is a while ago; False: the channel takes nothing any more."""
        if time.monotonic() - line.read_at <= _FRESH_S:
            return True
        channel = Channel.objects.filter(pk=channel_id, enabled=True, paused_at=None).first()
        if channel is None:
            self._give_back(line)
            return False
        failing = line.failing
        self._read(line, channel)
        line.failing = failing  # what we saw last is newer than what is written
        held = [ready.delivery for ready in line.waiting]
        line.waiting.clear()
        line.waiting.extend(self._in_words(held, line))
        return True

    def _give_back(self, line: Line) -> None:
        delivering.give_back([ready.delivery for ready in line.waiting], self._token)
        line.waiting.clear()


def _one_in_words(delivery: Delivery) -> Ready:
    try:
        return Ready(delivery, payloads.payload(delivery), None)
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - a mistake of ours, or something in this lead that nobody foresaw
        return Ready(delivery, {}, sending.failed(error, delivery, "be put into words"))


def _under_way(lines: Iterable[Line]) -> int:
    return sum(line.sending for line in lines if line.failing)
