"""A submission that comes again within five minutes is answered with the first one, and makes no second lead."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.store.lab import Lab

SAME: dict[str, Any] = {"name": "Grace Hopper", "message": "Twice, please"}
MINUTES = 60_000


def test_a_repeat_is_answered_with_the_first_lead(lab: Lab) -> None:
    first, again = lab.decide(lab.submission(**SAME), lab.submission(**SAME))
    assert (first.outcome, again.outcome) == ("created", "duplicate")
    assert again.status == 201
    body = json.loads(again.body or b"")
    assert body.pop("duplicate") is True
    assert body == json.loads(first.body or b"")
    assert lab.installation.count("lead") == 1


def test_a_repeat_uses_no_slot_and_sends_no_event(lab: Lab) -> None:
    decisions = lab.decide(*(lab.submission(**SAME) for _ in range(4)))
    assert [each.figures.remaining for each in decisions if each.figures] == [9, 9, 9, 9]
    assert (lab.installation.count("hit"), lab.installation.count("event")) == (1, 1)


def test_repeats_are_counted_with_their_lead_and_stand_in_the_journal(lab: Lab) -> None:
    lab.decide(*(lab.submission(**SAME) for _ in range(3)))
    [(lead, count)] = lab.installation.sql("SELECT lead_id, count FROM lead_repeat")
    assert count == 2
    assert lab.installation.sql("SELECT lead_id FROM attempt WHERE outcome = 'duplicate'") == [(lead,), (lead,)]


def test_two_at_the_same_moment_are_one_lead(lab: Lab) -> None:
    outcomes = [each.outcome for each in lab.decide_at_once(*(lab.submission(**SAME) for _ in range(20)))]
    assert sorted(outcomes) == ["created"] + ["duplicate"] * 19
    assert lab.installation.sql("SELECT count FROM lead_repeat") == [(19,)]


def test_whatever_differs_makes_another_lead(lab: Lab) -> None:
    others: list[dict[str, Any]] = [
        {},
        {"name": "Grace"},
        {"phone": "+442079460959"},
        {"email": "b@example.com"},
        {"lead_type_name": "Sales"},
    ]
    outcomes = [each.outcome for each in lab.decide(*(lab.submission(**{**SAME, **other}) for other in others))]
    assert outcomes == ["created"] * 5


def test_another_address_is_still_the_same_visitor(lab: Lab) -> None:
    first, again = lab.decide(lab.submission("192.0.2.1", **SAME), lab.submission("198.51.100.7", **SAME))
    assert (first.outcome, again.outcome) == ("created", "duplicate")


def test_after_five_minutes_it_is_a_lead_again(lab: Lab) -> None:
    assert lab.posts(**SAME) == ["created"]
    lab.offset_ms = 5 * MINUTES - 2_000
    assert lab.posts(**SAME) == ["duplicate"]
    lab.offset_ms = 5 * MINUTES + 1_000
    assert lab.posts(**SAME) == ["created"]


def test_a_repeat_over_the_limit_is_refused(lab: Lab) -> None:
    lab.installation.save_rules(max_leads_per_ip=1)
    assert [each.outcome for each in lab.decide(lab.submission(**SAME), lab.submission(**SAME))] == [
        "created", "rate_limited",
    ]  # fmt: skip


def test_a_repeat_with_a_key_binds_it(lab: Lab) -> None:
    first, again, replay = lab.decide(
        lab.submission(**SAME),
        lab.submission(idempotency_key="k", **SAME),
        lab.submission(idempotency_key="k", **SAME),
    )
    assert (first.outcome, again.outcome, replay.outcome) == ("created", "duplicate", "replayed")
    assert replay.body == again.body
    [(lead,)] = lab.installation.sql("SELECT lead_id FROM bound_key")
    assert lab.installation.sql("SELECT id FROM lead") == [(lead,)]


def test_keys_of_one_batch_are_bound_to_the_lead_of_the_same_batch(lab: Lab) -> None:
    lab.decide_at_once(*(lab.submission(idempotency_key=key, **SAME) for key in "abc"))
    assert {lead for (lead,) in lab.installation.sql("SELECT lead_id FROM bound_key")} == {
        lead for (lead,) in lab.installation.sql("SELECT id FROM lead")
    }


def test_after_the_first_was_deleted_it_is_a_lead_again(lab: Lab) -> None:
    lab.posts(**SAME)
    lab.installation.sql("DELETE FROM lead")
    assert lab.posts(**SAME) == ["created"]


def test_two_servers_that_take_the_same_at_once_make_one_lead(lab: Lab) -> None:
    async def steps() -> list[str]:
        async with lab.ledger() as one, lab.ledger() as two:
            pairs = [(ledger, lab.submission(**SAME)) for _ in range(10) for ledger in (one, two)]
            decisions = await asyncio.gather(*(ledger.decide(submission) for ledger, submission in pairs))
            return sorted(decision.outcome for decision in decisions)

    assert asyncio.run(steps()) == ["created"] + ["duplicate"] * 19
    assert lab.installation.count("lead") == 1
