"""The CAPTCHA in the relay: asked for, used once, and no obstacle to a retry."""

from __future__ import annotations

from typing import Any

import altcha
import pytest
from stagewise_client import captcha

from tests.captcha.double import SECRET, SiteVerifyDouble
from tests.relay.conftest import ADA, MakeRelay, Visit, said
from tests.relay.double import Endpoint


def solved(visit: Visit) -> str:
    """What a widget makes of the relay's challenge."""
    challenge = altcha.Challenge.from_dict(said(visit.ask("GET", "/challenge")))
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return altcha.Payload(challenge, solution).to_base64()


@pytest.fixture
def guarded(make_relay: MakeRelay) -> Visit:
    """A relay with ALTCHA."""
    return make_relay(captcha="altcha")


@pytest.fixture
def remote(make_relay: MakeRelay, service: SiteVerifyDouble) -> Visit:
    """A relay with Turnstile."""
    return make_relay(captcha="turnstile", captcha_secret=SECRET, captcha_url=service.url)


def test_altcha_is_the_default_and_its_challenge_comes_from_the_relay(guarded: Visit, endpoint: Endpoint) -> None:
    assert guarded.send(ADA | {"altcha": solved(guarded)}).status == 201
    assert "captcha_token" not in endpoint.calls[0].fields
    assert "altcha" not in endpoint.calls[0].fields


@pytest.mark.parametrize("extra", [{}, {"altcha": ""}, {"captcha_token": "made up"}, {"g-recaptcha-response": "x"}])
def test_without_a_good_token_nothing_is_sent(extra: dict[str, str], guarded: Visit, endpoint: Endpoint) -> None:
    answer = guarded.send(ADA | extra)
    assert (answer.status, said(answer)["code"]) == (422, "captcha_failed")
    assert [error["field"] for error in said(answer)["errors"]] == ["captcha_token"]
    assert endpoint.calls == []


def test_a_token_is_good_for_one_submission(guarded: Visit, endpoint: Endpoint) -> None:
    token = solved(guarded)
    assert guarded.send(ADA | {"captcha_token": token}).status == 201
    answer = guarded.send(ADA | {"captcha_token": token, "message": "another one"})
    assert (answer.status, said(answer)["code"]) == (422, "captcha_failed")
    assert len(endpoint.calls) == 1


def test_a_retry_of_the_same_submission_passes_with_the_same_token_and_is_no_second_lead(
    guarded: Visit, endpoint: Endpoint
) -> None:
    token = solved(guarded)
    assert [guarded.send(ADA | {"captcha_token": token}).status for _ in range(2)] == [201, 201]
    assert len({call.headers["idempotency-key"] for call in endpoint.calls}) == 1


def test_a_second_process_knows_the_tokens_that_the_first_has_seen(make_relay: MakeRelay, guarded: Visit) -> None:
    token = solved(guarded)
    guarded.send(ADA | {"captcha_token": token})
    other = make_relay(captcha="altcha")
    assert other.send(ADA | {"captcha_token": token, "name": "Bob"}).status == 422
    assert other.send(ADA | {"captcha_token": solved(guarded), "name": "Bob"}).status == 201


def test_correcting_a_field_needs_no_new_token(remote: Visit, endpoint: Endpoint, service: SiteVerifyDouble) -> None:
    assert remote.send(ADA | {"captcha_token": "t", "email": "wrong"}).status == 422
    assert service.questions == []
    endpoint.refuse(422, "invalid_fields", errors=[{"field": "phone", "code": "invalid_phone"}])
    assert remote.send(ADA | {"captcha_token": "t"}).status == 422
    endpoint.answer = None
    service.answer = {"success": False, "error-codes": ["timeout-or-duplicate"]}
    assert remote.send(ADA | {"captcha_token": "t", "phone": "+49 30 123456"}).status == 201
    assert len(service.questions) == 1


def test_a_providers_own_field_name_is_understood(remote: Visit, service: SiteVerifyDouble) -> None:
    assert remote.submit(ADA | {"cf-turnstile-response": "t"}).status == 200
    assert service.questions == [{"secret": SECRET, "response": "t", "remoteip": "198.51.100.7"}]


@pytest.mark.parametrize(("if_down", "status"), [("refuse", 503), ("admit", 201)])
def test_the_owner_decides_what_happens_while_the_provider_is_down(
    if_down: str, status: int, make_relay: MakeRelay, service: SiteVerifyDouble
) -> None:
    service.status, service.answer = 502, b"Bad Gateway"
    settings: dict[str, Any] = {"captcha": "hcaptcha", "captcha_secret": SECRET, "captcha_url": service.url}
    answer = make_relay(**settings, captcha_if_down=if_down).send(ADA | {"h-captcha-response": "t"})
    assert answer.status == status
    assert status == 201 or said(answer)["code"] == "captcha_unavailable"


def test_a_challenge_is_for_this_relay_alone(guarded: Visit) -> None:
    stranger = captcha.altcha_challenge("another key")
    solution = altcha.solve_challenge(altcha.Challenge.from_dict(stranger))
    assert solution is not None
    token = altcha.Payload(altcha.Challenge.from_dict(stranger), solution).to_base64()
    assert guarded.send(ADA | {"altcha": token}).status == 422


def test_a_limit_that_is_reached_does_not_cost_the_token(make_relay: MakeRelay) -> None:
    visit = make_relay(captcha="altcha", limit=1)
    assert visit.send(ADA | {"altcha": solved(visit)}).status == 201
    token = solved(visit)
    assert visit.send(ADA | {"altcha": token, "message": "2"}).status == 429
    assert visit.send(ADA | {"altcha": token, "message": "2"}, peer="198.51.100.8").status == 201


def test_a_challenge_is_not_given_to_other_websites(guarded: Visit) -> None:
    assert guarded.ask("GET", "/challenge", Origin="https://evil.example").status == 403
    assert guarded.ask("GET", "//challenge", Origin="https://relay.example.com").status == 200
