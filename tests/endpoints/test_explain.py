"""What an endpoint would say, step by step."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection

from stagewise.accounts.clock import now_ms
from stagewise.core.json_body import BODY_BYTES
from stagewise.core.limits import WINDOW_MS
from stagewise.endpoints import actions
from stagewise.endpoints.actions import RuleChanges
from stagewise.endpoints.asking import Asking
from stagewise.endpoints.compiling import entry_of
from stagewise.endpoints.explain import Explanation, Question, explain
from stagewise.endpoints.models import Attempt, CaptchaPass, Hit, SeenMessage
from stagewise.leads.models import HeldLead, Lead
from stagewise.store.postgres_view import PostgresView
from stagewise.store.recent import Recent
from stagewise.store.repeats import WITHIN_MS, mark_of, slots_of
from stagewise.store.rules import Compiled
from stagewise.store.sqlite_view import SQLiteView
from stagewise.store.view import View
from tests.support import cast as casting
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

SENT = {"name": "Ada Lovelace", "phone": "+44 20 7946 0958", "email": "ada@example.com"}
ADDRESS = "203.0.113.7"
#: The order of checks in the contract.
ORDER = [
    "method", "key", "address", "origin", "media_type", "body", "json", "idempotency", "fields", "lead_type", "limit",
]  # fmt: skip


def told(
    cast: Cast,
    body: dict[str, Any] | bytes | None = None,
    origin: str | None = None,
    address: str = ADDRESS,
    visitor: str | None = None,
    **changes: Any,
) -> Explanation:
    """The explanation under settings that let ``ADDRESS`` in, with these on top; nothing is saved."""
    rules = RuleChanges(**{"allowed_ips": [ADDRESS], **changes})
    endpoint = actions.with_changes(cast.acme.endpoint, rules)
    sent = body if isinstance(body, bytes) else json.dumps(SENT if body is None else body).encode()
    return explain(endpoint, Question(address, origin, sent, visitor))


def marks(explanation: Explanation) -> dict[str, str]:
    return {step.code: step.mark for step in explanation.steps}


def words(explanation: Explanation, code: str) -> str:
    return next(step.words for step in explanation.steps if step.code == code)


def hit(cast: Cast, ago: int = 0, bucket: str = ADDRESS) -> int:
    at = now_ms() - ago
    acme = cast.acme
    Hit.objects.create(workspace_id=acme.workspace.pk, endpoint_id=acme.endpoint.pk, bucket=bucket, at=at)
    return at


def test_a_good_call_passes_every_check_in_the_order_of_the_contract(cast: Cast) -> None:
    found = told(cast)
    assert [step.code for step in found.steps] == ORDER
    assert {step.mark for step in found.steps} == {"yes", "skip"}
    assert (found.status, found.outcome.code) == (201, "created")
    assert json.loads(found.body)["email"] == "ada@example.com"
    assert words(found, "lead_type") == "None was named, so it is the first: “General”."


def test_explaining_stores_nothing_and_uses_no_slot(cast: Cast) -> None:
    before = [model.objects.count() for model in (Lead, Hit, Attempt, HeldLead)]
    told(cast)
    assert [model.objects.count() for model in (Lead, Hit, Attempt, HeldLead)] == before


REFUSED: list[tuple[str, str, int, dict[str, Any]]] = [
    ("endpoint_disabled", "key", 410, {"enabled": False}),
    ("ip_not_allowed", "address", 403, {"address": "198.51.100.1"}),
    ("ip_not_allowed", "address", 403, {"allowed_ips": []}),
    ("origin_not_allowed", "origin", 403, {"allowed_origins": ["https://a.example"], "origin": "https://b.example"}),
    (
        "origin_required",
        "origin",
        403,
        {"allowed_origins": ["https://a.example"], "allow_all_ips": True, "allowed_ips": []},
    ),
    ("too_large", "body", 413, {"body": b" " * (BODY_BYTES + 1)}),
    ("invalid_json", "json", 400, {"body": b'{"name": "Ada"'}),
    ("invalid_json", "json", 400, {"body": b'{"name": "Ada", "name": "Grace"}'}),
    ("invalid_fields", "fields", 422, {"body": b"[]"}),
    ("missing_fields", "fields", 422, {"body": {"name": "Ada"}}),
    ("invalid_fields", "fields", 422, {"body": {**SENT, "email": "ada"}}),
    ("unknown_lead_type", "lead_type", 422, {"body": {**SENT, "lead_type_name": "Rockets"}}),
    ("captcha_failed", "captcha", 422, {"captcha": {"provider": "altcha"}}),
    ("invalid_request", "visitor", 400, {"forwarding": True, "visitor": ""}),
]


@pytest.mark.parametrize(("code", "step", "status", "how"), REFUSED)
def test_a_refusal_stands_at_its_check_and_nothing_behind_it_was_reached(
    cast: Cast, code: str, step: str, status: int, how: dict[str, Any]
) -> None:
    found = told(cast, **how)
    assert (found.outcome.code, found.status) == (code, status)
    there = [each.code for each in found.steps]
    place = there.index(step)
    assert found.steps[place].mark == "no"
    assert found.steps[place].words
    assert {each.mark for each in found.steps[:place]} <= {"yes", "skip"}
    assert {each.mark for each in found.steps[place + 1 :]} <= {"later"}
    problem = json.loads(found.body)
    assert (problem["status"], problem["code"]) == (status, code)
    assert ("content-type", "application/problem+json") in found.headers


def test_the_entry_that_lets_an_address_in_is_named(cast: Cast) -> None:
    found = told(cast, allowed_ips=["10.0.0.0/8", "203.0.113.0/24"])
    assert words(found, "address") == "203.0.113.7 is on the list, by 203.0.113.0/24."


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ("https://yoursite.com/", "browsers send https://yoursite.com"),
        ("yoursite.com", "browsers send https://yoursite.com"),
        ("https://www.yoursite.com", "is not on the list: https://yoursite.com."),
        ("null", "null is not on the list"),
    ],
)
def test_an_origin_that_is_nearly_right_is_told_so(cast: Cast, origin: str, said: str) -> None:
    assert said in words(told(cast, origin=origin, allowed_origins=["https://yoursite.com"]), "origin")


def test_every_wrong_field_is_named(cast: Cast) -> None:
    said = words(told(cast, {"name": " ", "email": "x"}), "fields")
    for each in ("The name is empty.", "The phone number is missing.", "This is no valid e-mail address."):
        assert each in said


def test_the_limit_tells_the_slots_that_are_used_now(cast: Cast) -> None:
    oldest = hit(cast, 5 * 3_600_000)
    hit(cast)
    hit(cast, 25 * 3_600_000)
    found = told(cast, max_leads_per_ip=10)
    step = found.steps[-1]
    assert step.words == "2 of 10 used in the last 24 hours; the oldest leaves"
    assert step.at == oldest + WINDOW_MS
    assert ("ratelimit", f'"leads-per-ip";r=7;t={_seconds(step.at)}') in found.headers


def _seconds(at: int) -> int:
    return -((now_ms() - at) // 1000)


def test_a_full_limit_says_when_the_next_slot_is_free(cast: Cast) -> None:
    hit(cast, 7 * 3_600_000)
    decisive = hit(cast, 6 * 3_600_000)
    hit(cast)
    found = told(cast, max_leads_per_ip=2)
    assert (found.status, found.outcome.code) == (429, "rate_limited")
    step = next(step for step in found.steps if step.mark == "no")
    assert (step.code, step.at) == ("limit", decisive + WINDOW_MS)
    assert step.words == "3 of 2 used in the last 24 hours; next slot free"
    assert dict(found.headers)["retry-after"] == str(_seconds(decisive + WINDOW_MS))


def test_ipv6_addresses_share_the_slots_of_their_network(cast: Cast) -> None:
    hit(cast, bucket="2001:db8:1:2::/64")
    found = told(cast, address="2001:db8:1:2::9", allow_all_ips=True, max_leads_per_ip=1)
    assert found.outcome.code == "rate_limited"


def test_without_a_limit_the_leads_of_the_address_are_counted_all_the_same(cast: Cast) -> None:
    hit(cast)
    assert words(told(cast, max_leads_per_ip=None), "limit").endswith(
        "1 lead came from this address in the last 24 hours."
    )


def test_with_forwarding_the_visitor_counts_and_the_server_has_its_ceiling(cast: Cast) -> None:
    hit(cast, bucket="198.51.100.9")
    found = told(cast, forwarding=True, visitor="198.51.100.9", max_leads_per_ip=5)
    assert words(found, "limit").startswith("1 of 5 used")
    assert "198.51.100.9 is the one that counts" in words(found, "visitor")
    hit(cast, bucket=f"via {ADDRESS}")
    full = told(cast, forwarding=True, visitor="198.51.100.10", server_ceiling=1)
    assert full.outcome.code == "rate_limited"
    assert "ceiling of 1 leads" in words(full, "limit")


def test_a_visitor_named_without_the_right_is_ignored(cast: Cast) -> None:
    assert words(told(cast, visitor="198.51.100.9"), "visitor").startswith("Ignored")


def test_a_captchas_provider_is_not_asked_and_the_rest_is_told_as_if_it_said_yes(cast: Cast) -> None:
    rules = {"provider": "hcaptcha", "site_key": "a", "secret": "b"}
    found = told(cast, {**SENT, "captcha_token": "given"}, captcha=rules)
    assert found.asks_captcha
    assert found.outcome.code == "created"
    assert "hCaptcha would be asked" in words(found, "captcha")


def test_a_suspicious_lead_is_told_to_be_held_and_why(cast: Cast) -> None:
    found = told(cast, {**SENT, "_gotcha": "x"}, holding={"honeypot": True})
    assert (found.status, found.outcome.code) == (202, "held")
    assert "A field that people do not see was filled in." in words(found, "holding")
    assert words(told(cast, holding={"honeypot": True}), "holding") == "Nothing about it is suspicious."


def test_the_same_lead_again_is_told_to_be_answered_with_the_first(cast: Cast) -> None:
    from stagewise.core import fields
    from stagewise.core.submission import Submission, fingerprint

    checked = fields.check(dict(SENT))
    assert not isinstance(checked, list)
    submission = Submission("k", None, "r", fields=checked)  # type: ignore[arg-type]
    now, endpoint = now_ms(), cast.acme.endpoint
    casting.lead(
        cast.acme,
        **SENT,
        message=None,
        created_at=now,
        repeat_slot=now // WITHIN_MS,
        repeat_hash=mark_of(fingerprint(submission), endpoint.pk),
    )
    found = told(cast)
    assert (found.status, found.outcome.code) == (201, "duplicate")
    assert marks(found)["repeat"] == "yes"


def _views(cast: Cast, now: int) -> tuple[Asking, View]:
    """What explains, and what the lane reads with, at one moment."""
    ours = Asking(now, {"k": entry_of(cast.acme.endpoint)})
    theirs: Any
    if connection.vendor == "postgresql":

        def rows(statement: str, values: Any = ()) -> list[Any]:
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return list(cursor.fetchall())

        theirs = PostgresView(rows, Compiled(), [], 0)
    else:
        connection.ensure_connection()
        theirs = SQLiteView(connection.connection, Compiled(), [], 0, Recent())
    theirs.now = now
    return ours, theirs


def test_what_is_asked_for_an_explanation_is_what_the_lane_would_read(cast: Cast) -> None:
    """The only second reading of facts: the two are held together on each database."""
    now, acme = now_ms(), cast.acme
    place, slots = (acme.endpoint.pk, ADDRESS), slots_of(now)
    for ago in (1, 1_000, WINDOW_MS - 1, WINDOW_MS, WINDOW_MS + 1):
        Hit.objects.create(workspace_id=1, endpoint_id=place[0], bucket=ADDRESS, at=now - ago)
    casting.lead(acme, created_at=now - 1, repeat_slot=slots[0], repeat_hash=42)
    casting.held(acme, at=now - 1, repeat_slot=slots[1], repeat_hash=43)
    CaptchaPass.objects.create(endpoint_id=place[0], token_hash="t", fingerprint="f", at=now - 10)
    SeenMessage.objects.create(endpoint_id=place[0], message_hash=7, count=3, at=now - 10)
    ours, theirs = _views(cast, now)
    for limit in (1, 2, 3, 4, 100):
        assert ours.windows({place: limit}) == theirs.windows({place: limit})
    assert ours.earlier([42, 43], slots, held=False) == theirs.earlier([42, 43], slots, held=False)
    assert ours.earlier([42, 43], slots, held=True) == theirs.earlier([42, 43], slots, held=True)
    assert list(ours.earlier([42], slots, held=False)) == [42]
    for since in (now - 20, now - 5):
        assert ours.captcha_pass((place[0], "t"), since) == theirs.captcha_pass((place[0], "t"), since)
        assert ours.seen_before(place[0], 7, since) == theirs.seen_before(place[0], 7, since)
    assert ours.captcha_pass((place[0], "u"), 0) == theirs.captcha_pass((place[0], "u"), 0) is None
    assert ours.held_waiting(place[0]) == theirs.held_waiting(place[0]) == 2
