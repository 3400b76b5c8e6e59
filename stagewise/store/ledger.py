"""The ledger: every call is decided here, and a lead is stored before anyone hears of it.

Two lanes. What is to be admitted goes through the **write lane**: one batch, one transaction, rules read inside it,
answers after COMMIT. What looks like a refusal goes through the **read lane**: the same decision on a plain read, which
may only refuse; what it does not refuse moves to the write lane and is decided again. So a flood of refusals never
holds the write lock, never waits for the disk, and a saved setting still holds for the very next request.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from stagewise import log
from stagewise.core import policy
from stagewise.core.addresses import Caller
from stagewise.core.submission import Submission
from stagewise.options.captcha import ToVerify, Verdict
from stagewise.store import in_doubt
from stagewise.store.guess import Guess
from stagewise.store.journal import Journal
from stagewise.store.lane import PATIENCE_S, Batch, Lane, Pending
from stagewise.store.quick_lane import LoopLane, QuickLane
from stagewise.store.records import Decision, Rows
from stagewise.store.rules import Compiled
from stagewise.store.session import Busy, Gone, Session, StoreError, Unknown
from stagewise.store.settle import settle
from stagewise.store.timings import Timings
from stagewise.store.view import Entry, View

#: How often rows of the journal are written, and waiting callers looked after, in seconds.
TICK_S = 0.25

_T = TypeVar("_T")
_log = log.Log("stagewise.ledger")
#: Outcomes that are no attempts: an allowed preflight, and a caller whose body is still on its way.
_NOT_JOURNALED = {"created", "test_created", "preflight", "admitted", "verify"}


class _Abandoned(Exception):
    """The callers of this batch were told that nothing was stored."""


#: Asks the CAPTCHA's provider; never raises.
Verify = Callable[[ToVerify, Submission], Awaitable[Verdict]]


class Ledger:
    """Decides submissions. ``connect`` makes a session over the given compiled rules; each lane has its own."""

    def __init__(self, connect: Callable[[Compiled], Session], verify: Verify | None = None) -> None:
        self._verify = verify or _nobody_to_ask
        self.compiled = Compiled()
        self.process = secrets.randbits(62)
        #: Transactions that stored leads, for the metrics.
        self.batches = 0
        self._journal = Journal()
        self._timings = Timings(self.process)
        self._reader = connect(self.compiled)
        self._writer = connect(self.compiled)
        self._guess = Guess(self.compiled)
        self._running = False
        self._question: asyncio.Task[bool] | None = None

    async def start(self, secret_key: str) -> None:
        """Check that the database is one that this lane serves (``SchemaError``, ``StoreError``), and begin."""
        try:
            await asyncio.to_thread(self._reader.check, secret_key)
        except BaseException:
            self._reader.close()
            raise
        self._writes: Lane
        self._reads: Lane
        if self._writer.is_local:
            self._writes = QuickLane(
                "write", self._settle_writing, start=self._start_writing, undecided=_never, give_up=self._give_up
            )
            self._reads = LoopLane(
                "read", self._settle_reading, start=self._start_reading, undecided=self._writes.put,
                give_up=self._give_up,
            )  # fmt: skip
        else:
            self._writes = Lane("write", self._settle_writing, undecided=_never, give_up=self._give_up)
            self._reads = Lane("read", self._settle_reading, undecided=self._writes.put, give_up=self._give_up)
        self._running = True
        self._loop = asyncio.get_running_loop()
        self._ticks = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Settle what is waiting, write the rest of the journal, close."""
        self._running = False
        await self._reads.stop()
        self._ticks.cancel()
        self._writes.call(self._flush)
        await self._writes.stop()
        self._reader.close()
        self._writer.close()

    @property
    def waiting(self) -> int:
        """How many submissions wait or are being settled."""
        return len(self._reads) + len(self._writes)

    def answered(self, bucket: int) -> None:
        """Count how fast an answer was; ``bucket`` is its place among ``timings.BOUNDS``."""
        self._timings.note(bucket, self.waiting)

    async def decide(self, submission: Submission) -> Decision:
        """Decide a submission; a ``created`` decision means that it is stored and synced."""
        pending = Pending(submission, self._loop.create_future())
        (self._reads if self._guess.looks_refused(submission) else self._writes).put(pending)
        decision = await pending.future
        return decision if decision.verify is None else await self._decide_verified(submission, decision.verify)

    async def _decide_verified(self, submission: Submission, wanted: ToVerify) -> Decision:
        """Ask about the token, then decide again by the rules of that moment; they may ask for another provider."""
        for _ in range(2):
            submission.verdict = await self._asked(wanted, submission)
            pending = Pending(submission, self._loop.create_future())
            self._writes.put(pending)
            decision = await pending.future
            if decision.verify is None:
                return decision
            wanted = decision.verify
        return self._give_up(submission, "captcha_unavailable")

    async def _asked(self, wanted: ToVerify, submission: Submission) -> Verdict:
        """The provider's verdict. A token that passes is kept with this submission: it passes for no other."""
        verdict = await self._verify(wanted, submission)
        if verdict.outcome != "passed":
            return verdict
        try:
            first = await self._in_writer(
                lambda: self._writer.remember_pass((wanted.endpoint_id, wanted.token_hash), wanted.fingerprint)
            )
        except (StoreError, TimeoutError) as error:
            self._report("could not remember a token", error, [submission])
            return Verdict(wanted.rules, "down")
        return verdict if first == wanted.fingerprint else Verdict(wanted.rules, "failed")

    async def entry(self, key: str) -> Entry | None:
        """What a key stands for at this moment, by a plain read; None for an unknown one. Raises ``StoreError``."""
        view = await self._in_thread(self._reads, lambda: self._reading([Submission(key, Caller(None, "", ""), "")]))
        return view.entries.get(key)

    def _reading(self, submissions: Sequence[Submission]) -> View:
        """In the read lane's thread: one plain read."""
        try:
            return self._reader.read(submissions)
        except Gone:  # a connection that broke while idle is opened again
            return self._reader.read(submissions)
        finally:
            self._reader.done()

    async def _in_writer(self, work: Callable[[], _T]) -> _T:
        return await self._in_thread(self._writes, work)

    async def _in_thread(self, lane: Lane, work: Callable[[], _T]) -> _T:
        """Do something in a lane's thread, between two batches; raises ``TimeoutError`` after five seconds."""
        loop = self._loop
        answer: asyncio.Future[_T] = loop.create_future()

        def job() -> None:
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
                loop.call_soon_threadsafe(_settle_future, answer, None, error)
            else:
                loop.call_soon_threadsafe(_settle_future, answer, result, None)

        lane.call(job)
        return await asyncio.wait_for(answer, PATIENCE_S)

    async def ready(self) -> bool:
        """Whether the database can be written, found out within two seconds and by one sync for all who ask at once."""
        if self._question is None or self._question.done():
            self._question = asyncio.create_task(self._ask())
        return await asyncio.shield(self._question)

    async def _ask(self) -> bool:
        try:
            await asyncio.wait_for(self._in_writer(lambda: self._writer.ping(write=True)), 2)
        except StoreError as error:
            _log.warning("database not writable", error=str(error))
            return False
        except TimeoutError:
            return False
        return True

    def _settle_reading(self, batch: Batch) -> Sequence[Decision | None]:
        """In the read lane's thread: refuse what a plain read refuses."""
        for _ in range(2):  # a connection that broke while idle is opened again
            try:
                view = self._reader.read(batch.submissions)
                decisions, _ = settle(view, batch.submissions, admit=False)
                self._reader.done()
            except Gone as error:
                problem: Exception = error
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, callers get an answer and the log the reason
                problem = error
                self._reader.done()
                break
            self._note(batch.submissions, decisions, view)
            return decisions
        self._report("could not read", problem, batch.submissions)
        return [self._give_up(submission, "unavailable") for submission in batch.submissions]

    def _start_reading(self, batch: Batch) -> Callable[[], Sequence[Decision | None]] | None:
        """In the event loop: the same, if it goes smoothly."""
        try:
            view = self._reader.read(batch.submissions)
            decisions, _ = settle(view, batch.submissions, admit=False)
            self._reader.done()
        except Exception:  # noqa: BLE001 - the thread does it all again, and finds out what it was
            self._reader.done()
            return None
        self._note(batch.submissions, decisions, view)
        return lambda: decisions

    def _start_writing(self, batch: Batch) -> Callable[[], Sequence[Decision]] | None:
        """In the event loop: everything but COMMIT, if it goes smoothly."""
        try:
            view = self._writer.begin_at_once(batch.submissions)
            if view is None:
                return None
            batch.enter()
            decisions, rows = self._fill_in(view, batch.submissions)
        except Exception:  # noqa: BLE001 - the thread does it all again, and finds out what it was
            self._writer.done()
            return None
        return lambda: self._finish_writing(batch, view, decisions, rows)

    def _finish_writing(self, batch: Batch, view: View, decisions: list[Decision], rows: Rows) -> Sequence[Decision]:
        """In the write lane's thread: the rest."""
        try:
            decisions = self._conclude(batch.submissions, decisions, rows)
        except Exception:  # noqa: BLE001 - nothing was stored
            self._writer.done()
            return self._settle_writing(batch)
        self._writer.done()
        self._note(batch.submissions, decisions, view)
        return decisions

    def _settle_writing(self, batch: Batch) -> Sequence[Decision]:
        """In the write lane's thread: settle the batch; if it fails as a whole, one submission at a time."""
        try:
            try:
                return self._write(batch, batch.submissions)
            except Gone:
                return self._write(batch, batch.submissions)  # on a new connection; nothing was stored
        except _Abandoned:
            return [self._give_up(submission, "unavailable") for submission in batch.submissions]
        except Gone as error:
            self._report("database gone", error, batch.submissions)
            return [self._give_up(submission, "unavailable") for submission in batch.submissions]
        except Exception as error:  # noqa: BLE001
            if len(batch.submissions) > 1:
                self._report("batch failed, going on one by one", error, [])
            return [self._write_alone(batch, submission) for submission in batch.submissions]

    def _write_alone(self, batch: Batch, submission: Submission) -> Decision:
        """Settle one submission in a transaction of its own, so that only the culprit fails."""
        try:
            return self._write(batch, [submission])[0]
        except Busy as error:
            # A caller with a key waits for whoever holds it; without one there is nothing to wait for.
            self._report("lock not to be had", error, [submission])
            return self._give_up(submission, "idempotency_in_flight" if submission.idempotency_key else "unavailable")
        except Exception as error:  # noqa: BLE001
            self._report("could not store", error, [submission])
            return self._give_up(submission, "unavailable")

    def _write(self, batch: Batch, submissions: Sequence[Submission]) -> list[Decision]:
        """One transaction: locks, rules, decisions, rows, COMMIT."""
        try:
            view = self._writer.begin(submissions)
            if not batch.enter():
                raise _Abandoned
            decisions, rows = self._fill_in(view, submissions)
            decisions = self._conclude(submissions, decisions, rows)
        finally:
            self._writer.done()
        self._note(submissions, decisions, view)
        return decisions

    def _fill_in(self, view: View, submissions: Sequence[Submission]) -> tuple[list[Decision], Rows]:
        """Decide, and write the rows."""
        settled, rows = settle(view, submissions, admit=True)
        if rows:
            self._writer.insert(rows, self.process)
        return [decision for decision in settled if decision is not None], rows

    def _conclude(self, submissions: Sequence[Submission], decisions: list[Decision], rows: Rows) -> list[Decision]:
        """COMMIT, if there is something to commit; what callers are told is what is stored."""
        if rows:
            try:
                self._writer.commit()
            except Unknown as error:
                self._report("COMMIT was not confirmed", error, submissions)
                return self._look_up(submissions, decisions, rows)
            self.batches += 1
        return decisions

    def _look_up(self, submissions: Sequence[Submission], decisions: Sequence[Decision], rows: Rows) -> list[Decision]:
        """After a COMMIT that was not confirmed: ask the database before anybody is answered."""
        codes = in_doubt.settle(self._writer, decisions, rows)
        return [
            decision if code is None else self._give_up(submission, code)
            for submission, decision, code in zip(submissions, decisions, codes, strict=True)
        ]

    def _note(self, submissions: Sequence[Submission], decisions: Sequence[Decision | None], view: View) -> None:
        """Journal what made no lead. The answers stand already: whatever goes wrong here is only logged."""
        try:
            self._note_all(submissions, decisions, view)
        except Exception as error:  # noqa: BLE001
            self._report("could not note in the journal", error, submissions)

    def _note_all(self, submissions: Sequence[Submission], decisions: Sequence[Decision | None], view: View) -> None:
        for submission, decision in zip(submissions, decisions, strict=True):
            if decision is None or decision.outcome in _NOT_JOURNALED:
                continue
            entry = view.entries.get(submission.key)
            self._journal.record(submission, decision, entry.rules if entry else None, view.now)
            if entry is not None:
                self._guess.learn(submission, decision, entry)

    def _give_up(self, submission: Submission, outcome: str) -> Decision:
        """An answer without the database. The origins last read serve for the CORS header only."""
        entry = self.compiled.last.get(submission.key)
        if entry is None:
            return Decision(outcome)
        decision = Decision(outcome, allow_origin=policy.allow_origin(entry.rules, submission.origin))
        self._journal.record(submission, decision, entry.rules, time.time_ns() // 1_000_000)
        return decision

    async def _tick(self) -> None:
        while self._running:
            await asyncio.sleep(TICK_S)
            self._reads.sweep()
            self._writes.sweep()
            self._writes.call(self._flush)

    def _flush(self) -> None:
        """In the write lane's thread: write what is waiting in the journal."""
        taken = self._journal.take(self._timings.rows())
        if taken is None:
            return
        try:
            self._journal.learn(self._writer.flush(taken.copy(), self.process))
            self._timings.forget(taken.timings)
        except Exception as error:  # noqa: BLE001 - the journal waits for better times
            self._journal.give_back(taken)
            self._report("could not write the journal", error, [])

    @staticmethod
    def _report(what: str, error: Exception, submissions: Sequence[Submission]) -> None:
        ids = [submission.request_id for submission in submissions]
        _log.error(what, error=str(error), kind=type(error).__name__, requests=ids,
                   exc_info=None if isinstance(error, StoreError) else error)  # fmt: skip


def _never(pending: Pending) -> None:
    raise AssertionError(f"the write lane left {pending.submission.request_id} undecided")


def _settle_future(future: asyncio.Future[Any], value: object, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


async def _nobody_to_ask(wanted: ToVerify, _submission: Submission) -> Verdict:
    return Verdict(wanted.rules, "down")
