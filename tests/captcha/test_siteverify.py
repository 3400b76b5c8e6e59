"""reCAPTCHA, hCaptcha and Turnstile, against their documented answers."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

import pytest
from stagewise_client import captcha
from stagewise_client.captcha import Verdict, Verifier

from tests.captcha.double import SECRET, SiteVerifyDouble

REMOTE = ("recaptcha_v2", "recaptcha_v3", "hcaptcha", "turnstile")

#: A good answer of each, with the members that its documentation shows.
GOOD: dict[str, dict[str, Any]] = {
    "recaptcha_v2": {"success": True, "challenge_ts": "2026-01-01T12:00:00Z", "hostname": "www.example.com"},
    "recaptcha_v3": {
        "success": True,
        "score": 0.9,
        "action": "contact",
        "challenge_ts": "2026-01-01T12:00:00Z",
        "hostname": "www.example.com",
    },
    "hcaptcha": {
        "success": True,
        "challenge_ts": "2026-01-01T12:00:00Z",
        "hostname": "www.example.com",
        "credit": False,
    },
    "turnstile": {
        "success": True,
        "challenge_ts": "2026-01-01T12:00:00.000Z",
        "hostname": "www.example.com",
        "error-codes": [],
        "action": "contact",
        "cdata": "",
    },
}


def verifier(name: str, service: SiteVerifyDouble, **settings: Any) -> Verifier:
    return captcha.provider(name, secret=SECRET, url=service.url, **settings)


def no(*codes: str) -> dict[str, Any]:
    return {"success": False, "error-codes": list(codes)}


@pytest.mark.parametrize("name", REMOTE)
def test_a_good_token_passes_and_says_where_it_was_made(name: str, service: SiteVerifyDouble) -> None:
    service.answer = GOOD[name]
    verdict = verifier(name, service).verify("good-token")
    assert verdict == Verdict(True, "", 0.9 if name == "recaptcha_v3" else None, "www.example.com")
    assert service.questions == [{"secret": SECRET, "response": "good-token"}]


def test_waiting_code_gets_the_same_verdict(service: SiteVerifyDouble) -> None:
    async def ask() -> tuple[Verdict, Verdict]:
        asked = verifier("turnstile", service)
        return await asked.verify_async("good-token"), asked.verify("good-token")

    assert [verdict.ok for verdict in asyncio.run(ask())] == [True, True]


def test_the_visitors_address_goes_along_when_it_is_given(service: SiteVerifyDouble) -> None:
    verifier("hcaptcha", service).verify("good-token", address="198.51.100.7")
    assert service.questions[0]["remoteip"] == "198.51.100.7"


@pytest.mark.parametrize("name", REMOTE)
def test_no_token_is_missing_and_nobody_is_asked(name: str, service: SiteVerifyDouble) -> None:
    assert verifier(name, service).verify("  ").reason == "missing"
    assert service.questions == []


def test_a_token_longer_than_any_is_not_passed_on(service: SiteVerifyDouble) -> None:
    assert verifier("turnstile", service).verify("x" * (captcha.TOKEN_LIMIT + 1)).reason == "failed"
    assert service.questions == []


@pytest.mark.parametrize(
    ("name", "codes", "reason"),
    [
        ("recaptcha_v2", ["missing-input-response"], "missing"),
        ("recaptcha_v2", ["invalid-input-response"], "failed"),
        ("recaptcha_v3", ["timeout-or-duplicate"], "expired"),
        ("turnstile", ["timeout-or-duplicate"], "expired"),
        ("turnstile", ["invalid-input-response"], "failed"),
        ("hcaptcha", ["expired-input-response"], "expired"),
        ("hcaptcha", ["already-seen-response"], "used"),
        ("hcaptcha", ["invalid-or-already-seen-response"], "failed"),
        ("hcaptcha", [], "failed"),
    ],
)
def test_what_a_provider_says_about_a_token(
    name: str, codes: list[str], reason: str, service: SiteVerifyDouble
) -> None:
    service.answer = no(*codes)
    assert verifier(name, service).verify("token") == Verdict(False, reason)  # type: ignore[arg-type] # one of them


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("recaptcha_v2", ["missing-input-secret"]),
        ("recaptcha_v3", ["invalid-input-secret"]),
        ("turnstile", ["invalid-input-secret", "invalid-input-response"]),
        ("turnstile", ["bad-request"]),
        ("hcaptcha", ["sitekey-secret-mismatch"]),
        ("hcaptcha", ["not-using-dummy-passcode"]),
    ],
)
def test_a_wrong_setting_is_nobodys_failure_and_is_logged_clearly(
    name: str, codes: list[str], service: SiteVerifyDouble, caplog: pytest.LogCaptureFixture
) -> None:
    service.answer = no(*codes)
    assert verifier(name, service).verify("token").reason == "unavailable"
    (line,) = caplog.records
    assert line.levelno == logging.ERROR
    assert line.getMessage().startswith(f"CAPTCHA tokens cannot be checked: {name} refuses our settings: ")
    assert codes[0] in line.getMessage()
    assert SECRET not in line.getMessage()


def test_a_flood_of_tokens_is_no_flood_of_log_lines(
    service: SiteVerifyDouble, caplog: pytest.LogCaptureFixture
) -> None:
    service.answer = no("invalid-input-secret")
    asked = verifier("turnstile", service)
    for number in range(5):
        asked.verify(f"token {number}")
    assert len(caplog.records) == 1


@pytest.mark.parametrize("code", ["internal-error", "a-word-of-tomorrow"])
def test_a_providers_own_trouble_is_unavailable(code: str, service: SiteVerifyDouble) -> None:
    service.answer = no(code)
    assert verifier("turnstile", service).verify("token").reason == "unavailable"


def test_an_answer_with_an_error_status_is_read_all_the_same(service: SiteVerifyDouble) -> None:
    service.status, service.answer = 400, no("timeout-or-duplicate")
    assert verifier("turnstile", service).verify("token").reason == "expired"


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, b"Internal Server Error"),
        (200, b"<html>Please log in to the hotel's network</html>"),
        (200, b'["success"]'),
        (200, b'{"success": "true"}'),
        (200, b"\xff\xfe"),
        (200, b"[" * 60_000),
        (200, b'{"success": true, "padding": "' + b"x" * 70_000 + b'"}'),
        (429, b'{"error": "slow down"}'),
    ],
)
def test_an_answer_that_is_none_is_unavailable(status: int, answer: bytes, service: SiteVerifyDouble) -> None:
    service.status, service.answer = status, answer
    assert verifier("recaptcha_v2", service).verify("token").reason == "unavailable"


def test_a_provider_that_sends_us_elsewhere_is_not_followed(service: SiteVerifyDouble) -> None:
    service.status, service.headers, service.answer = 307, {"Location": service.url}, b""
    assert verifier("recaptcha_v2", service).verify("token").reason == "unavailable"
    assert len(service.questions) == 1


def test_a_provider_that_says_nothing_is_unavailable(service: SiteVerifyDouble) -> None:
    service.silent = True
    assert verifier("turnstile", service, timeout=0.2).verify("token").reason == "unavailable"


def test_a_provider_that_cannot_be_reached_is_unavailable(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and nobody listens
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        assert captcha.provider("turnstile", secret=SECRET, url=url).verify("token").reason == "unavailable"
    assert "turnstile did not answer (ConnectError)" in caplog.text


@pytest.mark.parametrize("name", REMOTE)
def test_a_token_from_another_website_fails(name: str, service: SiteVerifyDouble) -> None:
    service.answer = GOOD[name]
    asked = verifier(name, service, hostnames=["shop.example.com"])
    assert (asked.verify("token").reason, asked.verify("token").hostname) == ("wrong_host", "www.example.com")
    assert verifier(name, service, hostnames=["shop.example.com", "WWW.example.com"]).verify("token").ok


def test_a_token_that_names_no_website_fails_where_one_is_asked_for(service: SiteVerifyDouble) -> None:
    assert verifier("recaptcha_v2", service, hostnames=["example.com"]).verify("token").reason == "wrong_host"


@pytest.mark.parametrize("name", ["recaptcha_v3", "turnstile"])
def test_a_token_for_another_purpose_fails(name: str, service: SiteVerifyDouble) -> None:
    service.answer = GOOD[name]
    assert verifier(name, service, action="contact").verify("token").ok
    assert verifier(name, service, action="log_in").verify("token").reason == "wrong_action"


def test_an_action_is_not_asked_for_where_a_provider_has_none(service: SiteVerifyDouble) -> None:
    service.answer = GOOD["hcaptcha"]
    assert verifier("hcaptcha", service, action="contact").verify("token").ok


@pytest.mark.parametrize(("score", "lowest", "ok"), [(0.5, 0.5, True), (0.49, 0.5, False), (0, 0, True), (1, 1, True)])
def test_a_score_must_reach_the_lowest_one_wanted(
    score: float, lowest: float, ok: bool, service: SiteVerifyDouble
) -> None:
    service.answer = GOOD["recaptcha_v3"] | {"score": score}
    verdict = verifier("recaptcha_v3", service, min_score=lowest).verify("token")
    assert (verdict.ok, verdict.score, verdict.reason) == (ok, score, "" if ok else "low_score")


@pytest.mark.parametrize("score", [None, "0.9", True, float("nan"), 10**400, -0.1])
def test_without_a_score_the_keys_are_of_another_kind(
    score: object, service: SiteVerifyDouble, caplog: pytest.LogCaptureFixture
) -> None:
    service.answer = GOOD["recaptcha_v3"] | {"score": score}
    assert verifier("recaptcha_v3", service).verify("token").reason == "unavailable"
    assert "the keys are not those of reCAPTCHA v3" in caplog.text


def test_v3_keys_that_were_given_for_v2_do_not_let_everybody_in(service: SiteVerifyDouble) -> None:
    service.answer = GOOD["recaptcha_v3"] | {"score": 0.1}
    assert verifier("recaptcha_v2", service).verify("token").reason == "low_score"


def test_hcaptchas_score_counts_the_other_way_round_and_is_left_alone(service: SiteVerifyDouble) -> None:
    service.answer = GOOD["hcaptcha"] | {"score": 0.0}
    assert verifier("hcaptcha", service).verify("token").ok
