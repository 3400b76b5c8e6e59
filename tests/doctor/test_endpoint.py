"""The doctor at a real endpoint: what it finds, and that it never makes a real lead."""

from __future__ import annotations

import json

import pytest

from stagewise.doctor import Report
from stagewise.doctor.report import Finding
from tests.doctor.conftest import Place
from tests.support.installation import LEAD
from tests.support.processes import request


def found(report: Report, check: str) -> Finding:
    """The report's only finding of a check."""
    (finding,) = (each for each in report.findings if each.check == check)
    return finding


def states(report: Report) -> dict[str, str]:
    return {each.check: each.state for each in report.findings}


def test_a_new_endpoint_is_in_order(place: Place) -> None:
    report = place.examine()
    assert report.kind == "endpoint"
    assert set(states(report).values()) == {"ok", "warning"}
    assert {check for check, state in states(report).items() if state == "warning"} == {"forwarding"}
    assert not report.failed


def test_every_point_of_the_guides_checklist_is_tried(place: Place) -> None:
    tried = states(place.examine(origins=("https://www.example.com",)))
    assert {
        "valid_data", "missing_fields", "invalid_email", "limit", "over_limit", "address", "forwarding", "cors_allowed",
        "cors_foreign", "error_format", "error_secrets", "error_pages", "tls", "media_type", "malformed_json",
        "too_large", "unknown_lead_type", "replay", "clock",
    } <= set(tried)  # fmt: skip


def test_it_makes_test_leads_only_and_takes_no_slot(place: Place) -> None:
    report = place.examine()
    assert place.real_leads() == 0
    assert place.installation.count("hit") == 0
    assert place.test_leads() == report.test_leads == 2


def test_it_can_be_run_again_at_once(place: Place) -> None:
    assert states(place.examine()) == states(place.examine())


def test_the_key_is_in_no_report(place: Place) -> None:
    report = place.examine()
    assert place.installation.key not in report.as_text()
    assert place.installation.key not in str(report.as_dict())


def test_an_address_that_is_not_allowed_is_named(place: Place) -> None:
    place.installation.save_rules(allowed_ips=["203.0.113.7"])
    report = place.examine()
    finding = found(report, "admitted")
    assert finding.state == "failed"
    assert "127.0.0.1" in finding.seen
    assert "--expect-refused" in finding.todo
    assert report.failed
    assert place.test_leads() == 0


def test_from_a_foreign_address_a_refusal_is_what_is_wanted(place: Place) -> None:
    place.installation.save_rules(allowed_ips=["203.0.113.7"])
    report = place.examine(expect_refused=True)
    assert found(report, "refused").state == "ok"
    assert not report.failed


def test_from_a_foreign_address_being_let_in_is_a_failure(place: Place) -> None:
    report = place.examine(expect_refused=True)
    assert found(report, "refused").state == "failed"
    assert place.test_leads() == 0


def test_an_endpoint_that_takes_leads_from_pages_only_asks_for_the_origin(place: Place) -> None:
    place.installation.save_rules(allow_all_ips=True, allowed_ips=[], allowed_origins=["https://www.example.com"])
    refused = place.examine()
    assert "--origin" in found(refused, "admitted").todo
    assert not place.examine(origins=("https://www.example.com",)).failed


def test_an_origin_that_is_not_allowed_fails(place: Place) -> None:
    place.installation.save_rules(allowed_origins=["https://www.example.com"])
    assert found(place.examine(origins=("https://example.com",)), "admitted").state == "failed"
    report = place.examine(origins=("https://www.example.com", "https://example.com"))
    assert [each.state for each in report.findings if each.check == "cors_allowed"] == ["ok", "failed"]


def test_other_websites_are_refused_where_origins_are_set(place: Place) -> None:
    place.installation.save_rules(allowed_origins=["https://www.example.com"])
    assert "refused" in found(place.examine(), "cors_foreign").seen


def test_pages_of_every_website_are_a_warning_for_whoever_has_named_one(place: Place) -> None:
    assert found(place.examine(), "cors_foreign").state == "ok"
    assert found(place.examine(origins=("https://www.example.com",)), "cors_foreign").state == "warning"


def test_no_limit_is_a_warning(place: Place) -> None:
    place.installation.save_rules(max_leads_per_ip=None)
    assert found(place.examine(), "limit").state == "warning"
    place.installation.save_rules(max_leads_per_ip=7)
    assert "7 leads" in found(place.examine(), "limit").seen


def test_a_limit_that_is_used_up_is_said(place: Place) -> None:
    place.installation.save_rules(max_leads_per_ip=1)
    sent = request(place.port, "POST", place.path, json.dumps(LEAD).encode(), {"Content-Type": "application/json"})
    assert sent.status == 201
    finding = found(place.examine(), "valid_data")
    assert finding.state == "failed"
    assert "used up" in finding.seen


def test_forwarding_is_recognised(place: Place) -> None:
    assert "10 leads" in found(place.examine(), "forwarding").seen
    place.installation.save_rules(forwarding=True)
    finding = found(place.examine(), "forwarding")
    assert finding.state == "ok"
    assert "each visitor" in finding.seen


def test_the_address_that_stagewise_sees_is_shown(place: Place) -> None:
    assert "127.0.0.1" in found(place.examine(), "address").seen


def test_an_endpoint_that_is_switched_off_and_a_wrong_key_say_so(place: Place) -> None:
    place.installation.save_rules(enabled=False)
    assert "410" in found(place.examine(), "admitted").seen
    place.path = place.path[:-6] + "AAAAAA"
    try:
        assert "404" in found(place.examine(), "admitted").seen
    finally:
        place.path = f"/public/v1/leads/{place.installation.key}"


def test_held_leads_are_a_warning(place: Place) -> None:
    place.installation.save_rules(holding={"domains": ["example.com"]})
    report = place.examine()
    assert found(report, "valid_data").state == "warning"
    assert found(report, "replay").state == "skipped"
    assert not report.failed


@pytest.mark.slow
def test_the_proof_of_work_of_altcha_is_done(place: Place) -> None:
    place.installation.save_rules(captcha={"provider": "altcha"})
    report = place.examine()
    assert states(report) | {"valid_data": "ok", "replay": "ok"} == states(report)
    assert place.test_leads() == 2
    assert place.real_leads() == 0


def test_another_captcha_is_a_warning(place: Place) -> None:
    place.installation.save_rules(captcha={"provider": "turnstile", "site_key": "x", "secret": "y"})
    report = place.examine()
    finding = found(report, "valid_data")
    assert finding.state == "warning"
    assert "CAPTCHA" in finding.seen
    assert not report.failed
