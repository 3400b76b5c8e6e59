"""What goes beyond the five fields, over real HTTP: repeats, held and test leads, visitors, CAPTCHA, attribution."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import altcha
import pytest

from tests.support import installation as installations
from tests.support.installation import LEAD, Server
from tests.support.processes import Answer, request
from tests.support.provider import siteverify

OPEN: dict[str, Any] = {
    "enabled": True, "allow_all_ips": True, "allowed_ips": [], "allowed_origins": [], "max_leads_per_ip": None,
    "forwarding": False, "server_ceiling": 2000, "over_limit": "refuse", "captcha": {}, "holding": {}, "form": {},
}  # fmt: skip
SITE = "https://example.com"
TABLES = (
    "lead",
    "held_lead",
    "lead_attribution",
    "lead_repeat",
    "hit",
    "attempt",
    "event",
    "bound_key",
    "captcha_pass",
)


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """A double of a CAPTCHA's siteverify service; returns its URL."""
    with siteverify() as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, provider: str) -> Iterator[Server]:
    made = installations.make(tmp_path_factory.mktemp("extensions") / "data", request.param)
    yield made.intake(public_url="https://leads.example.org", turnstile_url=provider)
    installations.remove(made)


@pytest.fixture
def lane(shared: Server) -> Server:
    """The lane, open to everybody and empty."""
    for table in (
        "lead",
        "held_lead",
        "lead_attribution",
        "lead_repeat",
        "hit",
        "attempt",
        "event",
        "bound_key",
        "captcha_pass",
    ):
        shared.installation.sql(f"DELETE FROM {table}")
    shared.installation.save_rules(**OPEN)
    return shared


def post(lane: Server, headers: dict[str, str] | None = None, **changed: Any) -> Answer:
    return lane.post(json.dumps({**LEAD, **changed}).encode(), headers)


def test_a_repeat_says_that_it_is_one(lane: Server) -> None:
    first, again = post(lane), post(lane)
    assert (first.status, again.status) == (201, 201)
    assert again.json() == {**first.json(), "duplicate": True}


def test_a_held_lead_is_accepted_and_not_created(lane: Server) -> None:
    lane.installation.save_rules(holding={"honeypot": True}, max_leads_per_ip=3)
    held = post(lane, _gotcha="http://spam.example")
    assert held.status == 202
    assert held.headers["content-type"] == "application/json"
    assert held.json() == {"id": held.json()["id"], "held": True, "request_id": held.headers["x-request-id"]}
    assert held.headers["ratelimit"] == '"leads-per-ip";r=2;t=86400'


def test_a_replay_of_a_held_lead_is_marked(lane: Server) -> None:
    lane.installation.save_rules(holding={"honeypot": True})
    first, again = (post(lane, {"Idempotency-Key": "k"}, _gotcha="x") for _ in range(2))
    assert (again.status, again.body, again.headers["idempotency-replayed"]) == (202, first.body, "true")


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ("1", 201, None),
        ("created", 201, None),
        ("held", 202, None),
        ("duplicate", 201, None),
        ("rate_limited", 429, "rate_limited"),
        ("ip_not_allowed", 403, "ip_not_allowed"),
        ("unavailable", 503, "unavailable"),
        ("outcome_unknown", 503, "outcome_unknown"),
        ("missing_fields", 422, "missing_fields"),
        ("captcha_failed", 422, "captcha_failed"),
        ("idempotency_in_flight", 409, "idempotency_in_flight"),
        ("something else", 400, "invalid_request"),
        ("", 400, "invalid_request"),
    ],
)
def test_a_developer_can_see_every_answer(lane: Server, sent: str, status: int, code: str | None) -> None:
    answer = post(lane, {"Stagewise-Test": sent})
    assert answer.status == status
    assert answer.json().get("code") == code
    if status in {409, 429, 503}:
        assert int(answer.headers["retry-after"]) > 0
    if status == 201:
        assert answer.json()["test"] is True


def test_the_visitor_is_named_by_a_header(lane: Server) -> None:
    lane.installation.save_rules(allow_all_ips=False, allowed_ips=["127.0.0.1"], forwarding=True, max_leads_per_ip=1)
    visitors = ["198.51.100.1", "198.51.100.1", "2001:DB8::1", '"[2001:db8::1]:4711"']
    statuses = [post(lane, {"Stagewise-Visitor-IP": each}, name=f"V {i}").status for i, each in enumerate(visitors)]
    assert statuses == [201, 429, 201, 429]
    assert lane.installation.sql("SELECT address, forwarded_by FROM lead ORDER BY id") == [
        ("198.51.100.1", "127.0.0.1"), ("2001:db8::1", "127.0.0.1"),
    ]  # fmt: skip
    assert post(lane, {"Stagewise-Visitor-IP": "unknown"}).json()["code"] == "invalid_request"


def test_the_ceiling_has_a_policy_of_its_own(lane: Server) -> None:
    lane.installation.save_rules(allow_all_ips=False, allowed_ips=["127.0.0.1"], forwarding=True, server_ceiling=1)
    post(lane, {"Stagewise-Visitor-IP": "198.51.100.1"})
    refused = post(lane, {"Stagewise-Visitor-IP": "198.51.100.2"}, name="Another")
    assert (refused.status, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["ratelimit-policy"] == '"leads-per-server";q=1;w=86400'
    assert int(refused.headers["retry-after"]) > 86_000


def test_attribution_is_kept_and_never_a_reason_to_refuse(lane: Server) -> None:
    sent: dict[str, Any] = {
        "page_url": f"{SITE}/contact",
        "utm_source": "news" * 100,
        "utm_medium": 5,
        "referrer": "javascript:1",
    }
    assert post(lane, **sent).status == 201
    [row] = lane.installation.sql("SELECT page_url, utm_source, utm_medium, referrer FROM lead_attribution")
    assert row == (f"{SITE}/contact", ("news" * 100)[:200], None, None)


@pytest.mark.parametrize(
    "body",
    [
        b'{"name":"A","phone":"+14155552671","email":"a@example.com","utm_source":"\\ud83d\\ude00 news"}',
        b'{"name":"A","phone":"+14155552671","email":"a@example.com","utm_source":"a","utm_source":"b"}',
        b'{"name":"A","phone":"+14155552671","email":"a@example.com","utm_source":{"deep":[[1]]}}',
    ],
)
def test_however_it_is_written_a_lead_is_taken(lane: Server, body: bytes) -> None:
    assert lane.post(body).status == 201


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        ("good", 201, None),
        ("bad", 422, "captcha_failed"),
        (None, 422, "captcha_failed"),
        ("down", 503, "captcha_unavailable"),
    ],
)
def test_the_provider_is_asked_about_the_token(lane: Server, token: str | None, status: int, code: str | None) -> None:
    lane.installation.save_rules(captcha={"provider": "turnstile", "site_key": "s", "secret": "right"})
    answer = post(lane, captcha_token=token)
    assert (answer.status, answer.json().get("code")) == (status, code)


def test_a_wrong_secret_is_our_trouble_and_not_the_visitors(lane: Server) -> None:
    lane.installation.save_rules(captcha={"provider": "turnstile", "site_key": "s", "secret": "wrong"})
    assert post(lane, captcha_token="good").json()["code"] == "captcha_unavailable"


def solved(lane: Server) -> str:
    """A challenge of the endpoint, solved as a browser does it."""
    path = f"/public/v1/leads/{lane.installation.key}/challenge"
    answer = request(lane.port, "GET", path, b"", {"Origin": SITE})
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")
    challenge = altcha.Challenge.from_dict(answer.json())
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return altcha.Payload(challenge, solution).to_base64()


def test_a_proof_of_work_needs_nobody_else(lane: Server) -> None:
    lane.installation.save_rules(captcha={"provider": "altcha"})
    token = solved(lane)
    assert post(lane, captcha_token=token).status == 201
    assert post(lane, captcha_token=token).json()["duplicate"] is True
    again = json.dumps(json.loads(base64.b64decode(token)), indent=1).encode()
    for spelling in (token, base64.b64encode(again).decode()):
        assert post(lane, captcha_token=spelling, name="Another").json()["code"] == "captcha_failed"


def test_there_is_no_challenge_where_none_is_asked_for(lane: Server) -> None:
    path = f"/public/v1/leads/{lane.installation.key}/challenge"
    assert request(lane.port, "GET", path, b"", {}).json()["code"] == "not_found"
