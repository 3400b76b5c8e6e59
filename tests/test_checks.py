"""``stagewise check``: what it finds, and that it changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg import pq

from stagewise import checks, settings, sqlite_library
from stagewise.checks import Finding
from tests.support.installation import Installation
from tests.support.postgres import Cluster, execute

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


def examine(installation: Installation, processes: int = 1, **more: str) -> dict[str, Finding]:
    chosen = settings.load(installation.environment(**more))
    return {finding.name: finding for finding in checks.examine(chosen, processes)}


def states(found: dict[str, Finding]) -> dict[str, str]:
    return {name: finding.state for name, finding in found.items()}


def test_a_good_installation_has_no_problem(installation: Installation) -> None:
    found = examine(installation)
    assert "problem" not in states(found).values(), found
    assert found["database"].state == "ok"


def test_looking_changes_nothing(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "a" / "data", None, secret_key="")
    installation.data_dir.rmdir()
    assert states(examine(installation)) == {"data directory": "problem"}
    assert not installation.data_dir.exists()
    installation.data_dir.mkdir()
    assert examine(installation)["database"].state == "problem"
    assert list(installation.data_dir.iterdir()) == []


@only_sqlite
def test_a_missing_secret_key_is_no_reason_to_make_one(installation: Installation) -> None:
    installation.secret_key = ""
    assert "secret key" in examine(installation)["database"].text
    assert not (installation.data_dir / "secret_key").exists()


@only_sqlite
def test_sqlite_on_a_network_is_a_problem(installation: Installation) -> None:
    table = f"40 22 0:35 / {installation.data_dir} rw - nfs4 server:/export rw\n"
    chosen = settings.load(installation.environment())
    assert checks.file_system(chosen, table).state == "problem"
    assert checks.file_system(chosen, table.replace("nfs4", "overlay")).state == "warning"
    assert checks.file_system(chosen, table.replace("nfs4", "ext4")).state == "ok"


@only_sqlite
def test_a_sqlite_with_the_wal_reset_bug_is_a_warning(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_library, "version", lambda: (3, 51, 2))
    assert examine(installation)["sqlite"].state == "warning"
    monkeypatch.setattr(sqlite_library, "version", lambda: (3, 51, 3))
    assert examine(installation)["sqlite"].state == "ok"


@only_sqlite
def test_little_space_is_a_warning_and_very_little_a_problem(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "ENOUGH_SPACE", 2**62)
    assert examine(installation)["disk space"].state == "warning"
    monkeypatch.setattr(checks, "TOO_LITTLE_SPACE", 2**61)
    assert examine(installation)["disk space"].state == "problem"


@only_sqlite
@pytest.mark.parametrize(
    ("chosen", "name", "state"),
    [
        ({"public_url": "https://leads.example.com"}, "trusted proxies", "warning"),
        ({"public_url": "https://leads.example.com", "trusted_proxies": "10.0.0.1"}, "trusted proxies", "ok"),
        ({"trusted_proxies": "64.0.0.0/2"}, "trusted proxies", "warning"),
        ({"public_url": "http://leads.example.com"}, "public URL", "warning"),
        ({"console_url": "http://console.example.com"}, "console URL", "warning"),
        ({"console_url": "https://console.example.com"}, "console URL", "ok"),
        ({"secret_key": "another-" * 5}, "database", "problem"),
    ],
)
def test_settings_that_do_not_fit_are_found(
    installation: Installation, chosen: dict[str, str], name: str, state: str
) -> None:
    assert examine(installation, 1, **chosen)[name].state == state


def test_a_postgresql_that_would_lose_leads_is_a_problem(own_postgres: tuple[Cluster, Installation]) -> None:
    _cluster, installation = own_postgres
    assert installation.database_url is not None
    assert examine(installation)["postgresql synchronous_commit"].state == "ok"
    execute(installation.database_url, "ALTER DATABASE leads SET synchronous_commit = off")
    assert examine(installation)["postgresql synchronous_commit"].state == "problem"
    done = installation.stagewise("check", check=False)
    assert done.returncode == 2
    assert "postgresql synchronous_commit" in done.stderr


def test_without_fsync_nothing_is_promised(tmp_path: Path) -> None:
    with Cluster(fsync=False) as cluster:
        found = examine(Installation(tmp_path / "data", cluster.url()))
    assert found["postgresql fsync"].state == "problem"
    assert found["database"].state == "problem"


def test_standbys_must_be_waited_for_and_be_there(own_postgres: tuple[Cluster, Installation]) -> None:
    cluster, installation = own_postgres
    assert examine(installation)["postgresql standbys"] == Finding("postgresql standbys", "ok", "none")
    assert installation.database_url is not None
    standby = pq.PGconn.connect(installation.database_url.encode() + b"?replication=true")
    assert standby.status == pq.ConnStatus.OK, standby.error_message
    try:
        found = examine(installation)["postgresql standbys"]
        assert (found.state, "failover" in found.text) == ("warning", True)
    finally:
        standby.finish()
    execute(cluster.url(), "ALTER SYSTEM SET synchronous_standby_names = 'elsewhere'")
    execute(cluster.url(), "SELECT pg_reload_conf()")
    try:
        assert examine(installation)["postgresql standbys"].state == "problem"
    finally:
        execute(cluster.url(), "ALTER SYSTEM RESET ALL")
        execute(cluster.url(), "SELECT pg_reload_conf()")


@pytest.mark.parametrize("engine", ["postgres"])
def test_postgresql_needs_room_for_the_locks_of_all_processes(installation: Installation) -> None:
    locks = examine(installation, processes=25)["postgresql locks"]
    assert locks.state == "ok", locks
    locks = examine(installation, processes=26)["postgresql locks"]
    assert locks.state == "problem"
    assert "max_locks_per_transaction to 67" in locks.text


@pytest.mark.parametrize("engine", ["postgres"])
def test_searching_without_its_index_is_a_warning_that_says_how_to_make_it(installation: Installation) -> None:
    assert examine(installation)["postgresql search"].state == "ok"
    installation.sql("DROP INDEX lead_search_text")
    search = examine(installation)["postgresql search"]
    assert search.state == "warning"
    assert "CREATE INDEX lead_search_text" in search.text
