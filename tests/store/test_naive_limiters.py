"""The test of "exactly ten" would notice a limit that is built wrong: two common ways, both of which admit too many.

The first counts and then writes. The second takes its lock in the statement that counts: PostgreSQL has taken that
statement's snapshot before it waits for the lock, so it counts what was there before.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest

from tests.store.lab import Lab
from tests.support.installation import Installation

LIMIT, CALLERS = 10, 24
#: A race need not show at once.
ROUNDS = 30

COUNT = "SELECT count(*) FROM naive_slot"
INSERT = "INSERT INTO naive_slot (taken) VALUES (1)"

Limiter = Callable[[Installation, threading.Barrier], None]


def counts_then_writes(installation: Installation, start: threading.Barrier) -> None:
    if installation.database_url:
        with psycopg.connect(installation.database_url, autocommit=True) as connection:
            start.wait()
            row = connection.execute(COUNT).fetchone()
            if row is not None and row[0] < LIMIT:
                connection.execute(INSERT)
        return
    path = installation.data_dir / "stagewise.sqlite3"
    with closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as file:
        start.wait()
        if file.execute(COUNT).fetchone()[0] < LIMIT:
            file.execute(INSERT)


def locks_and_counts_in_one_statement(installation: Installation, start: threading.Barrier) -> None:
    assert installation.database_url
    with psycopg.connect(installation.database_url) as connection:
        start.wait()
        row = connection.execute(f"SELECT pg_advisory_xact_lock(1), ({COUNT})").fetchone()
        if row is not None and row[1] < LIMIT:
            connection.execute(INSERT)


def locks_and_then_counts(installation: Installation, start: threading.Barrier) -> None:
    assert installation.database_url
    with psycopg.connect(installation.database_url) as connection:
        start.wait()
        connection.execute("SELECT pg_advisory_xact_lock(1)")
        row = connection.execute(COUNT).fetchone()
        if row is not None and row[0] < LIMIT:
            connection.execute(INSERT)


@pytest.fixture
def slots(installation: Installation) -> Installation:
    installation.sql("CREATE TABLE naive_slot (taken integer NOT NULL)")
    return installation


def admitted(slots: Installation, limiter: Limiter) -> int:
    """How many of all callers at once got a slot."""
    slots.sql("DELETE FROM naive_slot")
    start = threading.Barrier(CALLERS)
    threads = [threading.Thread(target=limiter, args=(slots, start)) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return slots.count("naive_slot")


def test_counting_and_then_writing_admits_too_many(slots: Installation) -> None:
    assert any(admitted(slots, counts_then_writes) > LIMIT for _ in range(ROUNDS))


@pytest.mark.parametrize("engine", ["postgres"])
def test_a_lock_in_the_statement_that_counts_admits_too_many(slots: Installation) -> None:
    assert any(admitted(slots, locks_and_counts_in_one_statement) > LIMIT for _ in range(ROUNDS))


@pytest.mark.parametrize("engine", ["postgres"])
def test_a_lock_in_a_statement_before_admits_exactly_as_many(slots: Installation) -> None:
    assert {admitted(slots, locks_and_then_counts) for _ in range(5)} == {LIMIT}


def test_the_ledger_admits_exactly_as_many(lab: Lab) -> None:
    lab.installation.save_rules(max_leads_per_ip=LIMIT)
    assert lab.posts(CALLERS).count("created") == lab.installation.count("lead") == LIMIT
