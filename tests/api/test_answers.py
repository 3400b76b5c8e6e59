"""What every answer of the API has, whatever goes wrong, and the document that promises it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from stagewise.api import problems
from stagewise.leads import finding
from tests.api.program import Program
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

OfUser = Callable[..., Program]

DOCS = Path(__file__).parent.parent.parent / "docs" / "read-api.md"


@pytest.fixture
def program(cast: Cast, of_user: OfUser) -> Program:
    return of_user(cast.agnes)


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Client().get("/api/v1/openapi.json").content)
    return found


@pytest.mark.parametrize(
    "path", ["", "/", "/leads/", "/lead", "/leads/5", "/leads/not-a-uuid", "/docs", "/lead-types/x", "/leads/../x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_other_paths_are_not_found_whoever_asks(program: Program, path: str, method: str) -> None:
    assert program.call(method, path).code == "not_found"
    assert Program(None, "").call(method, path).code == "not_found"


def test_a_lead_that_does_not_exist_is_not_found(program: Program) -> None:
    path = "/leads/00000000-0000-0000-0000-000000000000"
    for method, where, body in (
        ("GET", path, None),
        ("PATCH", path, {}),
        ("GET", f"{path}/notes", None),
        ("POST", f"{path}/notes", {"text": "x"}),
    ):
        assert program.call(method, where, body).code == "not_found"


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/leads", "GET, HEAD"), ("/leads/{}", "GET, HEAD, PATCH"), ("/leads/{}/notes", "GET, HEAD, POST"),
     ("/lead-types", "GET, HEAD"), ("/openapi.json", "GET, HEAD")],
)  # fmt: skip
@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "BREW"])
def test_other_methods_are_refused_with_those_that_there_are(
    cast: Cast, program: Program, path: str, methods: str, method: str
) -> None:
    answer = program.call(method, path.format(cast.acme.lead.public_id), Origin="https://evil.example")
    assert (answer.status, answer.code, answer.headers["Allow"]) == (405, "method_not_allowed", methods)
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]


def test_head_is_get_without_the_body(cast: Cast, program: Program) -> None:
    head, get = (program.call(method, f"/leads/{cast.acme.lead.public_id}") for method in ("HEAD", "GET"))
    assert (head.status, head.text, head.headers["ETag"]) == (200, "", get.headers["ETag"])
    assert int(head.headers["Content-Length"]) == len(get.text.encode())


@pytest.mark.parametrize("path", ["/leads", "/lead-types", "/nothing", "/openapi.json"])
def test_no_answer_is_kept_and_none_is_for_other_websites(program: Program, path: str) -> None:
    for answer in (program.get(path, Origin="https://evil.example"), Program(None, "").get(path)):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
        assert not [name for name in answer.headers if name.startswith("Access-Control-")]
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"{", "application/json", "invalid_json"),
        (b"\xff", "application/json", "invalid_json"),
        (b'{"stage": NaN}', "application/json", "invalid_json"),
        (b'{"stage": "\\ud800"}', "application/json", "invalid_json"),
        (b"[" * 5_000, "application/json", "invalid_json"),
        (b'{"stage": "Won"}', "text/plain", "unsupported_media_type"),
        (b'{"stage": "Won"}', "text/plain; application/json", "unsupported_media_type"),
        (b"stage=Won", "application/x-www-form-urlencoded", "unsupported_media_type"),
        (b'{"stage": "Won", "x": "' + b"x" * 65_536 + b'"}', "application/json", "too_large"),
        (b"", "application/json", "invalid_fields"),
    ],
)
def test_a_body_that_cannot_be_read_changes_nothing(
    cast: Cast, program: Program, body: bytes, kind: str, code: str
) -> None:
    path = f"/leads/{cast.acme.lead.public_id}"
    answer = program.call("PATCH", path, body, **{"Content-Type": kind})
    assert answer.code == code, answer.text
    assert program.get(path).json["stage"] == "New"


def test_our_own_mistake_tells_nothing_and_is_logged(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(finding, "find", fails)
    answer = program.get("/leads")
    assert (answer.status, answer.code) == (500, "internal_error")
    assert "secret" not in answer.text
    assert "secret detail" in caplog.text


def test_a_database_that_is_away_is_said_so(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(finding, "find", fails)
    answer = program.get("/leads")
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "unavailable", "5")


def test_a_host_that_is_not_ours_is_told_as_a_problem(db: None) -> None:
    answer = Client().get("/api/v1/leads", headers={"host": "evil.example"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_the_type_of_a_problem_leads_to_its_section(program: Program, settings: Settings) -> None:
    answer = program.get("/leads?limit=0")
    assert answer.json["type"] == f"{settings.OURS.public_url}/docs/read-api#invalid_parameters"


def test_every_problem_has_its_section_with_its_status() -> None:
    text = DOCS.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\w+)\n\n(\d{3}) ", text, re.MULTILINE))
    assert sections == {each.code: str(each.status) for each in problems.PROBLEMS.values()}


# The OpenAPI document


def test_the_document_is_for_everybody_and_names_every_operation() -> None:
    found = document()
    assert found["openapi"] == "3.1.0"
    operations = {
        f"{method.upper()} {path}": each["operationId"]
        for path, methods in found["paths"].items()
        for method, each in methods.items()
    }
    assert operations == {
        "GET /api/v1/leads": "listLeads",
        "GET /api/v1/leads/{lead_id}": "getLead",
        "PATCH /api/v1/leads/{lead_id}": "changeLead",
        "GET /api/v1/leads/{lead_id}/notes": "listNotes",
        "POST /api/v1/leads/{lead_id}/notes": "addNote",
        "GET /api/v1/lead-types": "listLeadTypes",
    }
    assert found["components"]["securitySchemes"]["Token"] == {"type": "http", "scheme": "bearer"}


def test_every_operation_declares_all_that_can_go_wrong() -> None:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            expected = {"201" if method == "post" else "200", "400", "401", "403", "422", "429", "500", "503"}
            expected |= {"404"} if "lead_id" in path else set()
            expected |= {"413", "415"} if method in {"post", "patch"} else set()
            expected |= {"409", "412"} if method == "patch" else set()
            assert set(operation["responses"]) == expected, (method, path)
            for status, response in operation["responses"].items():
                kind = "application/json" if status < "400" else "application/problem+json"
                assert set(response["content"]) == {kind}


def test_every_reference_within_the_document_leads_somewhere() -> None:
    found = document()
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(found)))
    assert names
    assert names <= set(found["components"]["schemas"])
    assert not re.findall(r"https?://(?!127\.0\.0\.1)", json.dumps(found))


def test_answers_hold_what_the_document_says(cast: Cast, program: Program) -> None:
    """Without a validator of schemas: the names of all properties, and which of them must be there."""
    schemas = document()["components"]["schemas"]
    path = f"/leads/{cast.acme.lead.public_id}"
    note = program.call("POST", f"{path}/notes", {"text": "x"}).json
    for name, shown in {
        "Lead": program.get(path).json,
        "LeadPage": program.get("/leads").json,
        "Note": note,
        "NotePage": program.get(f"{path}/notes").json,
        "LeadType": program.get("/lead-types").json["lead_types"][0],
        "ProblemDocument": program.get("/leads?limit=0").json,
        "FieldProblem": program.call("PATCH", path, {"stage": "x"}).json["errors"][0],
    }.items():
        assert set(schemas[name].get("required", [])) <= set(shown) <= set(schemas[name]["properties"]), name
