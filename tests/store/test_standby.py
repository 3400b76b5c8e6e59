"""A synchronous standby: nobody is told that a lead is safe before the standby has it, whatever happens to the wait.

The standby here is one that never comes, so that each COMMIT waits. A wait that somebody cancels ends in success: the
lead is there to be seen, on one machine.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from stagewise.core.submission import Submission
from stagewise.store import in_doubt
from stagewise.store.ledger import Ledger
from stagewise.store.postgres import PostgresSession
from stagewise.store.rules import Compiled
from stagewise.store.session import StoreError
from tests.store.lab import Lab
from tests.support import installation as installations
from tests.support import postgres
from tests.support.processes import request
from tests.support.waiting import eventually

_WAITING = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


class Standby:
    """The synchronous standby of a server, as far as one that does not exist can be there or not."""

    def __init__(self, url: str) -> None:
        self.url = url

    @contextmanager
    def is_missing(self) -> Iterator[None]:
        """COMMIT waits for it."""
        self.expect("nobody")
        try:
            yield
        finally:
            self.expect("")

    def expect(self, name: str) -> None:
        """Wait for this standby from now on; without a name for none."""
        postgres.execute(self.url, f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        postgres.execute(self.url, "SELECT pg_reload_conf()")
        eventually(lambda: self._ask("SELECT current_setting('synchronous_standby_names')") == name)

    @contextmanager
    def nobody_can_wait(self, how: str) -> Iterator[None]:
        """Whoever waits is told by this function to stop; the block ends after at least one was."""
        over, told = threading.Event(), threading.Event()

        def tell() -> None:
            while not over.wait(0.02):
                if self._ask(f"SELECT count({how}(pid)) {_WAITING}"):
                    told.set()

        thread = threading.Thread(target=tell)
        thread.start()
        try:
            yield
            assert told.is_set(), "nobody waited"
        finally:
            over.set()
            thread.join()

    def cancel_one_wait(self) -> None:
        """Wait until somebody waits, and cancel that."""
        eventually(lambda: self._ask(f"SELECT count(pg_cancel_backend(pid)) {_WAITING}"))

    def _ask(self, statement: str) -> object:
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
        assert row is not None
        return row[0]


@pytest.fixture
def lab(own_postgres: tuple[postgres.Cluster, installations.Installation]) -> Lab:
    return Lab(own_postgres[1])


@pytest.fixture
def standby(own_postgres: tuple[postgres.Cluster, installations.Installation]) -> Standby:
    return Standby(own_postgres[0].url())


def decide(lab: Lab, submission: Submission) -> str:
    """The outcome, by a ledger that knows the endpoint already."""

    async def steps(ledger: Ledger) -> str:
        await ledger.decide(lab.submission(email="no address"))
        return (await ledger.decide(submission)).outcome

    return lab.run(steps)


@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
def test_a_lead_that_only_this_server_has_is_not_acknowledged_nor_is_its_replay(
    lab: Lab, standby: Standby, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_doubt, "ASK_S", 0.5)
    with standby.is_missing():
        for _ in range(2):
            with standby.nobody_can_wait(how):
                assert decide(lab, lab.submission(idempotency_key="k")) == "outcome_unknown"
            assert lab.installation.count("lead") == 1, "the server has committed it"
    assert decide(lab, lab.submission(idempotency_key="k")) == "replayed"


def test_a_lead_is_acknowledged_when_the_standby_has_it_after_all(lab: Lab, standby: Standby) -> None:
    async def steps() -> str:
        async with lab.ledger() as ledger:
            await ledger.decide(lab.submission())
            with standby.is_missing():
                asked = asyncio.create_task(ledger.decide(lab.submission()))
                await asyncio.to_thread(standby.cancel_one_wait)
            return (await asked).outcome

    assert asyncio.run(steps()) == "created"
    assert lab.installation.count("lead") == 2


def test_on_a_server_that_never_began_the_transaction_the_lead_is_certainly_not_stored(lab: Lab) -> None:
    with former_leaders_session(lab) as session:
        assert session.stored([NO_LEAD]) == set()


def test_while_a_server_is_a_standby_nothing_is_certain_and_the_lane_says_503_until_it_leads(
    own_postgres: tuple[postgres.Cluster, installations.Installation], lab: Lab
) -> None:
    cluster, installation = own_postgres
    server = installation.intake()
    assert server.post_lead().status == 201
    demoted = cluster.data / "standby.signal"

    cluster.stop()
    demoted.touch()
    cluster.start()
    refused = server.post_lead()
    assert (refused.status, refused.json()["code"], "retry-after" in refused.headers) == (503, "unavailable", True)
    assert request(server.port, "GET", "/readyz").status == 503
    with former_leaders_session(lab) as session, pytest.raises(StoreError):
        session.stored([NO_LEAD])

    cluster.stop()
    demoted.unlink()
    cluster.start()
    assert server.post_lead().status == 201
    assert installation.count("lead") == 2


NO_LEAD = "0" * 32


@contextmanager
def former_leaders_session(lab: Lab) -> Iterator[PostgresSession]:
    """A session that lost its COMMIT to a leader which was ahead of this server."""
    assert lab.installation.database_url
    session = PostgresSession(lab.installation.database_url, Compiled())
    session._transaction_id = str(2**20)
    yield session
    session.close()
