"""Test calls run every rule and leave no trace that counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stagewise.core.refusal import REFUSALS
from tests.store.lab import Lab


def test_a_test_lead_is_flagged_and_takes_no_slot(lab: Lab) -> None:
    [decision] = lab.decide(lab.submission(test="1"))
    assert (decision.outcome, decision.status) == ("test_created", 201)
    assert json.loads(decision.body or b"")["test"] is True
    assert lab.installation.count("lead", "test") == 1
    assert (lab.installation.count("hit"), lab.installation.count("event")) == (0, 0)
    assert decision.figures is not None
    assert decision.figures.remaining == 10


def test_test_calls_are_in_the_journal_and_counted_apart(lab: Lab) -> None:
    lab.decide(lab.submission(test="1"), lab.submission(test="1", email="nowhere"), lab.submission(test="not_found"))
    rows = lab.installation.sql("SELECT outcome, note, status FROM attempt ORDER BY outcome")
    assert rows == [("invalid_fields", "test", 422), ("not_found", "test", 404), ("test_created", "test", 201)]
    counted = lab.installation.sql("SELECT outcome, sum(count) FROM attempt_counter GROUP BY outcome ORDER BY outcome")
    assert [(outcome, int(count)) for outcome, count in counted] == [("test", 2), ("test_created", 1)]


def test_every_rule_decides_a_test_call(lab: Lab) -> None:
    lab.installation.save_rules(max_leads_per_ip=1)
    lab.posts()
    assert lab.decide(lab.submission(test="1"))[0].outcome == "rate_limited"
    lab.installation.save_rules(max_leads_per_ip=9, holding={"max_links": 0})
    [held] = lab.decide(lab.submission(test="1", message="https://a.example"))
    assert (held.outcome, held.status) == ("held", 202)
    assert lab.installation.count("held_lead") == 0
    assert lab.decide(lab.submission("192.0.2.9", test="1", lead_type_name="x"))[0].outcome == "unknown_lead_type"


def test_a_test_lead_and_a_real_one_are_never_the_same(lab: Lab) -> None:
    same: dict[str, Any] = {"message": "The same"}
    tested, real, again = lab.decide(
        lab.submission(test="1", **same), lab.submission(**same), lab.submission(test="1", **same)
    )
    assert [each.outcome for each in (tested, real, again)] == ["test_created", "created", "duplicate"]
    keyed = [lab.submission(idempotency_key="k", test="1"), lab.submission(idempotency_key="k")]
    assert [each.outcome for each in lab.decide(*keyed)][1] == "idempotency_mismatch"


@pytest.mark.parametrize("code", ["held", "duplicate", *REFUSALS])
def test_any_answer_can_be_had_for_the_asking(lab: Lab, code: str) -> None:
    [decision] = lab.decide(lab.submission(test=code))
    assert decision.outcome == code
    assert decision.note == "test"
    assert lab.installation.count("lead") == 0


def test_only_callers_who_are_admitted_can_ask(lab: Lab) -> None:
    lab.installation.save_rules(allow_all_ips=False, allowed_ips=["192.0.2.1"])
    assert lab.decide(lab.submission("192.0.2.2", test="rate_limited"))[0].outcome == "ip_not_allowed"


def test_what_makes_no_sense_is_an_invalid_request(lab: Lab) -> None:
    assert lab.decide(lab.submission(test=""))[0].outcome == "invalid_request"


def test_attribution_is_kept_with_the_lead(lab: Lab) -> None:
    lab.decide(lab.submission(extras={"utm_source": "news", "page_url": "https://a.example/p", "fbclid": "f"}))
    [row] = lab.installation.sql("SELECT lead_id, utm_source, page_url, click_ids FROM lead_attribution")
    assert [row[0]] == [lead for (lead,) in lab.installation.sql("SELECT id FROM lead")]
    clicks = json.loads(row[3]) if isinstance(row[3], str) else row[3]
    assert (row[1], row[2], clicks) == ("news", "https://a.example/p", {"fbclid": "f"})
