"""What is in the database, as far as the checker asks."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import psycopg

Query = Callable[[str], list[tuple[Any, ...]]]


class Lead(msgspec.Struct, frozen=True):
    """A stored lead; ``public_id`` as 32 hexadecimal digits."""

    id: int
    public_id: str
    name: str
    phone: str
    email: str
    message: str | None


class Stored(msgspec.Struct):
    """Everything that a created lead leaves, without test leads."""

    leads: list[Lead]
    #: Lead id → how many of each.
    attempts: Counter[int]
    events: Counter[int]
    #: (endpoint id, bucket) → times in milliseconds.
    hits: dict[tuple[int, str], list[int]]
    #: Outcome → calls, by the counters.
    counters: Counter[str]
    #: Events that are not handed on yet.
    waiting: int


def of_file(path: Path) -> Stored:
    """Read a SQLite file."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return read(lambda statement: connection.execute(statement).fetchall())


def of_url(url: str) -> Stored:
    """Read a PostgreSQL database."""
    with psycopg.connect(url, autocommit=True) as connection:
        return read(lambda statement: connection.execute(statement.encode()).fetchall())


def read(query: Query) -> Stored:
    """Read it all by a function that runs one statement."""
    leads = [
        Lead(row[0], str(row[1]).replace("-", ""), *row[2:])
        for row in query("SELECT id, public_id, name, phone, email, message FROM lead WHERE NOT test")
    ]
    hits: dict[tuple[int, str], list[int]] = {}
    for endpoint, bucket, at in query("SELECT endpoint_id, bucket, at FROM hit ORDER BY at"):
        hits.setdefault((endpoint, bucket), []).append(at)
    return Stored(
        leads,
        Counter(row[0] for row in query("SELECT lead_id FROM attempt WHERE outcome = 'created'")),
        Counter(row[0] for row in query("SELECT lead_id FROM event WHERE kind = 'lead.created'")),
        hits,
        Counter({row[0]: int(row[1]) for row in query("SELECT outcome, sum(count) FROM attempt_counter GROUP BY 1")}),
        int(query("SELECT count(*) FROM event WHERE dispatched_at IS NULL")[0][0]),
    )
