"""``stagewise backup`` and ``stagewise restore`` on PostgreSQL, by its own programs and a running installation."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backup.test_backup import fresh, missing_from, posting, refusal
from tests.support import postgres, shared
from tests.support.installation import Installation

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("engine", ["postgres"])]

OUR_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"


@pytest.fixture(autouse=True)
def _programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of the tests' own server, wherever it is."""
    folder = postgres.binaries()
    if not (folder / "pg_dump").exists():
        pytest.skip("this PostgreSQL has no pg_dump")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Installation]:
    """A new machine: an empty data directory, an empty database, no secret key."""
    name = f"elsewhere_{uuid.uuid4().hex[:12]}"
    url = shared.cluster_url()
    postgres.execute(url, f"CREATE DATABASE {name}")
    made = Installation(tmp_path / "elsewhere", url.rpartition("/")[0] + f"/{name}", secret_key="")
    yield made
    made.close()
    postgres.execute(url, f"DROP DATABASE {name} WITH (FORCE)")


def test_a_new_machine_goes_on_where_the_backup_was_begun(
    installation: Installation, elsewhere: Installation, tmp_path: Path
) -> None:
    installation.set_endpoint(max_leads_per_ip=None)
    installation.stagewise("channel", "add", "webhook", "CRM", "https://crm.example.com/hook")
    server = installation.intake()
    acknowledged: list[str] = []
    with posting(server, acknowledged):
        while len(acknowledged) < 20:
            time.sleep(0.01)
        before = set(acknowledged)
        told = installation.json("backup", str(tmp_path / "one.backup"))
    assert (told["engine"], told["counts"]["workspace"]) == ("postgresql", 1)
    assert told["counts"]["lead"] >= len(before)

    elsewhere.stagewise("restore", str(tmp_path / "one.backup"))
    assert missing_from(elsewhere, before) == set()
    assert elsewhere.count("lead") == told["counts"]["lead"]
    assert elsewhere.sql("SELECT left(paused_because, 8) FROM channel") == [("Restored",)]
    assert elsewhere.json("channel", "resume", "--restored")[0]["name"] == "CRM"
    # Limits count on: all of these came from one address. And there are sequences and partitions for the next lead.
    elsewhere.set_endpoint(max_leads_per_ip=told["counts"]["lead"] + 1)
    again = elsewhere.intake()
    assert [again.post_lead().status for _ in range(2)] == [201, 429]


def test_what_came_after_the_backup_is_found_missing(
    installation: Installation, elsewhere: Installation, tmp_path: Path
) -> None:
    server = installation.intake()
    kept = str(server.post_lead().json()["id"])
    installation.stagewise("backup", str(tmp_path / "one.backup"))
    later = str(server.post_lead().json()["id"])
    elsewhere.stagewise("restore", str(tmp_path / "one.backup"))
    assert missing_from(elsewhere, {kept, later}) == {later}


def test_a_restore_goes_into_an_empty_database_only(
    installation: Installation, elsewhere: Installation, tmp_path: Path
) -> None:
    installation.stagewise("backup", str(tmp_path / "one.backup"))
    elsewhere.sql("CREATE TABLE somebodys (id int)")
    assert "has tables already (somebodys, for one)" in refusal(elsewhere, "restore", str(tmp_path / "one.backup"))
    assert elsewhere.sql(OUR_TABLES) == [(1,)]
    assert not (elsewhere.data_dir / "secret_key").exists()


def test_a_backup_goes_back_to_the_engine_that_it_is_of(
    installation: Installation, elsewhere: Installation, tmp_path: Path
) -> None:
    installation.stagewise("backup", str(tmp_path / "one.backup"))
    said = refusal(fresh(tmp_path), "restore", str(tmp_path / "one.backup"))
    assert "is of an installation on PostgreSQL: set STAGEWISE_DATABASE_URL" in said
    on_a_file = fresh(tmp_path, "file")
    on_a_file.stagewise("migrate")
    on_a_file.stagewise("backup", str(tmp_path / "file.backup"))
    said = refusal(elsewhere, "restore", str(tmp_path / "file.backup"))
    assert "is of an installation on SQLite: leave out STAGEWISE_DATABASE_URL" in said


def test_one_changed_bit_is_found_before_anything_is_restored(
    installation: Installation, elsewhere: Installation, tmp_path: Path
) -> None:
    path = tmp_path / "one.backup"
    installation.stagewise("backup", str(path))
    with path.open("rb+") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    assert "is damaged" in refusal(elsewhere, "restore", str(path))
    assert elsewhere.sql(OUR_TABLES) == [(0,)]


def test_without_a_database_or_a_program_one_line_says_so(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.backup"
    nowhere = Installation(tmp_path / "nowhere", "postgresql://127.0.0.1:1/none", installation.secret_key)
    nowhere.data_dir.mkdir(parents=True, exist_ok=True)
    assert "the database cannot be read" in refusal(nowhere, "backup", str(path))
    failing = tmp_path / "bin"
    failing.mkdir()
    (failing / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump: error: server version: 99' >&2\nexit 1\n")
    (failing / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", f"{failing}{os.pathsep}{os.environ['PATH']}")
    assert "pg_dump failed: server version: 99" in refusal(installation, "backup", str(path))
    assert not path.exists()
