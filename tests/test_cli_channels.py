"""``stagewise channel``: what it prints, what it refuses, and that a test event arrives."""

from __future__ import annotations

import json

import pytest

from tests.support.double import Call, plain, serving
from tests.support.installation import Installation
from tests.support.processes import Answer

LOOPBACK = "127.0.0.0/8"

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


def refusal(installation: Installation, *arguments: str) -> str:
    done = installation.stagewise("channel", *arguments, check=False, outbound_allow=LOOPBACK)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr.startswith("stagewise: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_a_webhook_is_added_listed_tried_and_removed(installation: Installation) -> None:
    calls: list[Call] = []

    def answer(call: Call) -> Answer:
        calls.append(call)
        return plain(200 if len(calls) == 1 else 500, "well received")

    with serving(answer) as port:
        url = f"http://127.0.0.1:{port}/hook"
        added = json.loads(
            installation.stagewise(
                "channel", "add", "webhook", "Our CRM", url, "--events", "lead.created,lead.deleted", "--json",
                outbound_allow=LOOPBACK,
            ).stdout
        )  # fmt: skip
        secret = added.pop("secret")
        assert secret.startswith("whsec_")
        assert added == {
            "name": "Our CRM",
            "kind": "webhook",
            "target": url,
            "events": ["lead.created", "lead.deleted"],
            "options": {},
            "enabled": True,
            "paused": False,
            "paused_because": "",
            "failing_since": None,
        }
        tried = json.loads(
            installation.stagewise("channel", "test", "Our CRM", "--json", outbound_allow=LOOPBACK).stdout
        )
        assert (tried["status"], tried["answer"]) == (200, "well received")
        assert json.loads(calls[0].body)["type"] == "test"
        assert "500" in refusal(installation, "test", "Our CRM")
    assert installation.json("channel", "list") == [{**added, "waiting": 0, "failed": 1}]
    assert secret not in str(installation.sql("SELECT secret FROM channel"))
    assert installation.json("channel", "remove", "Our CRM") == added
    assert installation.json("channel", "list") == []
    assert installation.count("delivery") == installation.count("delivery_try") == 0


@only_sqlite
def test_a_secret_url_can_come_from_standard_input(installation: Installation) -> None:
    url = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
    added = installation.json("channel", "add", "slack", "Sales", "-", stdin=f"{url}\n")
    assert "XXXX" not in str(added)
    assert "secret" not in added


@only_sqlite
def test_what_cannot_be_used_is_one_line_that_says_why(installation: Installation) -> None:
    assert "pigeon" in refusal(installation, "add", "pigeon", "Post", "there")
    assert "lead.eaten" in refusal(
        installation, "add", "webhook", "Sink", "https://example.com", "--events", "lead.eaten"
    )
    assert "events" in refusal(installation, "add", "webhook", "Sink", "https://example.com", "--events", "")
    assert "target" in refusal(installation, "add", "webhook", "Sink", "ftp://example.com")
    assert "NAME=VALUE" in refusal(installation, "add", "webhook", "Sink", "https://example.com", "--option", "x")
    assert "there is none yet" in refusal(installation, "test", "Sink")
    assert "there is none yet" in refusal(installation, "remove", "Sink")
    assert installation.count("channel") == 0
