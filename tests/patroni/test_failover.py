"""PostgreSQL under Patroni, as deploy/patroni sets it up: its leader may be killed in any way, and no lead is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from proof import failover
from tests.patroni.machines import FILES, STEP, Databases, Member
from tests.proxies.fronts import path_of
from tests.support import postgres

#: How often the leader is killed in the long form.
TIMES = int(os.environ.get("SOAK_FAILOVERS", "10"))


@pytest.mark.soak
def test_whatever_kills_the_leader_what_was_answered_with_201_is_on_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    databases = Databases()
    try:
        outcome = failover.run(databases, tmp_path, failover.planned(TIMES))
    finally:
        databases.close()
    with capsys.disabled():
        sys.stdout.write(f"\n{outcome.figures}\n{outcome.table}\n")
    assert outcome.is_well, outcome.table
    answers = [answer for call in outcome.calls for answer in call.answers]
    statuses = Counter(answer.status for answer in answers)
    # Nobody was cut off: the nodes were there all the time, and said so when they could not know.
    assert set(statuses) == {201, 503}
    assert all(answer.has_retry_after for answer in answers if answer.status == 503)
    assert all(call.created for call in outcome.calls)
    assert len(outcome.calls) > 100 * TIMES


@pytest.mark.soak
def test_without_a_synchronous_standby_leads_are_lost_and_the_checker_finds_out(tmp_path: Path) -> None:
    databases = Databases(synchronous=False)
    try:
        outcome = failover.run(databases, tmp_path, ["stalled"])
    finally:
        databases.close()
    assert not outcome.is_well
    assert "BROKEN  what was answered with 201 is stored" in outcome.table


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for machines that are set up and not started."""
    made = postgres.temporary_folder("stagewise-patroni-", postgres.owner())
    yield made
    shutil.rmtree(made)


def test_haproxy_takes_its_file_without_a_warning() -> None:
    command = [path_of("haproxy", STEP), "-c", "-dW", "-f", str(FILES / "haproxy-postgres.cfg")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_patroni_complains_of_nothing_in_its_file_but_of_loopback_and_that_no_etcd_runs(folder: Path) -> None:
    member = Member("db1", folder / "db1", postgres.owner(), 2379, {})
    command = [path_of("patroni", STEP), "--validate-config", str(member.configuration)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert {line.split(" ")[0] for line in (done.stdout + done.stderr).splitlines()} <= {
        "restapi.connect_address",
        "postgresql.connect_address",
        "etcd3.hosts.0",
        "bootstrap.pg_hba",  # it may stand there; ours is where every restart reads it
    }


def test_what_the_promise_rests_on_is_written_in_the_file() -> None:
    text = (FILES / "patroni.yml").read_text()
    for line in ("synchronous_mode: true", "synchronous_mode_strict: true", 'synchronous_commit: "on"', 'fsync: "on"'):
        assert f" {line}\n" in text
