"""What an owner is told about the saved rules."""

from __future__ import annotations

import pytest

from stagewise.endpoints import advice
from stagewise.endpoints.actions import RuleChanges, save_rules
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db


HCAPTCHA = {"provider": "hcaptcha", "site_key": "k", "secret": "s"}


def codes(cast: Cast, **rules: object) -> list[str]:
    saved = save_rules(cast.acme.endpoint, RuleChanges(**rules))  # type: ignore[arg-type]
    return [warning["code"] for warning in advice.warnings(saved)]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, ["nobody"]),
        ({"allowed_ips": ["127.0.0.1", "::1"]}, []),
        ({"allowed_ips": ["127.0.0.1"]}, []),
        ({"allowed_ips": ["203.0.113.7"]}, ["low_limit_one_server"]),
        ({"allowed_ips": ["203.0.113.7"], "max_leads_per_ip": 1000}, []),
        ({"allowed_ips": ["203.0.113.7"], "forwarding": True}, []),
        ({"allow_all_ips": True, "forwarding": True}, ["all_ips", "all_origins", "forwarding_nobody"]),
        ({"allowed_ips": ["203.0.0.0/16", "2001:db8::/48"], "forwarding": True}, ["forwarding_wide"]),
        ({"allowed_ips": ["203.0.113.7"], "forwarding": True, "server_ceiling": None}, ["no_ceiling"]),
        ({"form": {"enabled": True}}, ["form_open"]),
        ({"form": {"enabled": True}, "holding": {"honeypot": True}}, []),
        ({"form": {"enabled": True}, "captcha": {"provider": "altcha"}}, []),
        ({"form": {"enabled": True}, "captcha": HCAPTCHA}, ["captcha_any_host", "form_foreign_captcha"]),
        ({"form": {"enabled": True}, "enabled": False, "captcha": {"provider": "altcha"}}, ["switched_off"]),
        ({"allowed_ips": ["203.0.113.0/24"]}, []),
        ({"allowed_ips": ["203.0.113.7", "203.0.113.8"]}, []),
        ({"allowed_ips": ["203.0.113.0/24"], "max_leads_per_ip": None}, ["no_limit"]),
        ({"allow_all_ips": True}, ["all_ips", "all_origins"]),
        ({"allow_all_ips": True, "allowed_origins": ["https://yoursite.com"]}, ["all_ips"]),
        (
            {"allowed_ips": ["203.0.113.0/24"], "allowed_origins": ["https://yoursite.com"]},
            ["origins_without_all_ips"],
        ),
        (
            {"enabled": False, "allow_all_ips": True, "max_leads_per_ip": None},
            ["switched_off", "all_ips", "all_origins", "no_limit"],
        ),
    ],
)
def test_the_owner_is_warned_where_the_guide_warns(cast: Cast, rules: dict[str, object], expected: list[str]) -> None:
    assert codes(cast, **rules) == expected


def test_the_warning_about_one_server_names_it(cast: Cast) -> None:
    saved = save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["2001:db8::1"], max_leads_per_ip=20))
    [warning] = advice.warnings(saved)
    assert "2001:db8::1" in warning["text"]
    assert "20 leads" in warning["text"]


def test_the_warning_about_forwarding_names_the_block_that_is_too_wide(cast: Cast) -> None:
    saved = save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7", "10.0.0.0/8"], forwarding=True))
    [warning] = advice.warnings(saved)
    assert "everybody in 10.0.0.0/8" in warning["text"]
