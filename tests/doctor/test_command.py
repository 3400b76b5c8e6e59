"""``stagewise doctor`` as a shell sees it: what it prints, and the exit status."""

from __future__ import annotations

import json

import pytest

from tests.doctor.conftest import Place


def test_in_order_is_exit_status_0(place: Place) -> None:
    done = place.installation.stagewise("doctor", place.url)
    assert done.stdout.startswith("A Stagewise endpoint at http://127.0.0.1")
    assert "2 test leads were made; Stagewise removes test leads after 7 days." in done.stdout
    assert place.installation.key not in done.stdout


def test_a_failure_is_exit_status_1(place: Place) -> None:
    place.installation.save_rules(enabled=False)
    done = place.installation.stagewise("doctor", place.url, check=False)
    assert done.returncode == 1
    assert "FAILED   Who may call" in done.stdout
    assert "→ Switch the endpoint on" in done.stdout


def test_json_is_for_programs(place: Place) -> None:
    place.installation.save_rules(allowed_ips=["203.0.113.7"])
    found = json.loads(place.installation.stagewise("doctor", place.url, "--json", check=False).stdout)
    assert (found["kind"], found["result"], found["test_leads"]) == ("endpoint", "failed", 0)
    assert found["counts"]["failed"] == 1
    (failed,) = (each for each in found["findings"] if each["state"] == "failed")
    assert set(failed) == {"check", "title", "state", "seen", "todo"}
    assert failed["check"] == "admitted"
    assert place.installation.stagewise("doctor", place.url, "--json", "--expect-refused").returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["leads.example.com"],
        ["https://leads.example.com/x", "--origin", "www.example.com"],
        ["https://leads.example.com/x", "--ca", "/nowhere.pem"],
        ["https://leads.example.com/x", "--timeout", "never"],
    ],
)
def test_wrong_use_is_one_line_and_exit_status_2(place: Place, arguments: list[str]) -> None:
    done = place.installation.stagewise("doctor", *arguments, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("stagewise: ")
    assert done.stderr.count("\n") == 1


def test_it_needs_no_installation(place: Place) -> None:
    done = place.installation.stagewise("doctor", place.url, data_dir="/nonexistent")
    assert "Stagewise-Test" in done.stdout
