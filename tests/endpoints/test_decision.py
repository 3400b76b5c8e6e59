"""How a call was decided, step by step."""

from __future__ import annotations

import pytest

from stagewise.core.refusal import ACCEPTED, REFUSALS, status_of
from stagewise.endpoints import decision, journal
from tests.support.cast import Cast, attempt, summary

pytestmark = pytest.mark.django_db

#: One code for several checks, or for none.
SAYS_NOTHING = {"invalid_request", "unavailable", "outcome_unknown"}


def steps(cast: Cast, code: str, **fields: object) -> list[tuple[str, str]]:
    attempt(cast.acme, code, status_of(code), **fields)
    row = journal.page(cast.acme.workspace).rows[0]
    return [(each.name, each.look) for each in decision.steps(row)]


@pytest.mark.parametrize("code", REFUSALS)
def test_of_every_refusal_one_check_refused_and_none_after_it_was_looked_at(cast: Cast, code: str) -> None:
    looks = [look for _name, look in steps(cast, code)]
    if code in SAYS_NOTHING:
        assert looks == []
        return
    at = looks.index("bad")
    assert set(looks[:at]) <= {"good"}
    assert set(looks[at + 1 :]) <= {"off"}


@pytest.mark.parametrize("code", ACCEPTED)
def test_what_was_taken_passed_everything(cast: Cast, code: str) -> None:
    looks = [look for _name, look in steps(cast, code)]
    assert looks[-1] == ("wait" if code == "held" else "good")
    assert set(looks[:-1]) == {"good"}


def test_the_order_is_that_of_the_contract(cast: Cast) -> None:
    assert steps(cast, "unknown_lead_type") == [
        ("Method and URL", "good"),
        ("Key and switch", "good"),
        ("IP address", "good"),
        ("Origin", "good"),
        ("Kind and size", "good"),
        ("JSON", "good"),
        ("Fields", "good"),
        ("Lead type", "bad"),
        ("Limit", "off"),
        ("Stored", "off"),
    ]


def test_a_preflight_is_asked_for_its_origin_only(cast: Cast) -> None:
    names = [name for name, _look in steps(cast, "origin_not_allowed", preflight=True)]
    assert names == ["Method and URL", "Key and switch", "Origin"]


def test_a_visitors_address_that_cannot_be_read_is_a_check_of_its_own(cast: Cast) -> None:
    assert ("Visitor's IP", "bad") in steps(cast, "invalid_request", note="visitor_ip_unreadable")


def test_of_a_forced_answer_and_of_counted_calls_no_steps_are_told(cast: Cast) -> None:
    assert steps(cast, "rate_limited", note="test") == []
    summary(cast.acme, "ip_not_allowed", 403, last_at=2**42)
    assert decision.steps(journal.page(cast.acme.workspace).rows[0]) == []


def test_steps_that_were_passed_say_what_is_known(cast: Cast) -> None:
    attempt(cast.acme, "created", 201, address="203.0.113.9", forwarded_by="198.51.100.7", origin="https://a.example")
    words = {each.name: each.words for each in decision.steps(journal.page(cast.acme.workspace).rows[0])}
    assert words["IP address"] == "198.51.100.7"
    assert words["Origin"] == "https://a.example"
    assert words["Stored"] == "The lead was stored."
