"""Suspicious leads are answered 202 and held; all rules are off until the owner sets them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from stagewise.options import holding
from stagewise.store.ledger import Ledger
from tests.store.lab import Lab

LINKS: dict[str, Any] = {"message": "https://a.example https://b.example www.c.example"}
CASES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"honeypot": True}, {"extras": {"_gotcha": "x"}}, "honeypot"),
    ({"min_seconds": 3}, {"extras": {"_elapsed_ms": 900}}, "too_fast"),
    ({"min_seconds": 3}, {"extras": {"_elapsed_ms": "2999"}}, "too_fast"),
    ({"max_links": 2}, LINKS, "links"),
    ({"words": ["crypto"]}, {"message": "Buy CRYPTO now"}, "blocked_word"),
    ({"domains": ["bad.example"]}, {"email": "a@mail.bad.example"}, "blocked_domain"),
    ({"domains": ["bad.example"]}, {"message": "see http://bad.example/x"}, "blocked_domain"),
    ({"honeypot": True, "max_links": 0}, {"extras": {"_gotcha": "x"}, **LINKS}, "honeypot,links"),
]


@pytest.mark.parametrize(("rules", "sent", "reasons"), CASES)
def test_what_a_rule_finds_suspicious_is_held_with_the_reason(
    lab: Lab, rules: dict[str, Any], sent: dict[str, Any], reasons: str
) -> None:
    assert lab.decide(lab.submission(**sent))[0].outcome == "created"
    lab.installation.save_rules(holding=rules)
    lab.installation.sql("DELETE FROM lead")
    [held] = lab.decide(lab.submission(**sent))
    assert (held.outcome, held.status) == ("held", 202)
    [(public_id, kept, state)] = lab.installation.sql("SELECT public_id, reasons, state FROM held_lead")
    body = json.loads(held.body or b"")
    assert (body["id"].replace("-", ""), body["held"]) == (str(public_id).replace("-", ""), True)
    assert body["request_id"]
    assert (kept, state) == (reasons, "waiting")
    assert lab.installation.count("lead") == 0


@pytest.mark.parametrize(
    "sent",
    [
        {"extras": {"_gotcha": " ", "_elapsed_ms": 3000}},
        {"extras": {"_elapsed_ms": "soon"}},
        {"message": "cryptography, https://good.example"},
        {"email": "a@notbad.example"},
        {},
    ],
)
def test_what_no_rule_finds_suspicious_is_a_lead(lab: Lab, sent: dict[str, Any]) -> None:
    lab.installation.save_rules(
        holding={"honeypot": True, "min_seconds": 3, "max_links": 1, "words": ["crypto"], "domains": ["bad.example"]}
    )
    assert [each.outcome for each in lab.decide(lab.submission(**sent))] == ["created"]


def test_a_held_lead_takes_a_slot_and_binds_its_key(lab: Lab) -> None:
    lab.installation.save_rules(holding={"max_links": 0}, max_leads_per_ip=2)
    first, replay, mismatch = lab.decide(
        lab.submission(idempotency_key="k", **LINKS),
        lab.submission(idempotency_key="k", **LINKS),
        lab.submission(idempotency_key="k", message="another"),
    )
    assert (first.outcome, replay.outcome, mismatch.outcome) == ("held", "replayed", "idempotency_mismatch")
    assert (replay.status, replay.body) == (202, first.body)
    assert first.figures is not None
    assert first.figures.remaining == 1
    assert lab.installation.count("hit") == 1
    assert lab.installation.sql("SELECT lead_id, status FROM bound_key") == [(None, 202)]


def test_a_repeat_of_a_held_lead_is_held_once(lab: Lab) -> None:
    lab.installation.save_rules(holding={"max_links": 0})
    first, again, third = lab.decide(*(lab.submission(**LINKS) for _ in range(3)))
    assert [each.outcome for each in (first, again, third)] == ["held"] * 3
    assert json.loads(again.body or b"")["id"] == json.loads(first.body or b"")["id"]
    assert lab.installation.sql("SELECT repeats FROM held_lead") == [(2,)]
    assert lab.installation.count("hit") == 1


def test_the_same_message_is_held_from_the_nth_time_on(lab: Lab) -> None:
    lab.installation.save_rules(holding={"repeated": 3}, max_leads_per_ip=None)
    spam = [lab.submission(message="Best  SEO offer", email=f"v{i}@example.com") for i in range(4)]
    assert [each.outcome for each in lab.decide(*spam)] == ["created", "created", "held", "held"]
    together = [lab.submission(message="Another offer", email=f"w{i}@example.com") for i in range(4)]
    outcomes = [each.outcome for each in lab.decide_at_once(*together)]
    assert outcomes == ["created", "created", "held", "held"]


def test_a_message_that_comes_a_day_later_counts_anew(lab: Lab) -> None:
    lab.installation.save_rules(holding={"repeated": 2}, max_leads_per_ip=None)
    assert lab.posts(message="Hello again") == ["created"]
    lab.offset_ms = holding.REPEATED_WITHIN_MS + 1_000
    assert lab.posts(message="Hello again") == ["created"]
    lab.offset_ms += 600_000
    assert lab.posts(message="Hello again") == ["held"]


def test_over_the_limit_is_held_if_the_owner_chose_that(lab: Lab) -> None:
    lab.installation.save_rules(max_leads_per_ip=2, over_limit="hold")
    assert lab.posts(5) == ["created", "created", "held", "held", "held"]
    assert {reasons for (reasons,) in lab.installation.sql("SELECT reasons FROM held_lead")} == {"over_limit"}
    assert lab.installation.count("hit") == 5


def test_a_thousand_wait_and_no_more(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "MOST_WAITING", 3)
    lab.installation.save_rules(holding={"max_links": 0}, max_leads_per_ip=None)
    outcomes = [
        each.outcome for each in lab.decide_at_once(*(lab.submission(name=f"V {i}", **LINKS) for i in range(5)))
    ]
    assert outcomes == ["held"] * 3 + ["holding_full"] * 2
    lab.installation.sql("UPDATE held_lead SET state = 'discarded'")
    assert lab.decide(lab.submission(name="Later", **LINKS))[0].outcome == "held"


def test_over_the_limit_with_no_room_to_hold_is_refused_as_ever(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "MOST_WAITING", 1)
    lab.installation.save_rules(max_leads_per_ip=1, over_limit="hold")
    [*_, last] = lab.decide(*(lab.submission() for _ in range(3)))
    assert last.outcome == "rate_limited"
    assert last.figures is not None
    assert last.figures.reset is not None


def test_held_leads_are_kept_with_where_they_came_from(lab: Lab) -> None:
    lab.installation.save_rules(holding={"max_links": 0})
    lab.decide(lab.submission(extras={"utm_source": "news", "gclid": "1"}, origin="https://a.example", **LINKS))
    [(attribution, origin, address)] = lab.installation.sql("SELECT attribution, origin, address FROM held_lead")
    kept = json.loads(attribution) if isinstance(attribution, str) else attribution
    assert (kept["utm_source"], kept["click_ids"]) == ("news", {"gclid": "1"})
    assert (origin, address) == ("https://a.example", "192.0.2.1")


def test_a_repeat_of_a_released_lead_is_counted_with_it(lab: Lab) -> None:
    lab.installation.save_rules(holding={"max_links": 0})
    sent = {**LINKS, "name": "Twice"}
    [held] = lab.decide(lab.submission(**sent))
    public_id = json.loads(held.body or b"")["id"]
    lab.installation.stagewise("held", "release", public_id)
    # One ledger that was there before, and a new one that has to read back.
    again = [lab.decide(lab.submission(**sent))[0] for _ in range(2)]
    assert [each.outcome for each in again] == ["duplicate", "duplicate"]
    assert {json.loads(each.body or b"")["id"] for each in again} == {public_id}
    assert lab.installation.sql("SELECT count FROM lead_repeat") == [(2,)]
    assert lab.installation.count("lead") == 1


def test_held_calls_stand_in_the_journal(lab: Lab) -> None:
    lab.installation.save_rules(holding={"max_links": 0})

    async def steps(ledger: Ledger) -> None:
        await asyncio.gather(*(ledger.decide(lab.submission(name=f"V {i}", **LINKS)) for i in range(3)))

    lab.run(steps)
    assert lab.installation.sql("SELECT outcome, status, count(*) FROM attempt GROUP BY outcome, status") == [
        ("held", 202, 3)
    ]
    assert lab.installation.sql("SELECT sum(count) FROM attempt_counter WHERE outcome = 'held'") == [(3,)]
