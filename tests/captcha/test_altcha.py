"""ALTCHA: made, solved and checked on this machine."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import datetime, timedelta
from typing import Any

import altcha
import pytest
import time_machine
from stagewise_client import captcha

KEY = "a key for these tests alone"


def solve(challenge: dict[str, Any]) -> dict[str, Any]:
    """What a widget makes of a challenge, before it is encoded."""
    solution = altcha.solve_challenge(altcha.Challenge.from_dict(challenge))
    assert solution is not None
    return {"challenge": challenge, "solution": solution.to_dict()}


def token(payload: object) -> str:
    return base64.b64encode(json.dumps(payload).encode()).decode()


@pytest.fixture(scope="module")
def payload() -> dict[str, Any]:
    """One solved challenge for all tests that only look at it."""
    return solve(captcha.altcha_challenge(KEY, expires_s=7_200))


def reason(sent: object, key: str = KEY) -> str:
    return captcha.provider("altcha", secret=key).verify(sent if isinstance(sent, str) else token(sent)).reason


def test_a_solved_challenge_passes(payload: dict[str, Any]) -> None:
    verifier = captcha.provider("altcha", secret=KEY)
    assert verifier.verify(token(payload)) == captcha.Verdict(True)
    assert asyncio.run(verifier.verify_async(token(payload), address="198.51.100.7")).ok


def test_a_challenge_is_plain_json_with_a_bounded_amount_of_work() -> None:
    challenge = json.loads(json.dumps(captcha.altcha_challenge(KEY)))
    assert set(challenge) == {"parameters", "signature"}
    assert challenge["parameters"]["algorithm"] == "PBKDF2/SHA-256"
    assert 250 <= solve(challenge)["solution"]["counter"] < 1_250


def test_no_two_challenges_are_alike() -> None:
    assert captcha.altcha_challenge(KEY) != captcha.altcha_challenge(KEY)


def test_no_token_is_missing() -> None:
    assert [reason(""), reason(" ")] == ["missing", "missing"]


@pytest.mark.parametrize(
    "sent",
    [
        "no token",
        "\ud800",
        "W10=",
        token(None),
        token({}),
        token({"challenge": "x", "solution": "y"}),
        token({"challenge": {"parameters": {}, "signature": "ab"}, "solution": {}}),
        base64.b64encode(b"[" * 5_000).decode(),
        "A" * (captcha.TOKEN_LIMIT + 1),
    ],
)
def test_anything_else_fails(sent: str) -> None:
    assert reason(sent) == "failed"


def test_a_solution_that_is_none_fails(payload: dict[str, Any]) -> None:
    for changed in ({"derivedKey": "00" * 32}, {"derivedKey": None}, {"derivedKey": 7}, {"derivedKey": ""}):
        assert reason(payload | {"solution": payload["solution"] | changed}) == "failed"


def test_a_challenge_that_was_made_easier_fails(payload: dict[str, Any]) -> None:
    challenge = payload["challenge"]
    for changed in ({"cost": 1}, {"keyPrefix": ""}, {"expiresAt": 2**40}, {"nonce": 7}, {"keySignature": None}):
        easier = challenge | {"parameters": challenge["parameters"] | changed}
        assert reason(payload | {"challenge": easier}) == "failed"
    assert reason(payload | {"challenge": challenge | {"signature": None}}) == "failed"
    assert reason(payload | {"challenge": {"parameters": challenge["parameters"]}}) == "failed"


def test_a_challenge_made_with_another_key_fails(payload: dict[str, Any]) -> None:
    assert reason(payload, key="another key") == "failed"


def test_white_space_around_a_pasted_key_does_not_count(payload: dict[str, Any]) -> None:
    assert reason(payload, key=f" {KEY}\n") == ""
    assert reason(solve(captcha.altcha_challenge(f"{KEY}\n"))) == ""


def test_a_challenge_expires() -> None:
    with time_machine.travel(datetime.now().astimezone(), tick=False) as clock:
        sent = solve(captcha.altcha_challenge(KEY, expires_s=60))
        clock.shift(timedelta(seconds=59))
        assert reason(sent) == ""
        clock.shift(timedelta(seconds=3))
        assert reason(sent) == "expired"


def test_a_challenge_needs_a_key() -> None:
    with pytest.raises(ValueError, match="needs a key"):
        captcha.altcha_challenge(" ")


def test_one_solved_challenge_is_one_token_however_it_is_written(payload: dict[str, Any]) -> None:
    plain = token(payload)
    other_time = token(payload | {"solution": payload["solution"] | {"time": 12345}})
    other_spacing = base64.b64encode(json.dumps(payload, indent=2).encode()).decode()
    line_breaks = plain[:40] + "\n" + plain[40:]
    spellings = [plain, other_time, other_spacing, line_breaks]
    assert len(set(spellings)) == 4
    assert [reason(spelling) for spelling in spellings] == [""] * 4
    assert len({captcha.token_hash(spelling) for spelling in spellings}) == 1


def test_different_tokens_have_different_hashes(payload: dict[str, Any]) -> None:
    another = token(solve(captcha.altcha_challenge(KEY)))
    hashes = {captcha.token_hash(sent) for sent in (token(payload), another, "0.turnstile", "0.turnstilf", "\ud800")}
    assert len(hashes) == 5
    assert all(len(found) == 64 and int(found, 16) >= 0 for found in hashes)
