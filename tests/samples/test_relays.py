"""The relay inside the three frameworks, one line each, on a real intake."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import altcha
import pytest

from tests.samples.gate import Gate
from tests.samples.programs import Program
from tests.support.installation import Installation
from tests.support.processes import Answer, request

Start = Callable[..., Program]

VISITOR = {"name": "Zoë Müller", "phone": "+49 30 901820", "email": "zoe@example.com", "message": "Hi"}


@pytest.fixture(scope="module", params=["fastapi-relay", "flask-relay", "django-relay"])
def relay(request: pytest.FixtureRequest, start_shared: Start, shared_gate: Gate) -> Program:
    """Each in turn."""
    return start_shared(request.param, shared_gate.url)


def send(relay: Program, fields: dict[str, Any]) -> Answer:
    body = json.dumps(fields).encode()
    return request(relay.port, "POST", "/contact/", body, {"Content-Type": "application/json"})


def token_of(relay: Program) -> str:
    """What the form's script does: get a challenge, do the work."""
    challenge = altcha.Challenge.from_dict(request(relay.port, "GET", "/contact/challenge").json())
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return altcha.Payload(challenge, solution).to_base64()


def test_a_form_whose_browser_has_done_the_work_becomes_a_lead(
    relay: Program, gate: Gate, installation: Installation
) -> None:
    answer = send(relay, {**VISITOR, "captcha_token": token_of(relay), "_elapsed_ms": 20_000})
    assert answer.status == 201
    assert installation.sql("SELECT name, email FROM lead") == [("Zoë Müller", "zoe@example.com")]
    assert gate.calls[0].headers["stagewise-visitor-ip"] == "127.0.0.1"
    told = f"{answer.headers} {answer.body.decode()} {relay.output}"
    assert not any(secret in told for secret in (gate.path, gate.path.rpartition("/")[2], str(gate.port)))


def test_a_form_without_the_work_is_refused(relay: Program, gate: Gate) -> None:
    answer = send(relay, VISITOR)
    assert answer.status == 422
    assert answer.json()["code"] == "captcha_failed"
    assert gate.calls == []


def test_missing_fields_are_named(relay: Program, gate: Gate) -> None:
    answer = send(relay, {"message": "Hello"})
    assert answer.json()["code"] == "missing_fields"
    assert [each["field"] for each in answer.json()["errors"]] == ["name", "phone", "email"]
    assert gate.calls == []


def test_the_forms_script_comes_from_the_relay(relay: Program, gate: Gate) -> None:
    answer = request(relay.port, "GET", "/contact/form.js")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert str(gate.port) not in answer.body.decode()
