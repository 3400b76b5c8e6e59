"""An endpoint with a CAPTCHA: the provider is asked before the batch, the batch decides by its own rules."""

from __future__ import annotations

from typing import Any

import pytest

from stagewise.core.submission import Submission
from stagewise.options.captcha import ToVerify, Verdict
from tests.store.lab import Lab

RULES: dict[str, Any] = {"provider": "turnstile", "site_key": "s", "secret": "x"}


class Provider:
    """Stands for the service outside: says of each token what it is, once, as providers do."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, wanted: ToVerify, _submission: Submission) -> Verdict:
        used = wanted.token in self.asked
        self.asked.append(wanted.token)
        if wanted.token.startswith("down"):
            return Verdict(wanted.rules, "down")
        return Verdict(wanted.rules, "passed" if wanted.token.startswith("good") and not used else "failed")


@pytest.fixture
def provider(lab: Lab) -> Provider:
    lab.verify = provider = Provider()
    lab.installation.save_rules(captcha=RULES)
    return provider


def outcomes(lab: Lab, *tokens: object, **sent: Any) -> list[str]:
    extras: list[dict[str, object]] = [{} if token is None else {"captcha_token": token} for token in tokens]
    return [each.outcome for each in lab.decide(*(lab.submission(extras=each, **sent) for each in extras))]


def test_a_good_token_makes_a_lead(lab: Lab, provider: Provider) -> None:
    assert outcomes(lab, "good") == ["created"]
    assert provider.asked == ["good"]


@pytest.mark.parametrize("token", [None, "", "bad", 5, "x" * 9_000])
def test_a_missing_or_wrong_token_is_refused(lab: Lab, provider: Provider, token: object) -> None:
    [decision] = lab.decide(lab.submission(extras={"captcha_token": token}))
    assert decision.outcome == "captcha_failed"
    assert [(error.field, error.code) for error in decision.field_errors] == [("captcha_token", "captcha_failed")]
    assert lab.installation.count("lead") == 0


def test_without_a_captcha_tokens_mean_nothing(lab: Lab, provider: Provider) -> None:
    lab.installation.save_rules(captcha={})
    assert outcomes(lab, "bad", None) == ["created", "created"]
    assert provider.asked == []


@pytest.mark.parametrize(
    ("rule", "token", "outcome", "reason"),
    [
        ({"if_failed": "hold"}, "bad", "held", "captcha_failed"),
        ({"if_failed": "hold"}, None, "held", "captcha_failed"),
        ({"if_down": "hold"}, "down", "held", "captcha_unavailable"),
        ({"if_down": "admit"}, "down", "created", None),
        ({}, "down", "captcha_unavailable", None),
    ],
)
def test_the_owner_chooses_what_follows(
    lab: Lab, provider: Provider, rule: dict[str, str], token: str | None, outcome: str, reason: str | None
) -> None:
    lab.installation.save_rules(captcha={**RULES, **rule})
    assert outcomes(lab, token) == [outcome]
    assert lab.installation.sql("SELECT reasons FROM held_lead") == ([(reason,)] if reason else [])


def test_nobody_is_asked_for_what_is_refused_anyway(lab: Lab, provider: Provider) -> None:
    assert outcomes(lab, "good-1", email="nowhere") == ["invalid_fields"]
    assert outcomes(lab, "good-2", lead_type_name="None such") == ["unknown_lead_type"]
    lab.installation.save_rules(allow_all_ips=False)
    assert outcomes(lab, "good-3") == ["ip_not_allowed"]
    assert provider.asked == []


def test_nobody_is_asked_again_for_a_key_that_is_bound(lab: Lab, provider: Provider) -> None:
    assert outcomes(lab, "good", "good", None, idempotency_key="k") == ["created", "replayed", "replayed"]
    assert provider.asked == ["good"]


def test_the_token_is_asked_about_before_the_limit(lab: Lab, provider: Provider) -> None:
    lab.installation.save_rules(max_leads_per_ip=1)
    assert outcomes(lab, "good-1", "good-2", "bad") == ["created", "rate_limited", "captcha_failed"]


def test_a_retry_with_the_same_fields_passes_for_ten_minutes(lab: Lab, provider: Provider) -> None:
    lab.installation.save_rules(max_leads_per_ip=1)
    same: dict[str, Any] = {"message": "Once more"}
    outcomes(lab, "good-0")
    assert outcomes(lab, "good", **same) == ["rate_limited"]
    lab.installation.save_rules(max_leads_per_ip=9)
    assert outcomes(lab, "good", **same) == ["created"]
    lab.offset_ms = 599_000
    assert outcomes(lab, "good", **same) == ["created"]
    lab.offset_ms = 601_000
    assert outcomes(lab, "good", **same) == ["captcha_failed"]
    assert provider.asked.count("good") == 1


def test_a_token_passes_for_one_submission_only(lab: Lab, provider: Provider) -> None:
    assert outcomes(lab, "good") == ["created"]
    assert outcomes(lab, "good") == ["captcha_failed"]


def test_of_two_at_once_with_one_token_one_passes(lab: Lab) -> None:
    async def always(wanted: ToVerify, _submission: Submission) -> Verdict:
        return Verdict(wanted.rules, "passed")

    lab.verify = always
    lab.installation.save_rules(captcha=RULES)
    together = [lab.submission(extras={"captcha_token": "one"}) for _ in range(6)]
    found = sorted(each.outcome for each in lab.decide_at_once(*together))
    assert found == ["captcha_failed"] * 5 + ["created"]


def test_a_verdict_holds_only_for_the_rules_that_it_was_asked_under(lab: Lab) -> None:
    stricter = {**RULES, "min_score": 0.9}
    asked: list[float] = []

    async def changes_its_mind(wanted: ToVerify, _submission: Submission) -> Verdict:
        asked.append(wanted.rules.min_score)
        lab.installation.save_rules(captcha=stricter)  # the owner saves while the provider is being asked
        return Verdict(wanted.rules, "down" if len(asked) == 1 else "failed")

    lab.verify = changes_its_mind
    lab.installation.save_rules(captcha=RULES)
    assert outcomes(lab, "token") == ["captcha_failed"]
    assert asked == [0.5, 0.9]
