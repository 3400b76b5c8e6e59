"""Commands that are killed at any statement of SQL: an update goes on where it was, a saved rule is old or new."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support import earlier_release, postgres, shared
from tests.support import installation as installations
from tests.support.installation import Installation, Server

#: More than any update has: whoever comes here goes round in circles.
FAR_TOO_MANY = 5_000
#: Tables that Django fills in at the end of an update, and that nothing of ours ever reads.
UNUSED = {"django_content_type", "auth_permission"}
LEADS = "SELECT public_id, name, phone, email, message, created_at FROM lead ORDER BY id"


class State(NamedTuple):
    """What a database is like: its tables with their columns and indexes, the migrations applied, rows by table."""

    schema: list[Any]
    migrations: list[Any]
    rows: dict[str, int]


def state(installation: Installation) -> State:
    if installation.database_url:
        schema = installation.sql(
            "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
            " WHERE table_schema = 'public'"
            " UNION ALL SELECT tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'"
            " UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '' FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2, 3"
        )
    else:
        schema = installation.sql("SELECT tbl_name, name, sql FROM sqlite_master ORDER BY 1, 2, 3")
    tables = sorted({row[0] for row in schema if not row[0].startswith(("sqlite_", "lead_search_"))} - UNUSED)
    made = "django_migrations" in tables
    return State(
        schema,
        installation.sql("SELECT app, name FROM django_migrations ORDER BY id") if made else [],
        {table: installation.count(f'"{table}"') for table in tables},
    )


@pytest.fixture
def make(engine: str, tmp_path: Path) -> Iterator[Callable[[str], Installation]]:
    """``make(name)`` is an installation with an empty database of its own."""
    made = []

    def one(name: str) -> Installation:
        url = None
        if engine == "postgres":
            database = f"killed_{uuid.uuid4().hex[:12]}"
            postgres.execute(shared.cluster_url(), f'CREATE DATABASE "{database}"')
            url = shared.cluster_url(database)
        made.append(Installation(tmp_path / name, url))
        return made[-1]

    yield one
    for each in made:
        installations.remove(each)


def migrate_under_kills(installation: Installation, step: int) -> int:
    """Migrate and kill it at each ``step``-th statement, further on whenever nothing came of it; how many kills."""
    number, before = step, state(installation)
    for kills in range(FAR_TOO_MANY):
        done = installation.killed_at(number, "migrate")
        after = state(installation)
        if done.returncode == 0:
            return kills
        assert done.returncode == -9, done.stderr
        assert after.schema == before.schema or after.migrations != before.migrations, "half a migration is there"
        # What was done in vain is tried to a later point; what came to something goes on from there.
        number = number + step if after == before else step
        before = after
    raise AssertionError("it never ends")


STEPS = [
    pytest.param(120, 3, marks=pytest.mark.slow, id="now-and-then"),
    pytest.param(1, 350, marks=pytest.mark.soak, id="everywhere"),
]


@pytest.mark.parametrize(("step", "least"), STEPS)
def test_an_update_may_be_killed_at_any_statement(make: Callable[[str], Installation], step: int, least: int) -> None:
    undisturbed, killed = make("undisturbed"), make("killed")
    for each in (undisturbed, killed):
        each.helper("earlier_release")
    leads = killed.sql(LEADS)
    undisturbed.stagewise("migrate")
    kills = migrate_under_kills(killed, step)
    assert kills >= least
    assert state(killed) == state(undisturbed)
    assert killed.sql(LEADS) == leads
    assert len(leads) == earlier_release.LEADS
    assert killed.json("migrate")["applied"] == []


@pytest.mark.soak
def test_the_first_start_may_be_killed_at_any_statement(make: Callable[[str], Installation]) -> None:
    undisturbed, killed = make("undisturbed"), make("killed")
    undisturbed.stagewise("migrate")
    assert migrate_under_kills(killed, 1) >= 350
    assert state(killed) == state(undisturbed)


# Rules that are being saved

OLD, NEW = (False, 7), (True, 99)


def rules(installation: Installation) -> tuple[bool, int]:
    [(allow_all_ips, limit)] = installation.sql("SELECT allow_all_ips, max_leads_per_ip FROM endpoint")
    return bool(allow_all_ips), limit


def save(installation: Installation, wanted: tuple[bool, int], at: int) -> int:
    """Save both rules with the command, and die at this statement; the exit code."""
    on = "on" if wanted[0] else "off"
    arguments = ["endpoint", "set", "My website", "--allow-all-ips", on, "--max-leads-per-ip", str(wanted[1])]
    return installation.killed_at(at, *arguments).returncode


@pytest.mark.parametrize("kills", [8, pytest.param(200, marks=pytest.mark.soak)])
def test_rules_that_are_saved_while_the_process_is_killed_are_old_or_new(
    installation: Installation, intake_server: Callable[..., Server], kills: int
) -> None:
    installation.save_rules(allow_all_ips=OLD[0], max_leads_per_ip=OLD[1], allowed_ips=["192.0.2.1"])
    lane = intake_server()
    chance, killed = random.Random(1), 0
    for number in range(kills):
        before = rules(installation)
        wanted = NEW if before == OLD else OLD
        killed += save(installation, wanted, chance.randint(1, 12) if number % 4 else 0) == -9
        now = rules(installation)
        assert now in {before, wanted}
        answer = lane.post(b"{}")  # what the rules say now decides, and no lock is left behind
        assert (answer.status, answer.json()["code"]) == (
            (422, "missing_fields") if now[0] else (403, "ip_not_allowed")
        )
    assert 0 < killed < kills
