"""Rules that cannot be read let nobody in: the answer is 503, and as soon as they can be read they hold again."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from stagewise.core.versions import new_version
from tests.support.installation import Installation

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


def stays_closed(installation: Installation, rule: str, value: str) -> None:
    """With this value in the rule's column nobody is let in, whatever was read before."""
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    lane = installation.running_intake
    assert lane.post_lead().status == 201
    cast = "CAST(? AS jsonb)" if installation.database_url else "?"
    installation.sql(f"UPDATE endpoint SET {rule} = {cast}, version = ?", value, new_version())
    for _ in range(2):
        answer = lane.post_lead()
        assert (answer.status, answer.json()["code"]) == (503, "unavailable")
        assert "retry-after" in answer.headers
    assert installation.count("lead") == 1
    installation.empty()
    assert lane.post_lead().status == 201


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("allowed_ips", "[7]"),
        ("allowed_ips", "null"),
        ("allowed_origins", "5"),
        ("captcha", '{"provider": "nobody"}'),
        ("captcha", "[]"),
        ("holding", '{"max_links": "few"}'),
        ("holding", '{"from_a_later_release": true}'),
        ("form", '"text"'),
    ],
)
def test_rules_of_another_shape_let_nobody_in(shared_installation: Installation, rule: str, value: str) -> None:
    stays_closed(shared_installation, rule, value)


def test_an_entry_that_is_no_address_is_nobodys(shared_installation: Installation) -> None:
    shared_installation.save_rules(allowed_ips=["no address", "everybody", "0.0.0.0/0/0"])
    assert shared_installation.running_intake.post_lead().json()["code"] == "ip_not_allowed"


@only_sqlite
@pytest.mark.parametrize("rule", ["allowed_ips", "allowed_origins", "captcha", "holding", "form"])
@pytest.mark.parametrize("value", ["", "{", '["192.0.2.1"', "\x00\x01"])
def test_broken_json_lets_nobody_in(shared_installation: Installation, rule: str, value: str) -> None:
    installation = shared_installation
    # The table itself refuses what is no JSON; what is written here came there by a broken disk.
    with closing(sqlite3.connect(installation.data_dir / "stagewise.sqlite3", isolation_level=None)) as database:
        installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
        lane = installation.running_intake
        assert lane.post_lead().status == 201
        database.execute("PRAGMA ignore_check_constraints = ON")
        database.execute(f"UPDATE endpoint SET {rule} = ?, version = ?", (value, new_version()))
    assert lane.post_lead().status == 503
    assert installation.count("lead") == 1
    installation.empty()
    assert lane.post_lead().status == 201


@only_sqlite
def test_a_file_that_somebody_holds_lets_nobody_in_and_then_everybody(shared_installation: Installation) -> None:
    shared_installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    lane = shared_installation.running_intake
    with closing(sqlite3.connect(shared_installation.data_dir / "stagewise.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert lane.post_lead().json()["code"] == "unavailable"
        other.execute("ROLLBACK")
    assert shared_installation.count("lead") == 0
    assert lane.post_lead().status == 201
