"""Scripts set how an endpoint is watched, read alerts and snooze them, and say how long what is kept."""

from __future__ import annotations

import pytest

from tests.support.installation import Installation

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


def test_how_an_endpoint_is_watched_is_shown_and_changed(installation: Installation) -> None:
    shown = installation.json("endpoint", "watch", "My website")
    assert (shown["usual_silence"], shown["no_lead_hours"], shown["canary_minutes"]) == (True, 168, None)
    changes = ["--usual-silence", "off", "--no-lead-hours", "none", "--refusals", "50", "--canary-minutes", "15"]
    changed = installation.json("endpoint", "watch", "My website", *changes)
    expected = {"usual_silence": False, "no_lead_hours": None, "refusals": 50, "canary_minutes": 15}
    assert changed == {**shown, **expected}
    assert installation.json("endpoint", "watch", "My website") == changed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--no-lead-hours", "soon"], "--no-lead-hours takes a number or `none`, not 'soon'"),
        (["--canary-minutes", "1"], "canary_minutes: Choose a whole number of minutes from 5 to 1,440"),
        (["--from-calls", "none"], "from_calls: Choose a whole number from 10 to 1,000,000."),
    ],
)
def test_what_cannot_be_watched_for_is_one_clear_line(
    installation: Installation, options: list[str], said: str
) -> None:
    done = installation.stagewise("endpoint", "watch", "My website", *options, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_alerts_are_listed_newest_first_and_snoozed(installation: Installation) -> None:
    assert installation.json("alert", "list") == []
    for kind, resolved_at in (("one_origin", None), ("limit_reached", 2), ("limit_reached", None)):
        installation.sql(
            "INSERT INTO alert (workspace_id, kind, subject, data, raised_at, resolved_at) VALUES (1, ?, 'a', ?, 1, ?)",
            kind,
            '{"value": "https://x.example", "calls": 90, "of": 100, "percent": 90, "addresses": 12}',
            resolved_at,
        )
    newest, older = installation.json("alert", "list")
    assert (newest["kind"], older["kind"]) == ("limit_reached", "one_origin")
    assert newest["text"].startswith("12 addresses wanted to send more leads")
    assert len(installation.json("alert", "list", "--state", "all")) == 3
    assert len(installation.json("alert", "list", "--state", "resolved")) == 1
    assert installation.json("alert", "snooze", str(newest["id"]), "--hours", "2")["snoozed_until"] is not None
    assert installation.json("alert", "snooze", str(newest["id"]), "--hours", "0")["snoozed_until"] is None
    done = installation.stagewise("alert", "snooze", "99", check=False)
    assert (done.returncode, "there is no alert 99" in done.stderr) == (2, True)


def test_periods_are_shown_and_changed_all_or_none(installation: Installation) -> None:
    shown = installation.json("retention", "show")
    leads = {"General": None, "Sales": None, "Support": None}
    assert shown == {"attempts": 90, "deliveries": 90, "audit": None, "addresses": None, "leads": leads}
    options = ["--attempts", "30", "--addresses", "14", "--leads", "Sales=365", "--leads", "Support=none"]
    changed = installation.json("retention", "set", *options)
    assert changed == {**shown, "attempts": 30, "addresses": 14, "leads": {**leads, "Sales": 365}}
    for bad in (["--leads", "Nobody=3"], ["--leads", "Sales=1"], ["--attempts", "x"], ["--deliveries", "1"]):
        done = installation.stagewise("retention", "set", "--audit", "99", *bad, check=False)
        assert (done.returncode, done.stdout) == (2, "")
    assert installation.json("retention", "show") == changed
