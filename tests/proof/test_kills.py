"""Whatever is killed under load: what was answered with 201 is there, once, with everything that belongs to it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from proof import kills
from proof.weakened import HASTY
from tests.support import postgres
from tests.support.installation import Installation

pytestmark = pytest.mark.slow

#: How often a worker is killed in the long form; what takes longer to come back is killed less often.
LONG = int(os.environ.get("SOAK_KILLS", "200"))
LONG_FORMS = {"worker": LONG, "group": LONG // 2, "master": LONG // 4}


@pytest.mark.parametrize(
    ("what", "times"),
    [
        *((what, 3) for what in LONG_FORMS),
        *(pytest.param(what, times, marks=pytest.mark.soak) for what, times in LONG_FORMS.items()),
    ],
)
def test_processes_of_the_lane_may_be_killed(installation: Installation, tmp_path: Path, what: str, times: int) -> None:
    outcome = kills.run(installation, what, times, tmp_path)
    assert outcome.is_well, outcome.table
    assert len(outcome.calls) > 20 * times


@pytest.mark.parametrize("times", [3, pytest.param(LONG, marks=pytest.mark.soak)])
@pytest.mark.parametrize("engine", ["postgres"])
def test_connections_to_the_database_may_be_cut(installation: Installation, tmp_path: Path, times: int) -> None:
    outcome = kills.run(installation, "backend", times, tmp_path)
    assert outcome.is_well, outcome.table


@pytest.mark.parametrize("times", [2, pytest.param(LONG // 4, marks=pytest.mark.soak)])
def test_the_database_server_may_be_killed(
    own_postgres: tuple[postgres.Cluster, Installation], tmp_path: Path, times: int
) -> None:
    cluster, installation = own_postgres
    outcome = kills.run(installation, "database", times, tmp_path, cluster=cluster)
    assert outcome.is_well, outcome.table
    assert any(answer.status == 503 for call in outcome.calls for answer in call.answers)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_lane_that_answers_before_it_commits_is_found_out(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HASTY, "yes")
    outcome = kills.run(installation, "group", 4, tmp_path, command=[sys.executable, "-m", "proof.weakened"])
    assert not outcome.is_well
    assert "BROKEN  what was answered with 201 is stored" in outcome.table
