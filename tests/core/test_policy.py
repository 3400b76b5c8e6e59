"""Who may call, as a table; the same function decides in ledger, console and command line."""

from __future__ import annotations

import pytest

from stagewise.core.addresses import AddressSet, Caller
from stagewise.core.policy import (
    LeadTypeRule,
    LeadTypes,
    Rules,
    allow_origin,
    refusal_before_content,
    refusal_of_caller,
    refusal_of_preflight,
)
from stagewise.core.submission import UNUSABLE_ORIGIN, Submission

SITE, EVIL = "https://example.com", "https://evil.example"
HOME = "192.0.2.10"


def rules(*, allow_all: bool = False, ips: tuple[str, ...] = (), origins: tuple[str, ...] = ()) -> Rules:
    return Rules(1, 1, 1, True, allow_all, AddressSet(ips), frozenset(origins), None)


def caller(address: str | None, *, untrusted: bool = False) -> Caller:
    return Caller(address, "peer", address or "", untrusted)


@pytest.mark.parametrize(
    ("endpoint", "who", "origin", "refusal"),
    [
        # an empty list refuses everybody
        (rules(), caller(HOME), None, "ip_not_allowed"),
        (rules(ips=(HOME,)), caller(HOME), None, None),
        (rules(ips=("192.0.2.0/24",)), caller(HOME), None, None),
        (rules(ips=(HOME,)), caller("192.0.2.11"), None, "ip_not_allowed"),
        (rules(ips=("2001:db8::/32",)), caller("2001:db8::1"), None, None),
        (rules(allow_all=True), caller(HOME), None, None),
        # an address that could not be read is nobody's
        (rules(allow_all=True), caller(None), None, "ip_not_allowed"),
        # a proxy that nobody declared: no entry may match, whatever the address
        (rules(ips=("127.0.0.1",)), caller("127.0.0.1", untrusted=True), None, "ip_not_allowed"),
        (rules(allow_all=True), caller("127.0.0.1", untrusted=True), None, None),
        (rules(allow_all=True, ips=("127.0.0.1",), origins=(SITE,)), caller("127.0.0.1", untrusted=True), None,
         "origin_required"),
        # origins, byte for byte
        (rules(allow_all=True, origins=(SITE,)), caller(HOME), SITE, None),
        (rules(allow_all=True, origins=(SITE,)), caller(HOME), EVIL, "origin_not_allowed"),
        (rules(allow_all=True, origins=(SITE,)), caller(HOME), "null", "origin_not_allowed"),
        (rules(allow_all=True, origins=(SITE,)), caller(HOME), "", "origin_not_allowed"),
        (rules(allow_all=True, origins=(SITE,)), caller(HOME), UNUSABLE_ORIGIN, "origin_not_allowed"),
        (rules(allow_all=True), caller(HOME), EVIL, None),
        # no Origin at all: only listed servers
        (rules(allow_all=True, origins=(SITE,)), caller(HOME), None, "origin_required"),
        (rules(allow_all=True, origins=(SITE,), ips=(HOME,)), caller(HOME), None, None),
        (rules(origins=(SITE,), ips=(HOME,)), caller(HOME), None, None),
        (rules(origins=(SITE,), ips=(HOME,)), caller(HOME), EVIL, "origin_not_allowed"),
        # the address comes first
        (rules(origins=(SITE,)), caller(HOME), EVIL, "ip_not_allowed"),
    ],
)  # fmt: skip
def test_who_may_call(endpoint: Rules, who: Caller, origin: str | None, refusal: str | None) -> None:
    assert refusal_of_caller(endpoint, who, origin) == refusal


def test_a_preflight_is_asked_for_its_origin_only() -> None:
    closed = rules(origins=(SITE,))
    assert refusal_of_preflight(closed, SITE) is None
    assert refusal_of_preflight(closed, EVIL) == "origin_not_allowed"
    assert refusal_of_preflight(rules(), EVIL) is None


def test_only_an_allowed_origin_may_read_the_answer() -> None:
    assert allow_origin(rules(), EVIL) == "*"
    assert allow_origin(rules(origins=(SITE,)), SITE) == SITE
    assert allow_origin(rules(origins=(SITE,)), EVIL) is None
    assert allow_origin(rules(origins=(SITE,)), None) is None


def test_the_order_is_method_then_key_then_switch_then_caller() -> None:
    wrong = Submission("key", caller(HOME), "id", early_error="method_not_allowed")
    plain = Submission("key", caller(HOME), "id")
    assert refusal_before_content(None, retired=False, submission=wrong) == "method_not_allowed"
    assert refusal_before_content(None, retired=False, submission=plain) == "not_found"
    assert refusal_before_content(rules(), retired=True, submission=plain) == "endpoint_disabled"
    assert refusal_before_content(rules(), retired=False, submission=plain) == "ip_not_allowed"


def test_a_lead_type_is_found_by_its_name_whatever_the_case_and_absent_means_the_first() -> None:
    sales, support = LeadTypeRule(1, "Sales", 1), LeadTypeRule(2, "Äther", 2)
    types = LeadTypes(1, sales, {"sales": sales, "äther": support})
    assert types.choose(None) is sales
    assert types.choose("sALES") is sales
    assert types.choose("ÄTHER") is support
    assert types.choose("Sale\u017f") is None
    assert LeadTypes(1, None, {}).choose(None) is None
