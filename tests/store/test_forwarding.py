"""A website's server may name the visitor: the limit counts the visitor, and the server has a ceiling of its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.store.lab import Lab

SERVER = "203.0.113.5"


@pytest.fixture
def forwarding(lab: Lab) -> Lab:
    lab.installation.save_rules(
        allow_all_ips=False, allowed_ips=[SERVER], forwarding=True, max_leads_per_ip=2, server_ceiling=5
    )
    return lab


def sent_by(lab: Lab, *visitors: str | None) -> list[str]:
    return [each.outcome for each in lab.decide(*(lab.submission(SERVER, visitor=visitor) for visitor in visitors))]


def test_each_visitor_has_a_limit_of_their_own(forwarding: Lab) -> None:
    visitors = ["198.51.100.1", "198.51.100.1", "198.51.100.1", "198.51.100.2"]
    assert sent_by(forwarding, *visitors) == ["created", "created", "rate_limited", "created"]


def test_the_lead_came_from_the_visitor_by_way_of_the_server(forwarding: Lab) -> None:
    sent_by(forwarding, "198.51.100.1")
    for table in ("lead", "attempt"):
        assert forwarding.installation.sql(f"SELECT address, forwarded_by FROM {table}") == [("198.51.100.1", SERVER)]


def test_the_server_has_a_ceiling(forwarding: Lab) -> None:
    decisions = forwarding.decide(
        *(forwarding.submission(SERVER, visitor=f"198.51.100.{host}") for host in range(1, 8))
    )
    assert [each.outcome for each in decisions] == ["created"] * 5 + ["rate_limited"] * 2
    figures = decisions[-1].figures
    assert figures is not None
    assert (figures.policy, figures.quota, figures.remaining) == ("leads-per-server", 5, 0)
    assert figures.reset is not None
    assert decisions[-1].note == "server_ceiling"
    notes = forwarding.installation.sql("SELECT note FROM attempt WHERE outcome = 'rate_limited'")
    assert notes == [("server_ceiling",)] * 2


def test_the_ceiling_is_exact_in_one_batch_and_counts_earlier_leads(forwarding: Lab) -> None:
    together = [forwarding.submission(SERVER, visitor=f"198.51.100.{host}") for host in range(1, 30)]
    outcomes = [each.outcome for each in forwarding.decide_at_once(*together)]
    assert outcomes.count("created") == 5
    assert sent_by(forwarding, "192.0.2.77") == ["rate_limited"]
    forwarding.installation.save_rules(server_ceiling=6)
    assert sent_by(forwarding, "192.0.2.77", "192.0.2.78") == ["created", "rate_limited"]


def test_without_a_ceiling_only_visitors_are_counted(forwarding: Lab) -> None:
    forwarding.installation.save_rules(server_ceiling=None)
    assert sent_by(forwarding, *(f"198.51.100.{host}" for host in range(1, 9))) == ["created"] * 8


def test_a_server_that_names_nobody_counts_itself(forwarding: Lab) -> None:
    assert sent_by(forwarding, None, None, None) == ["created", "created", "rate_limited"]


def test_an_unreadable_visitor_is_refused_and_noted(forwarding: Lab) -> None:
    assert sent_by(forwarding, "") == ["invalid_request"]
    assert forwarding.installation.sql("SELECT note FROM attempt") == [("visitor_ip_unreadable",)]


@pytest.mark.parametrize(
    "rules", [{"forwarding": False}, {"allow_all_ips": True, "allowed_ips": []}], ids=["switched off", "not listed"]
)
def test_from_anyone_else_the_header_is_ignored_and_noted(forwarding: Lab, rules: dict[str, Any]) -> None:
    forwarding.installation.save_rules(**rules)
    assert sent_by(forwarding, "198.51.100.1", "198.51.100.2", "") == ["created", "created", "rate_limited"]
    assert forwarding.installation.sql("SELECT DISTINCT address, note FROM attempt") == [(SERVER, "visitor_ip_ignored")]


def test_two_servers_have_a_ceiling_each(forwarding: Lab) -> None:
    forwarding.installation.save_rules(allowed_ips=["203.0.113.0/24"], server_ceiling=1)
    decisions = forwarding.decide(
        *(forwarding.submission(f"203.0.113.{server}", visitor=f"198.51.100.{n}") for server in (5, 6) for n in (1, 2))
    )
    assert [each.outcome for each in decisions] == ["created", "rate_limited", "created", "rate_limited"]


def test_visitors_of_one_ipv6_network_share_a_limit(forwarding: Lab) -> None:
    visitors = ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::3"]
    assert sent_by(forwarding, *visitors) == ["created", "created", "rate_limited"]
