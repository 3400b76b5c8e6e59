"""The canary gets through where only the website's server may call, and is never more than a test."""

from __future__ import annotations

import time

import pytest

from stagewise.options.canary import Canaries
from tests.support.installation import SECRET_KEY, Installation, Server


@pytest.fixture
def lane(shared_installation: Installation) -> Server:
    shared_installation.save_rules(allowed_ips=["203.0.113.5"], allowed_origins=["https://example.com"])
    return shared_installation.running_intake


def test_a_token_stands_for_an_allowed_address_and_makes_a_test_lead(lane: Server) -> None:
    key = lane.installation.key
    assert lane.post_lead().json()["code"] == "ip_not_allowed"
    answer = lane.post_lead({"Stagewise-Canary": Canaries(SECRET_KEY).token(key)})
    assert (answer.status, answer.json()["test"]) == (201, True)
    assert lane.installation.count("lead", "test") == lane.installation.count("lead") == 1
    assert lane.installation.count("event") == lane.installation.count("hit") == 0


def test_a_token_changes_nothing_else(lane: Server) -> None:
    token = {"Stagewise-Canary": Canaries(SECRET_KEY).token(lane.installation.key)}
    assert lane.post_lead({**token, "Origin": "https://evil.example"}).json()["code"] == "origin_not_allowed"
    assert lane.post_lead(token, email="nowhere").json()["code"] == "invalid_fields"
    lane.installation.save_rules(enabled=False)
    assert lane.post_lead(token).json()["code"] == "endpoint_disabled"


@pytest.mark.parametrize("wrong", ["", "1.2", "x", "9" * 40, "¹²³.ab"])
def test_what_is_no_token_is_ignored(lane: Server, wrong: str) -> None:
    assert lane.post_lead({"Stagewise-Canary": wrong.encode().decode("latin-1")}).json()["code"] == "ip_not_allowed"


def test_a_token_holds_for_a_minute_at_one_endpoint_of_one_installation() -> None:
    ours, now = Canaries(SECRET_KEY), time.time()
    assert ours.is_ours(ours.token("k" * 32), "k" * 32)
    assert ours.is_ours(ours.token("k" * 32, now - 50), "k" * 32)
    assert not ours.is_ours(ours.token("k" * 32, now - 70), "k" * 32)
    assert not ours.is_ours(ours.token("k" * 32, now + 70), "k" * 32)
    assert not ours.is_ours(ours.token("k" * 32), "j" * 32)
    assert not ours.is_ours(Canaries("another" * 8).token("k" * 32), "k" * 32)
