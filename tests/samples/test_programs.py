"""Every program for a website's server, on a real intake: what arrives, and what visitors see when it does not."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable

import pytest

from stagewise.samples import VARIABLE
from tests.samples.gate import Gate
from tests.samples.programs import Program, needed
from tests.support.installation import Installation
from tests.support.processes import Answer, free_port, request
from tests.support.shared import ROOT
from tests.support.waiting import eventually

BY_HAND = ["php", "node"]
WITH_CLIENT = ["fastapi", "flask", "django"]
ALL = [*BY_HAND, *WITH_CLIENT]

VISITOR = {"name": "Zoë Müller", "phone": "+49 30 901820", "email": "zoe@example.com", "message": "Hi\r\n<b>there</b>"}

Start = Callable[..., Program]


@pytest.fixture(scope="module", params=ALL)
def program(request: pytest.FixtureRequest, start_shared: Start, shared_gate: Gate) -> Program:
    """Each program in turn."""
    return start_shared(request.param, shared_gate.url)


def keeps_the_secret(program: Program, gate: Gate, answer: Answer) -> bool:
    """Whether neither the visitor nor the log has been told where the endpoint is."""
    told = f"{answer.headers} {answer.body.decode()} {program.output}"
    return not any(secret in told for secret in (gate.url, gate.url.rpartition("/")[2], "/public/v1", str(gate.port)))


def test_what_a_visitor_sends_becomes_a_lead(program: Program, gate: Gate, installation: Installation) -> None:
    answer = program.submit(VISITOR, Referer="https://www.example.com/contact")
    assert answer.status == 200
    assert "Thank you" in answer.body.decode()
    leads = installation.sql("SELECT name, phone, email, message FROM lead")
    assert leads == [("Zoë Müller", "+49 30 901820", "zoe@example.com", "Hi\n<b>there</b>")]
    assert keeps_the_secret(program, gate, answer)


def test_the_visitors_address_goes_along(program: Program, gate: Gate) -> None:
    program.submit(VISITOR, Referer="https://www.example.com/contact")
    assert [call.headers["stagewise-visitor-ip"] for call in gate.calls] == ["127.0.0.1"]
    assert json.loads(gate.calls[0].body)["page_url"] == "https://www.example.com/contact"


def test_what_only_a_machine_fills_in_goes_along(program: Program, gate: Gate) -> None:
    assert program.submit({**VISITOR, "_gotcha": "https://spam.example"}).status == 200
    assert json.loads(gate.calls[0].body)["_gotcha"] == "https://spam.example"


def test_a_visitor_who_forgot_something_is_told_what(program: Program, gate: Gate, installation: Installation) -> None:
    answer = program.submit({"name": " ", "message": "Hello"})
    assert answer.status == 422
    said = answer.body.decode()
    assert "name" in said
    assert "phone" in said
    assert "e-mail" in said
    assert gate.calls == []
    assert installation.count("lead") == 0


def test_a_wrong_email_address_is_said_before_anything_is_sent(program: Program, gate: Gate) -> None:
    answer = program.submit({**VISITOR, "email": "zoe@"})
    assert answer.status == 422
    assert "e-mail address" in answer.body.decode()
    assert gate.calls == []


def test_what_the_endpoint_finds_is_said_in_its_words(program: Program, gate: Gate) -> None:
    answer = program.submit({**VISITOR, "phone": "12"})
    assert answer.status == 422
    assert "phone" in answer.body.decode()
    assert len(gate.calls) == 1
    assert keeps_the_secret(program, gate, answer)


@pytest.mark.parametrize("trouble", ["busy", "lost"])
def test_tries_of_one_message_make_one_lead(
    program: Program, gate: Gate, installation: Installation, trouble: str
) -> None:
    gate.trouble = [trouble]
    assert program.submit(VISITOR).status == 200
    first, second = (call.headers["idempotency-key"] for call in gate.calls)
    assert first == second
    assert installation.count("lead") == 1


def test_two_messages_have_two_keys(program: Program, gate: Gate) -> None:
    program.submit(VISITOR)
    program.submit({**VISITOR, "message": "And another thing"})
    assert len({call.headers["idempotency-key"] for call in gate.calls}) == 2


def test_when_the_endpoint_refuses_the_server_only_the_log_says_why(
    program: Program, gate: Gate, installation: Installation
) -> None:
    installation.save_rules(allowed_ips=["203.0.113.7"])
    answer = program.submit(VISITOR)
    assert answer.status == 502
    assert "Sorry" in answer.body.decode()
    assert "IP" not in answer.body.decode()
    assert "ip_not_allowed" in program.output
    assert gate.answers[0].json()["request_id"] in program.output
    assert keeps_the_secret(program, gate, answer)


def test_a_visitor_over_the_limit_is_told_to_wait(program: Program, gate: Gate, installation: Installation) -> None:
    installation.save_rules(max_leads_per_ip=1)
    assert program.submit(VISITOR).status == 200
    answer = program.submit({**VISITOR, "message": "Once more"})
    assert answer.status == 429
    assert "several messages" in answer.body.decode()
    assert keeps_the_secret(program, gate, answer)


@pytest.mark.parametrize(
    "body",
    [
        b"name[]=a&phone[]=b&email[]=c",
        b"name=%ff%fe&phone=%00&email=%ed%a0%80@example.com",
        b'{"name": "Ada"}',
        b"=&&&==%%%",
        b"",
    ],
)
def test_nonsense_is_refused_politely(program: Program, gate: Gate, body: bytes) -> None:
    answer = program.submit_bytes(body)
    assert 400 <= answer.status < 500
    assert not any(word in answer.body.decode() for word in ("Traceback", "Warning", "Stack", " at "))
    assert keeps_the_secret(program, gate, answer)


def test_markup_of_a_visitor_is_never_markup_of_the_answer(program: Program) -> None:
    answer = program.submit({**VISITOR, "name": "<script>alert(1)</script>", "email": "<b>"})
    assert answer.status == 422
    assert "<script>" not in answer.body.decode()
    assert "<b>" not in answer.body.decode()


def test_whoever_just_looks_is_sent_to_the_form(program: Program) -> None:
    assert request(program.port, "GET", "/contact").status == 405


@pytest.mark.parametrize("name", BY_HAND)
def test_when_nobody_answers_the_visitor_reads_an_apology(name: str, start: Start, gate: Gate) -> None:
    nobody = f"http://127.0.0.1:{free_port()}{gate.path}"
    program = start(name, nobody)
    answer = program.submit(VISITOR)
    assert answer.status == 502
    assert "Sorry" in answer.body.decode()
    assert "status 0" in program.output
    assert nobody not in program.output
    assert keeps_the_secret(program, gate, answer)


def test_the_documentations_first_example_works_as_pasted(start: Start, gate: Gate, installation: Installation) -> None:
    line = re.search(r"^curl http://localhost:8080/contact .+$", text_of_page(), re.MULTILINE)
    assert line is not None
    program = start("php", gate.url)
    command = line[0].replace("localhost:8080", f"127.0.0.1:{program.port}")
    done = subprocess.run([needed("sh"), "-c", command], capture_output=True, text=True, timeout=30, check=True)
    assert "Thank you" in done.stdout
    assert installation.count("lead") == 1


def text_of_page() -> str:
    return (ROOT / "docs" / "samples.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_cannot_be_sent_is_kept_and_sent_later(start: Start, gate: Gate, installation: Installation) -> None:
    """Of all three at once, because each waits for ten seconds."""
    programs = {name: start(name, gate.url) for name in WITH_CLIENT}
    gate.trouble = ["busy"] * 2 * len(programs)
    for name, program in programs.items():
        answer = program.submit({**VISITOR, "name": name})
        assert answer.status == 200
        assert "Thank you" in answer.body.decode()
        assert keeps_the_secret(program, gate, answer)
    assert installation.count("lead") == 0
    eventually(lambda: installation.count("lead") == len(programs), within=60)
    assert sorted(installation.sql("SELECT name FROM lead")) == sorted((name,) for name in programs)
    keys = {(json.loads(call.body)["name"], call.headers["idempotency-key"]) for call in gate.calls}
    assert len(keys) == len(programs)


@pytest.mark.parametrize("name", BY_HAND)
def test_without_the_endpoints_url_the_developer_is_told(name: str, start: Start) -> None:
    program = start(name, "", ready=False)
    if name == "php":
        program.wait_until_ready()
        assert "Sorry" in program.submit(VISITOR).body.decode()
    else:
        assert program.popen.wait(20) == 2
    assert VARIABLE in program.output
