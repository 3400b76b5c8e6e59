"""What counted figures mean: pure functions, each with what it must say and what it must leave alone."""

from __future__ import annotations

import pytest

from stagewise.checks import ENOUGH_SPACE
from stagewise.notify.alerts import detect_crowd, detect_house, detect_refusals
from stagewise.notify.alerts.detect_crowd import Share, Shares
from stagewise.notify.alerts.detect_refusals import Calls
from stagewise.notify.alerts.rules import AlertRules, rules_of

RULES = AlertRules()
NOW = 1_790_000_000_000


# Refusals


def test_refusals_jump_when_they_are_many_and_many_times_the_usual() -> None:
    assert detect_refusals.jump(RULES, Calls(5, {"ip_not_allowed": 20}), 1.0, is_open=False) == {
        "rule": "jump",
        "refused": 20,
        "usually": 1.0,
        "by_code": {"ip_not_allowed": 20},
    }
    assert detect_refusals.jump(RULES, Calls(5, {"ip_not_allowed": 19}), 1.0, is_open=False) is None
    assert detect_refusals.jump(RULES, Calls(5, {"ip_not_allowed": 40}), 10.0, is_open=False) is None


def test_a_jump_is_over_when_it_has_fallen_well_below_its_bar() -> None:
    assert detect_refusals.jump(RULES, Calls(5, {"x": 12}), 1.0, is_open=True) is not None
    assert detect_refusals.jump(RULES, Calls(5, {"x": 9}), 1.0, is_open=True) is None


def test_nothing_but_refusals_is_told_where_calls_are_usually_taken() -> None:
    usually, hour = Calls(100, {"missing_fields": 5}), Calls(0, {"origin_not_allowed": 10})
    assert detect_refusals.nothing_taken(RULES, hour, usually, is_open=False) is not None
    assert detect_refusals.nothing_taken(RULES, Calls(1, {"x": 100}), usually, is_open=False) is None
    assert detect_refusals.nothing_taken(RULES, hour, Calls(5, {"x": 100}), is_open=False) is None
    assert detect_refusals.nothing_taken(RULES, hour, Calls(10), is_open=False) is None


@pytest.mark.parametrize("off", [{"refusals": None}, {"all_refused": None}, {"refused_after_change": None}])
def test_what_is_switched_off_says_nothing(off: dict[str, None]) -> None:
    rules, many = rules_of(off), Calls(0, {"ip_not_allowed": 1_000})
    if "refusals" in off:
        assert detect_refusals.jump(rules, many, 0.0, is_open=True) is None
    elif "all_refused" in off:
        assert detect_refusals.nothing_taken(rules, many, Calls(100), is_open=True) is None
    else:
        assert detect_refusals.after_change(rules, {"ip_not_allowed"}, Calls(100), many, is_open=True) is None


def test_a_change_is_blamed_for_the_refusals_that_it_can_cause() -> None:
    causes = detect_refusals.causes_of({"allowed_ips": [[], ["192.0.2.1"]], "name": ["a", "b"]})
    assert causes == {"ip_not_allowed", "origin_required", "invalid_request"}
    after = Calls(2, {"ip_not_allowed": 6, "missing_fields": 2})
    assert detect_refusals.after_change(RULES, causes, Calls(95, {"ip_not_allowed": 5}), after, is_open=False) == {
        "refused": 6,
        "percent": 60,
        "percent_before": 5,
        "by_code": {"ip_not_allowed": 6},
    }
    others = Calls(2, {"missing_fields": 50})
    assert detect_refusals.after_change(RULES, causes, Calls(95), others, is_open=False) is None
    as_before = Calls(30, {"ip_not_allowed": 70})
    assert detect_refusals.after_change(RULES, causes, as_before, as_before, is_open=False) is None


@pytest.mark.parametrize(
    ("field", "cause"),
    [
        ("enabled", "endpoint_disabled"),
        ("allowed_origins", "origin_not_allowed"),
        ("max_leads_per_ip", "rate_limited"),
        ("captcha.provider", "captcha_failed"),
        ("holding.max_links", "holding_full"),
    ],
)
def test_each_setting_has_its_refusals(field: str, cause: str) -> None:
    assert cause in detect_refusals.causes_of({field: [None, 1]})


def test_a_new_name_or_title_causes_nothing() -> None:
    assert detect_refusals.causes_of({"name": ["a", "b"], "form.title": ["", "x"]}) == set()


# The crowd


def crowd(of_one: int, of_all: int, one_before: int = 0, all_before: int = 0) -> Shares:
    values = [Share("203.0.113.9", of_one, of_one + one_before), Share("203.0.113.10", 1, 1)]
    return Shares(values, of_all, of_all + all_before)


def dominates(shares: Shares, known: str = "", is_open: bool = False) -> bool:
    return detect_crowd.dominates(80, 100, shares, lambda value: value == known, is_open) is not None


def test_one_address_stands_out_when_it_makes_most_of_many_calls() -> None:
    assert dominates(crowd(90, 100))
    assert not dominates(crowd(79, 100))
    assert not dominates(crowd(99, 99))


def test_what_the_owner_knows_and_what_was_so_before_does_not_stand_out() -> None:
    assert not dominates(crowd(90, 100), known="203.0.113.9")
    assert not dominates(crowd(90, 100, one_before=900, all_before=1_000))
    assert dominates(crowd(90, 100, one_before=10, all_before=1_000))


def test_who_stands_out_does_so_until_the_share_has_fallen_clearly() -> None:
    assert dominates(crowd(75, 100), is_open=True)
    assert not dominates(crowd(70, 100), is_open=True)
    assert not dominates(Shares([], 0, 0), is_open=True)


def test_many_addresses_over_the_limit_are_told() -> None:
    assert detect_crowd.limit_reached(RULES, 10, is_open=False) == {"addresses": 10}
    assert detect_crowd.limit_reached(RULES, 9, is_open=False) is None
    assert detect_crowd.limit_reached(RULES, 5, is_open=True) == {"addresses": 5}


# The installation


def test_a_channel_must_have_failed_for_half_an_hour() -> None:
    assert detect_house.failing(None, NOW) is None
    assert detect_house.failing(NOW - 29 * 60_000, NOW) is None
    assert detect_house.failing(NOW - 30 * 60_000, NOW) == {"since": NOW - 30 * 60_000}


def test_what_waits_must_have_waited_for_ten_minutes() -> None:
    assert detect_house.late(None, 0, NOW) is None
    assert detect_house.late(NOW - 9 * 60_000, 5, NOW) is None
    assert detect_house.late(NOW - 10 * 60_000, 5, NOW) == {"waiting": 5, "since": NOW - 10 * 60_000}


def test_queues_and_held_leads_are_told_at_four_fifths() -> None:
    assert detect_house.lane_full(79, 100, is_open=False) is None
    assert detect_house.lane_full(80, 100, is_open=False) == {"waiting": 80, "room": 100}
    assert detect_house.held_full(799, is_open=False) is None
    assert detect_house.held_full(800, is_open=False) == {"waiting": 800, "room": 1_000}
    assert detect_house.held_full(730, is_open=True) is not None


def test_a_disk_is_nearly_full_below_what_a_check_warns_of_and_must_have_more_to_be_well_again() -> None:
    total = 100 * ENOUGH_SPACE
    assert detect_house.disk_full(ENOUGH_SPACE, total, is_open=False) is None
    assert detect_house.disk_full(ENOUGH_SPACE - 1, total, is_open=False) is not None
    assert detect_house.disk_full(ENOUGH_SPACE, total, is_open=True) is not None
    assert detect_house.disk_full(2 * ENOUGH_SPACE, total, is_open=True) is None
