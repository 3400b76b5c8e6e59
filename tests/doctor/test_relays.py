"""The doctor at what takes a website's form: our relay, our samples, and programs with faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from stagewise.doctor import Report, Target, examine
from tests.doctor.conftest import Place
from tests.doctor.test_endpoint import found, states
from tests.samples.programs import Program
from tests.support.double import Call, plain, serving
from tests.support.processes import Answer

Start = Callable[[str], Program]


@pytest.fixture
def start(place: Place, tmp_path: Path) -> Iterator[Start]:
    """``start("php")`` starts a sample that sends to the real endpoint."""
    started: list[Program] = []

    def start(name: str) -> Program:
        program = Program(name, tmp_path / name, place.url)
        started.append(program)
        program.wait_until_ready()
        return program

    yield start
    for program in started:
        program.end()


def look(port: int, path: str = "/contact") -> Report:
    return examine(Target(f"http://127.0.0.1:{port}{path}", timeout=20))


@pytest.mark.parametrize("name", ["php", "node", "flask"])
def test_our_samples_are_in_order_and_get_nothing_to_send_on(name: str, place: Place, start: Start) -> None:
    report = look(start(name).port)
    assert report.kind == "relay"
    assert set(states(report).values()) == {"ok", "skipped"}
    assert found(report, "valid_data").state == "skipped"
    assert place.installation.count("lead") == 0


def test_our_relay_is_in_order_and_passes_a_test_lead_on(place: Place, start: Start) -> None:
    report = look(start("flask-relay").port, "/contact/")
    assert report.kind == "relay"
    assert set(states(report).values()) == {"ok"}
    assert "passed on" in found(report, "valid_data").seen
    assert place.test_leads() == report.test_leads == 1
    assert place.real_leads() == 0


def test_a_relay_whose_endpoint_refuses_it_says_so_to_the_doctor_only_by_its_log(place: Place, start: Start) -> None:
    relay = start("flask-relay")
    place.installation.save_rules(allowed_ips=["203.0.113.7"])
    report = look(relay.port, "/contact/")
    finding = found(report, "valid_data")
    assert finding.state == "failed"
    assert "log" in finding.todo
    assert "ip_not_allowed" in relay.output
    assert found(report, "error_secrets").state == "ok"


def relay_with_tests(call: Call, status: int = 201, **answer: object) -> Answer:
    """A relay that knows test calls."""
    test = call.headers.get("stagewise-test")
    json_type = {"content-type": "application/problem+json"}
    if test not in {"1", None}:
        return Answer(400, json_type, b'{"code": "invalid_request", "type": "about:blank"}')
    body = call.body if call.body.startswith(b"{") else b"{}"
    if b"doctor@example.com" not in body:
        return Answer(422, json_type, b'{"code": "missing_fields", "type": "about:blank"}')
    return Answer(status, {"content-type": "application/json"}, json.dumps(answer).encode())


@pytest.mark.parametrize(
    ("status", "answer", "check", "state"),
    [
        (201, {"ok": True, "test": True}, "valid_data", "ok"),
        (201, {"ok": True}, "real_lead", "failed"),
        (202, {"ok": True, "test": True}, "valid_data", "failed"),
        (422, {"code": "captcha_failed"}, "valid_data", "warning"),
        (503, {"code": "unavailable"}, "valid_data", "failed"),
    ],
)
def test_a_relay_that_knows_test_calls_gets_a_good_lead(
    status: int, answer: dict[str, object], check: str, state: str
) -> None:
    with serving(lambda call: relay_with_tests(call, status, **answer)) as port:
        assert states(look(port))[check] == state


def website(call: Call, *, leak: str = "", broken: Answer | None = None, careless: bool = False) -> Answer:
    """A program that takes a form, with faults on demand."""
    if call.method != "POST":
        return plain(405)
    form = parse_qs(call.body.decode("utf-8", "replace"))
    wrong = len(call.body) > 65_536 or set(form) < {"name", "phone", "email"} or form["email"][0].endswith("@")
    if wrong and broken is not None:
        return broken
    return plain(422 if wrong and not careless else 200, f"Please look again. {leak}")


def test_a_program_without_faults_is_in_order() -> None:
    with serving(website) as port:
        assert not look(port).failed


@pytest.mark.parametrize(
    "leak",
    [
        "https://leads.example.com/public/v1/leads/abc",
        "Traceback (most recent call last):",
        "<b>Warning</b>: Undefined array key",
    ],
)
def test_what_visitors_should_not_read_is_found(leak: str) -> None:
    with serving(lambda call: website(call, leak=leak)) as port:
        report = look(port)
    assert found(report, "error_secrets").state == "failed"
    assert leak not in report.as_text()


def test_a_program_that_breaks_is_found() -> None:
    with serving(lambda call: website(call, broken=plain(500, "Internal Server Error"))) as port:
        report = look(port)
    assert report.kind == "relay"
    assert states(report)["missing_fields"] == "failed"
    assert states(report)["too_large"] == "failed"


def test_a_program_that_checks_nothing_is_not_taken_for_a_relay() -> None:
    with serving(lambda call: website(call, careless=True)) as port:
        assert look(port).kind == "unknown"


def test_a_program_that_answers_mistakes_by_a_redirect_is_asked_to_think_again() -> None:
    with serving(lambda call: website(call, broken=plain(303, location="/contact?error"))) as port:
        report = look(port)
    assert report.kind == "relay"
    assert states(report)["invalid_email"] == "warning"
    assert "redirect" in found(report, "invalid_email").todo


def test_a_program_that_every_website_may_call_is_a_warning() -> None:
    def generous(call: Call) -> Answer:
        if call.method == "OPTIONS":
            return plain(204, access_control_allow_origin="*")
        return website(call)

    with serving(generous) as port:
        assert states(look(port))["cors_foreign"] == "warning"
