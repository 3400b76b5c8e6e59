"""What the ledger does when the database fails it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from stagewise.core.submission import Submission
from stagewise.store import lane
from stagewise.store.ledger import Ledger
from stagewise.store.records import Rows
from stagewise.store.rules import Compiled
from stagewise.store.session import Gone, Session, StoreError, Unknown
from stagewise.store.view import View
from tests.store.lab import Lab


class Faulty:
    """A session that does what it is told before or after what the real one does."""

    def __init__(self, real: Session) -> None:
        self._real = real
        self.after_loss = real.after_loss
        self.is_local = real.is_local
        self.before_insert: Callable[[Rows], None] = lambda rows: None
        self.before_commit: Callable[[], None] = lambda: None
        self.after_commit: Callable[[], None] = lambda: None
        self.before_begin: Callable[[], None] = lambda: None
        self.waits = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def begin(self, batch: Sequence[Submission]) -> View:
        self.before_begin()
        return self._real.begin(batch)

    def begin_at_once(self, batch: Sequence[Submission]) -> View | None:
        # A fault that waits belongs into the thread, where the real wait for a lock would be.
        return None if self.waits else self._real.begin_at_once(batch)

    def insert(self, rows: Rows, process: int) -> None:
        self.before_insert(rows)
        self._real.insert(rows, process)

    def commit(self) -> None:
        self.before_commit()
        self._real.commit()
        self.after_commit()


class Bench:
    """Runs steps on a ledger whose writing session is faulty."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.sessions: list[Faulty] = []
        lab.installation.save_rules(max_leads_per_ip=None)

    @property
    def writer(self) -> Faulty:
        return self.sessions[1]

    def connect(self, compiled: Compiled) -> Session:
        self.sessions.append(Faulty(self.lab.session(compiled)))
        return self.sessions[-1]  # type: ignore[return-value]

    def run(self, *submissions: Submission, before: Callable[[], None]) -> list[str]:
        """Decide these at once, after one good call that makes the ledger know the endpoint."""

        async def steps() -> list[str]:
            async with self.lab.ledger(self.connect) as ledger:
                assert (await ledger.decide(self.lab.submission(name="First"))).outcome == "created"
                before()
                decisions = await asyncio.gather(*map(ledger.decide, submissions))
                return [decision.outcome for decision in decisions]

        return asyncio.run(steps())

    def stored(self) -> set[str]:
        rows = self.lab.installation.sql("SELECT name FROM lead")
        return {row[0] for row in rows} - {"First"}


@pytest.fixture
def bench(lab: Lab) -> Bench:
    return Bench(lab)


def once(action: Callable[[], None]) -> Callable[[], None]:
    """Act the first time only."""
    todo = [action]
    return lambda: todo.pop()() if todo else None


def fail(error: Exception) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


def wait_for(event: threading.Event) -> None:
    """Be stuck for a while."""
    event.wait(1.5)


def test_one_bad_row_never_fails_its_neighbours(bench: Bench) -> None:
    names = [f"Visitor {n}" for n in range(20)]

    def refuse_one(rows: Rows) -> None:
        if any(lead.name == "Visitor 7" for lead in rows.leads):
            raise StoreError("a value that the database will not take")

    def before() -> None:
        bench.writer.before_insert = refuse_one

    outcomes = bench.run(*(bench.lab.submission(name=name) for name in names), before=before)
    assert dict(zip(names, outcomes, strict=True)) == {
        name: "unavailable" if name == "Visitor 7" else "created" for name in names
    }
    assert bench.stored() == set(names) - {"Visitor 7"}


def test_a_connection_that_broke_is_opened_again_and_nobody_notices(bench: Bench) -> None:
    def before() -> None:
        bench.writer.before_commit = once(fail(Gone("the connection is gone")))

    assert bench.run(bench.lab.submission(name="A"), before=before) == ["created"]
    assert bench.stored() == {"A"}


def test_while_the_database_is_gone_callers_are_told_that_nothing_was_stored(bench: Bench) -> None:
    def before() -> None:
        bench.writer.waits = True
        bench.writer.before_begin = fail(Gone("no database"))

    submissions = [bench.lab.submission(name=f"V{n}") for n in range(5)]
    assert bench.run(*submissions, before=before) == ["unavailable"] * 5
    assert bench.stored() == set()


def test_an_unexpected_error_is_an_answer_too_and_stores_nothing(bench: Bench) -> None:
    def before() -> None:
        bench.writer.before_commit = fail(ZeroDivisionError())

    submissions = [bench.lab.submission(name=f"V{n}") for n in range(3)]
    assert bench.run(*submissions, before=before) == ["unavailable"] * 3
    assert bench.stored() == set()


@pytest.mark.parametrize("engine", ["postgres"])
def test_a_commit_whose_answer_was_lost_is_looked_up_and_found(bench: Bench) -> None:
    def before() -> None:
        bench.writer.after_commit = once(fail(Unknown("connection reset")))

    assert bench.run(bench.lab.submission(name="A"), bench.lab.submission(name="B"), before=before) == ["created"] * 2
    assert bench.stored() == {"A", "B"}


@pytest.mark.parametrize("engine", ["postgres"])
def test_a_commit_that_never_arrived_is_looked_up_and_certainly_not_stored(bench: Bench) -> None:
    def lose() -> None:
        bench.writer._real.close()
        raise Unknown("connection reset")

    def before() -> None:
        bench.writer.before_commit = once(lose)

    assert bench.run(bench.lab.submission(name="A"), before=before) == ["unavailable"]
    assert bench.stored() == set()


def test_of_a_lead_that_a_lost_commit_was_to_store_its_repeats_are_not_told_that_it_is_stored(bench: Bench) -> None:
    def lose() -> None:
        bench.writer._real.done()
        raise Unknown("connection reset")

    def before() -> None:
        bench.writer.before_commit = once(lose)

    same = [bench.lab.submission(name="A", message="Twice") for _ in range(2)]
    assert set(bench.run(*same, before=before)) <= {"unavailable", "outcome_unknown"}
    assert bench.stored() == set()


@pytest.mark.parametrize("engine", ["sqlite"])
def test_after_a_failed_sync_nobody_is_told_that_the_lead_is_safe(bench: Bench) -> None:
    def before() -> None:
        bench.writer.after_commit = once(fail(Unknown("disk I/O error")))

    assert bench.run(bench.lab.submission(name="A"), before=before) == ["outcome_unknown"]


def test_whoever_was_told_that_nothing_was_stored_is_not_stored_afterwards(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "PATIENCE_S", 0.3)
    stuck = threading.Event()

    def before() -> None:
        bench.writer.waits = True
        bench.writer.before_begin = once(lambda: wait_for(stuck))

    assert bench.run(bench.lab.submission(name="A"), before=before) == ["unavailable"]
    assert bench.stored() == set()


def test_a_batch_that_does_not_end_is_answered_as_unknown(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "PATIENCE_S", 0.2)
    stuck = threading.Event()

    def before() -> None:
        bench.writer.before_commit = once(lambda: wait_for(stuck))

    assert bench.run(bench.lab.submission(name="A"), before=before) == ["outcome_unknown"]


def test_a_full_queue_refuses_what_comes_then(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "QUEUE", 5)
    outcomes = Counter(bench.run(*(bench.lab.submission(name=f"V{n}") for n in range(50)), before=lambda: None))
    assert outcomes["created"] >= 5
    assert outcomes["unavailable"] == 50 - outcomes["created"]
    assert len(bench.stored()) == outcomes["created"]


# The same with a real PostgreSQL server that is killed: tests/proof/test_kills.py.
@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_database_that_comes_back_is_found_without_a_restart(lab: Lab) -> None:
    moved = lab.installation.data_dir / "moved"

    async def steps(ledger: Ledger) -> list[str]:
        outcomes = [(await ledger.decide(lab.submission())).outcome]
        database = lab.installation.data_dir / "stagewise.sqlite3"
        ledger._writer.close()
        ledger._reader.close()
        database.rename(moved)
        outcomes.append((await ledger.decide(lab.submission())).outcome)
        moved.rename(database)
        outcomes.append((await ledger.decide(lab.submission())).outcome)
        return outcomes

    assert lab.run(steps) == ["created", "unavailable", "created"]
