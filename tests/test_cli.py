"""The commands for scripts: what they print, what they refuse, and that they work beside a running server."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import shared
from tests.support.installation import Installation, make, remove
from tests.support.postgres import Cluster, free_port

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


def refusal(installation: Installation, *arguments: str, stdin: str = "", **settings: str) -> str:
    """Run a command that must be refused: exit code 2, nothing on stdout, one line on stderr."""
    return refused(installation.stagewise(*arguments, stdin=stdin, check=False, **settings))


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.startswith("stagewise: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


# One story, on both databases


def test_a_script_can_set_up_users_and_lead_types(installation: Installation) -> None:
    user = installation.json(
        "user", "add", "Owner@Example.com", "--role", "owner", "--password-stdin", stdin="a long pass phrase\n"
    )
    assert user == {"email": "owner@example.com", "role": "owner", "workspace": "main"}

    types = installation.json("lead-type", "list")
    assert [(each["name"], each["default"], each["archived"]) for each in types] == [
        ("General", True, False),
        ("Sales", False, False),
        ("Support", False, False),
    ]
    assert [stage["name"] for stage in types[0]["stages"]] == ["New", "Contacted", "Qualified", "Won", "Lost"]
    assert installation.json("lead-type", "add", "Partners")["name"] == "Partners"
    assert installation.json("lead-type", "archive", "general")["archived"] is True
    types = installation.json("lead-type", "list")
    assert [(each["name"], each["default"], each["archived"]) for each in types] == [
        ("Sales", True, False),
        ("Support", False, False),
        ("Partners", False, False),
        ("General", False, True),
    ]


def test_a_script_can_set_up_an_endpoint(installation: Installation) -> None:
    shop = installation.json("endpoint", "add", "Shop")
    assert list(shop) == [
        "name", "key", "url", "enabled", "allow_all_ips", "allowed_ips", "allowed_origins", "max_leads_per_ip",
        "forwarding", "server_ceiling", "over_limit", "captcha", "holding", "form",
    ]  # fmt: skip
    assert shop["allow_all_ips"] is False
    assert shop["allowed_ips"] == []
    assert shop["url"] == f"http://127.0.0.1:8000/public/v1/leads/{shop['key']}"
    changed = installation.set_endpoint(
        "Shop",
        enabled=False,
        allow_all_ips=True,
        allowed_ips=["10.1.2.3/8", "::1"],
        allowed_origins=["https://yoursite.com"],
        max_leads_per_ip=None,
    )
    assert changed == {
        **shop,
        "enabled": False,
        "allow_all_ips": True,
        "allowed_ips": ["10.0.0.0/8", "::1"],
        "allowed_origins": ["https://yoursite.com"],
        "max_leads_per_ip": None,
    }
    emptied = installation.set_endpoint("Shop", allowed_ips=[], allowed_origins=[])
    assert (emptied["allowed_ips"], emptied["allowed_origins"]) == ([], [])
    assert installation.json("endpoint", "list")[1] == emptied

    rotated = installation.json("endpoint", "rotate-key", "Shop", "--overlap", "0")
    assert rotated["key"] != shop["key"]
    assert installation.json("leads", "list") == []
    assert {each["state"] for each in installation.json("check")} <= {"ok", "warning"}


def test_leads_are_listed_and_exported_newest_first_beside_a_running_server(installation: Installation) -> None:
    installation.save_rules(max_leads_per_ip=None)
    server = installation.intake()
    for name in ("=1+1", 'Grace, "Admiral"', "Ada"):
        assert server.post_lead(name=name, message="a\nb").status == 201
    answered = server.post_lead(name="Last").json()
    listed = installation.json("leads", "list")
    assert [each["name"] for each in listed] == ["Last", "Ada", 'Grace, "Admiral"', "=1+1"]
    assert listed[0] == {**answered, "stage": "New", "endpoint": "My website", "owner": None, "tags": []}
    assert installation.json("leads", "list", "--limit", "2") == listed[:2]
    assert installation.json("leads", "export") == listed
    rows = list(csv.DictReader(io.StringIO(installation.stagewise("leads", "export").stdout)))
    assert [row["name"] for row in rows] == ["Last", "Ada", 'Grace, "Admiral"', "'=1+1"]
    assert rows[0]["phone"] == "'" + listed[0]["phone"]
    assert rows[1]["message"] == "a\nb"
    assert (rows[0]["lead_type"], rows[0]["stage"], rows[0]["test"]) == ("General", "New", "no")


# Repeating and refusing


@only_sqlite
def test_adding_and_archiving_can_be_repeated(installation: Installation) -> None:
    commands = [("lead-type", "archive", "Sales"), ("lead-type", "add", "Partners"), ("endpoint", "add", "Shop")]
    first = [done.stdout for done in installation.each(commands)]
    assert [done.stdout for done in installation.each(commands)] == first
    assert installation.json("lead-type", "add", "SALES")["archived"] is False


@only_sqlite
def test_the_last_lead_type_cannot_be_archived(installation: Installation) -> None:
    *others, last = installation.each([("lead-type", "archive", name) for name in ("General", "Sales", "Support")])
    assert [done.returncode for done in others] == [0, 0]
    assert "last" in refused(last)


@only_sqlite
def test_adding_a_user_again_sets_role_and_password(installation: Installation) -> None:
    add = ("user", "add", "a@example.com", "--password-stdin", "--role")
    installation.json(*add, "agent", stdin="a long pass phrase\n")
    first = installation.sql("SELECT password FROM user_account")
    assert installation.json(*add, "viewer", stdin="another pass phrase\n")["role"] == "viewer"
    assert installation.sql("SELECT role FROM member") == [("viewer",)]
    assert installation.sql("SELECT password FROM user_account") != first


@only_sqlite
def test_adding_the_first_user_voids_the_one_time_link(installation: Installation) -> None:
    assert installation.count("setup_link", "used_at IS NULL") == 1
    installation.json("user", "add", "a@example.com", "--role", "owner", "--password-stdin", stdin="a long pass phrase")
    assert installation.count("setup_link", "used_at IS NULL") == 0


REFUSALS: list[tuple[tuple[str, ...], str]] = [
    (("endpoint", "set", "Shop", "--enabled", "off"), "there is My website"),
    (("endpoint", "set", "My website", "--enabled", "maybe"), "'maybe'"),
    (("endpoint", "set", "My website", "--allowed-ips", "10.0.0.1,300.1.1.1"), "300.1.1.1"),
    (("endpoint", "set", "My website", "--allowed-ips", "0.0.0.0/0"), "0.0.0.0/0"),
    (("endpoint", "set", "My website", "--allowed-origins", "yoursite.com"), "https://yoursite.com"),
    (("endpoint", "set", "My website", "--max-leads-per-ip", "0"), "0"),
    (("endpoint", "set", "My website", "--max-leads-per-ip", "100001"), "100,000"),
    (("endpoint", "set", "My website", "--max-leads-per-ip", "ten"), "'ten'"),
    (("endpoint", "rotate-key", "My website", "--overlap", "-1"), "hours"),
    (("endpoint", "rotate-key", "My website", "--overlap", "nan"), "hours"),
    (("endpoint", "add", " "), "name"),
    (("lead-type", "archive", "Nothing"), "General, Sales, Support"),
    (("lead-type", "add", "x" * 101), "100"),
    (("user", "add", "not-an-address", "--role", "owner", "--password-stdin"), "e-mail"),
    (("user", "add", "a@example.com", "--role", "king", "--password-stdin"), "viewer"),
    (("user", "add", "a@example.com", "--password-stdin"), "--role"),
    (("leads", "list", "--workspace", "other"), "there is main"),
    (("leads", "export", "--output", "/nowhere/leads.csv"), "/nowhere/leads.csv"),
    (("leads", "lst"), "list"),
    (("endpoint", "list", "--jsn"), "--json"),
    (("nonsense",), "nonsense"),
]


@only_sqlite
def test_what_cannot_be_done_is_one_line_and_exit_code_2(installation: Installation) -> None:
    results = installation.each([arguments for arguments, _ in REFUSALS], stdin="a long pass phrase\n")
    for done, (_, says) in zip(results, REFUSALS, strict=True):
        assert says in refused(done)


@only_sqlite
def test_a_refused_change_changes_nothing(installation: Installation) -> None:
    before = installation.json("endpoint", "list")
    options = ("--max-leads-per-ip", "3", "--allow-all-ips", "on", "--allowed-ips", "nonsense")
    refusal(installation, "endpoint", "set", "My website", *options)
    assert installation.json("endpoint", "list") == before


@only_sqlite
def test_an_unknown_setting_is_named_with_its_nearest(installation: Installation) -> None:
    environment = {**installation.environment(), "STAGEWISE_PUBLIC_ULR": "https://a.example"}
    done = subprocess.run(
        [sys.executable, "-m", "stagewise", "endpoint", "list"],
        cwd=shared.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "STAGEWISE_PUBLIC_ULR is no setting of Stagewise; did you mean STAGEWISE_PUBLIC_URL?" in done.stderr


@only_sqlite
def test_where_there_are_several_workspaces_one_must_be_chosen(installation: Installation) -> None:
    installation.sql(
        "INSERT INTO workspace (name, slug, time_zone, default_region, types_version, kept, created_at)"
        " VALUES ('Other', 'other', 'UTC', '', 0, '{}', '2026-01-01')"
    )
    assert "main, other" in refusal(installation, "leads", "list")
    assert installation.json("endpoint", "list", "--workspace", "other") == []
    assert len(installation.json("endpoint", "list", "--workspace", "main")) == 1


@only_sqlite
def test_people_get_lines_to_read(installation: Installation) -> None:
    shown = installation.stagewise("endpoint", "set", "My website", "--allowed-ips", "").stdout
    assert "allowed_ips: (empty)\n" in shown
    assert "enabled: on\n" in shown


# Before the first start


def test_without_an_installation_commands_say_how_to_make_one(empty_installation: Installation) -> None:
    assert "run `stagewise serve`" in refusal(empty_installation, "leads", "list")
    assert not (empty_installation.data_dir / "stagewise.sqlite3").exists()


def test_migrate_makes_the_installation_and_can_be_repeated(empty_installation: Installation) -> None:
    first = empty_installation.json("migrate")
    assert first["workspace"] == "main"
    assert "/setup/" in first["setup_url"]
    assert "accounts.0001_initial" in first["applied"]
    again = empty_installation.json("migrate")
    assert again == {"applied": [], "workspace": "main", "setup_url": None}
    assert [each["name"] for each in empty_installation.json("endpoint", "list")] == ["My website"]


@pytest.mark.slow
def test_two_migrations_at_once_make_one_installation(empty_installation: Installation) -> None:
    processes = [empty_installation.start("migrate", "--json") for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert empty_installation.count("workspace") == 1
    made = [json.loads(process.output)["setup_url"] for process in processes]
    assert sum(url is not None for url in made) == 1


def test_a_database_from_the_future_is_refused(installation: Installation) -> None:
    installation.sql(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('leads', '9999_from_the_future', '2030-01-01')"
    )
    assert "leads.9999_from_the_future" in refusal(installation, "migrate")


def test_a_schema_newer_than_this_release_is_refused(installation: Installation) -> None:
    installation.sql("UPDATE installation SET schema_version = 99, oldest_lane = 99")
    assert "update Stagewise" in refusal(installation, "endpoint", "list")
    assert "newer" in refusal(installation, "migrate")


def test_a_node_with_another_secret_key_is_refused(installation: Installation) -> None:
    for command in (
        ("migrate",),
        ("endpoint", "list"),
        ("intake",),
        ("console", "--port", str(free_port())),
        ("worker",),
    ):
        assert "secret key" in refusal(installation, *command, secret_key="another-" * 5)


def test_commands_say_when_the_database_is_away(own_postgres: tuple[Cluster, Installation]) -> None:
    cluster, installation = own_postgres
    cluster.stop()
    assert "database" in refusal(installation, "endpoint", "list")
    done = installation.stagewise("check", check=False)
    assert done.returncode == 2
    assert "postgresql: cannot be reached" in done.stderr


@pytest.mark.slow
def test_a_migration_that_was_killed_is_finished_by_the_next_start(engine: str, tmp_path: Path) -> None:
    template = make(tmp_path / "whole", engine)
    try:
        # As after a kill between the last migration and the row that says so, and before anything was set up.
        for table in ("setup_link", "endpoint_key", "endpoint", "stage", "lead_type", "audit_entry", "workspace"):
            template.sql(f"DELETE FROM {table}")
        template.sql("DELETE FROM installation")
        assert "setup" in template.json("migrate")["setup_url"]
        assert len(template.json("endpoint", "list")) == 1
    finally:
        remove(template)
