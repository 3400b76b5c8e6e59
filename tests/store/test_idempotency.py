"""Idempotency-Key, on both databases, through the ledger."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from stagewise.store.ledger import Ledger
from stagewise.store.records import Decision
from tests.store.lab import Lab


def decide(lab: Lab, **sent: object) -> Decision:
    async def steps(ledger: Ledger) -> Decision:
        return await ledger.decide(lab.submission(**sent))  # type: ignore[arg-type]

    return lab.run(steps)


def test_one_key_sent_a_hundred_times_at_once_makes_one_lead(lab: Lab) -> None:
    async def steps(ledger: Ledger) -> list[Decision]:
        return await asyncio.gather(*(ledger.decide(lab.submission(idempotency_key="k")) for _ in range(100)))

    decisions = lab.run(steps)
    assert Counter(decision.outcome for decision in decisions) == {"created": 1, "replayed": 99}
    assert len({decision.body for decision in decisions}) == 1
    for table in ("lead", "hit", "event", "bound_key"):
        assert lab.installation.count(table) == 1


def test_a_replay_repeats_the_answer_to_the_byte_even_after_the_lead_is_gone(lab: Lab) -> None:
    first = decide(lab, idempotency_key="k")
    lab.installation.sql("DELETE FROM lead")
    again = decide(lab, idempotency_key="k")
    assert (again.outcome, again.body) == ("replayed", first.body)
    assert lab.installation.count("lead") == 0


@pytest.mark.parametrize(
    "other",
    [{"name": "Bob"}, {"message": "More"}, {"email": "no address"}, {"phone": ...}, {"lead_type_name": "General"}],
    ids=["other name", "a message", "invalid e-mail", "missing phone", "the default type, but named"],
)
def test_the_same_key_with_other_fields_is_a_mismatch(lab: Lab, other: dict[str, object]) -> None:
    decide(lab, idempotency_key="k")
    assert decide(lab, idempotency_key="k", **other).outcome == "idempotency_mismatch"
    assert lab.installation.count("lead") == 1


def test_fields_that_are_normalised_alike_are_the_same(lab: Lab) -> None:
    decide(lab, idempotency_key="k", name="Ada Lovelace")
    assert decide(lab, idempotency_key="k", name="  Ada\tLovelace ").outcome == "replayed"


def test_a_refused_call_binds_no_key(lab: Lab) -> None:
    assert decide(lab, idempotency_key="k", email="no address").outcome == "invalid_fields"
    assert decide(lab, idempotency_key="k").outcome == "created"


def test_a_replay_is_answered_when_the_limit_is_reached_but_not_to_a_caller_who_may_not_call(lab: Lab) -> None:
    lab.installation.save_rules(max_leads_per_ip=1)
    decide(lab, idempotency_key="k")
    assert decide(lab).outcome == "rate_limited"
    replay = decide(lab, idempotency_key="k")
    assert replay.outcome == "replayed"
    assert replay.figures is not None
    assert replay.figures.remaining == 0
    lab.installation.save_rules(allow_all_ips=False)
    assert decide(lab, idempotency_key="k").outcome == "ip_not_allowed"


def test_keys_of_two_endpoints_know_nothing_of_each_other(lab: Lab) -> None:
    decide(lab, idempotency_key="k")
    other = lab.installation.json("endpoint", "add", "Other website")
    lab.installation.save_rules("Other website", allow_all_ips=True)

    async def steps(ledger: Ledger) -> Decision:
        submission = lab.submission(idempotency_key="k", name="Somebody else")
        submission.key = other["key"]
        return await ledger.decide(submission)

    assert lab.run(steps).outcome == "created"
    assert lab.installation.count("lead") == 2
