"""The public contract over real HTTP: each answer's status, code, headers and body (docs/api.md)."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.installation import LEAD, Server
from tests.support.processes import Answer, request

EVERYBODY: dict[str, Any] = {
    "enabled": True, "allow_all_ips": True, "allowed_ips": [], "allowed_origins": [], "max_leads_per_ip": None,
}  # fmt: skip
SITE = "https://example.com"
Rules = Callable[..., None]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One lane on each database for all tests of this module; each sets the rules that it needs."""
    from tests.support import installation as installations

    made = installations.make(tmp_path_factory.mktemp("contract") / "data", request.param)
    yield made.intake(public_url="https://leads.example.org")
    installations.remove(made)


@pytest.fixture
def lane(shared: Server) -> Server:
    """The lane, open to everybody and without leads."""
    for table in ("lead", "hit", "attempt", "event", "bound_key"):
        shared.installation.sql(f"DELETE FROM {table}")
    shared.installation.save_rules(**EVERYBODY)
    return shared


@pytest.fixture
def rules(lane: Server) -> Rules:
    """Set rules of the endpoint, over "everybody"."""

    def save(**changed: Any) -> None:
        lane.installation.save_rules(**{**EVERYBODY, **changed})

    return save


def body(**changed: Any) -> bytes:
    """A lead's JSON; ``...`` leaves a field out."""
    return json.dumps({k: v for k, v in {**LEAD, **changed}.items() if v is not ...}).encode()


def assert_problem(answer: Answer, status: int, code: str, title: str) -> dict[str, Any]:
    """The one shape of every refusal (RFC 9457); returns the document."""
    problem: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status, problem["status"]) == (status, status)
    assert (problem["code"], problem["title"]) == (code, title)
    assert problem["type"] == f"https://leads.example.org/docs/errors/{code}"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert set(problem) == {"type", "title", "status", "detail", "code", "request_id", "errors"}
    assert "/public/v1/leads" not in answer.body.decode()
    assert_common(answer)
    return problem


def assert_common(answer: Answer) -> None:
    """What every answer of the application carries."""
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["x-request-id"]
    assert "set-cookie" not in answer.headers
    assert "access-control-allow-credentials" not in answer.headers


def stored(lane: Server) -> int:
    return lane.installation.count("lead")


def test_a_lead_is_created_and_answered_as_it_is_stored(lane: Server) -> None:
    answer = lane.post(body(name="  Zoë  ", message="a\r\nb", lead_type_name="sales"))
    assert answer.status == 201
    assert answer.headers["content-type"] == "application/json"
    assert_common(answer)
    lead = answer.json()
    assert list(lead) == [
        "id", "name", "phone", "phone_e164", "email", "message", "lead_type", "test", "created_at",
    ]  # fmt: skip
    assert uuid.UUID(lead["id"]).version == 7
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", lead.pop("created_at"))
    assert lead == {
        "id": lead["id"], "name": "Zoë", "phone": "+44 20 7946 0958", "phone_e164": "+442079460958",
        "email": "ada@example.com", "message": "a\nb", "lead_type": {"name": "Sales"}, "test": False,
    }  # fmt: skip
    row = lane.installation.sql("SELECT public_id, name, phone, email, message FROM lead")[0]
    assert uuid.UUID(str(row[0])) == uuid.UUID(lead["id"])
    assert row[1:] == ("Zoë", lead["phone"], lead["email"], "a\nb")


def test_an_absent_message_is_null(lane: Server) -> None:
    assert lane.post(body(message=...)).json()["message"] is None


MISSING = ("missing_fields", "Missing fields")
INVALID = ("invalid_fields", "Invalid request")


@pytest.mark.parametrize(
    ("sent", "refusal", "errors"),
    [
        ({"name": ..., "phone": None, "email": " "}, MISSING,
         [("name", "required"), ("phone", "required"), ("email", "blank")]),
        ({"name": "", "email": "nowhere"}, MISSING, [("name", "blank"), ("email", "invalid_email")]),
        ({"email": "nowhere", "phone": "call me"}, INVALID, [("phone", "invalid_phone"), ("email", "invalid_email")]),
        ({"name": "x" * 201, "message": "x" * 5001}, INVALID, [("name", "too_long"), ("message", "too_long")]),
        ({"phone": 14155552671}, INVALID, [("phone", "type")]),
        ({"message": ["a"]}, INVALID, [("message", "type")]),
        ({"lead_type_name": "Nonesuch"}, ("unknown_lead_type", "Invalid request"),
         [("lead_type_name", "unknown_lead_type")]),
    ],
)  # fmt: skip
def test_wrong_fields_are_all_named_at_once(
    lane: Server, sent: dict[str, Any], refusal: tuple[str, str], errors: list[tuple[str, str]]
) -> None:
    problem = assert_problem(lane.post(body(**sent)), 422, *refusal)
    assert [(error["field"], error["code"]) for error in problem["errors"]] == errors
    for error in problem["errors"]:
        assert error["pointer"] == f"/{error['field']}"
        assert error["detail"]
    assert stored(lane) == 0


@pytest.mark.parametrize("document", [b"[]", b"null", b'"text"', b"1", b"true", b"[" * 400 + b"]" * 400])
def test_json_that_is_no_object_is_unprocessable(lane: Server, document: bytes) -> None:
    problem = assert_problem(lane.post(document), 422, *INVALID)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("", "type")]


@pytest.mark.parametrize("document", [b"", b"{", b"{}{}", b"\xff", b'{"x":NaN}', b"[1,", b"[" * 600 + b"]" * 600])
def test_what_is_no_json_is_a_bad_request(lane: Server, document: bytes) -> None:
    assert_problem(lane.post(document), 400, "invalid_json", "Invalid request")


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/problem+json", "text/json",
     "application/json; charset=latin-1", "text/plain; application/json", ""],
)  # fmt: skip
def test_another_media_type_is_unsupported(lane: Server, media_type: str) -> None:
    answer = lane.post(body(), {"Content-Type": media_type})
    assert_problem(answer, 415, "unsupported_media_type", "Unsupported Media Type")
    assert stored(lane) == 0


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; Charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_json_is_taken_however_it_is_spelled(lane: Server, media_type: str) -> None:
    assert lane.post(body(), {"Content-Type": media_type}).status == 201


def test_a_compressed_body_is_unsupported(lane: Server) -> None:
    answer = lane.post(body(), {"Content-Encoding": "gzip"})
    assert_problem(answer, 415, "unsupported_media_type", "Unsupported Media Type")


def test_a_body_may_have_64_kib_and_not_a_byte_more(lane: Server) -> None:
    fits = body().ljust(65_536)
    assert lane.post(fits).status == 201
    assert_problem(lane.post(fits + b" "), 413, "too_large", "Content Too Large")
    assert stored(lane) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
def test_only_post_is_allowed(lane: Server, method: str) -> None:
    answer = request(lane.port, method, f"/public/v1/leads/{lane.installation.key}", None, {})
    assert answer.status == 405
    assert answer.headers["allow"] == "POST, OPTIONS"
    if method != "HEAD":
        assert_problem(answer, 405, "method_not_allowed", "Method Not Allowed")


@pytest.mark.parametrize("path", ["{key}x", "", "{key}/", "/{key}", "{key}%2f", "{key};x", "..%2f{key}", "%00{key}"])
def test_a_path_that_is_nearly_right_is_not_found(lane: Server, path: str) -> None:
    target = "/public/v1/leads/" + path.format(key=lane.installation.key)
    answer = request(lane.port, "POST", target, body(), {"Content-Type": "application/json"})
    assert_problem(answer, 404, "not_found", "Not Found")
    assert stored(lane) == 0


def test_a_long_target_and_long_headers_are_refused(lane: Server) -> None:
    path = f"/public/v1/leads/{lane.installation.key}?{'x' * 3_000}"
    answer = request(lane.port, "POST", path, body(), {"Content-Type": "application/json"})
    assert_problem(answer, 414, "uri_too_long", "URI Too Long")
    answer = lane.post(body(), {"X-Long": "x" * 17_000})
    assert_problem(answer, 431, "headers_too_large", "Request Header Fields Too Large")
    assert stored(lane) == 0


def test_an_empty_list_of_addresses_refuses_everybody_and_says_which_address_was_seen(
    lane: Server, rules: Rules
) -> None:
    rules(allow_all_ips=False)
    problem = assert_problem(lane.post_lead(), 403, "ip_not_allowed", "IP not allowed")
    assert "127.0.0.1" in problem["detail"]
    assert stored(lane) == 0


def test_an_address_on_the_list_may_call(lane: Server, rules: Rules) -> None:
    rules(allow_all_ips=False, allowed_ips=["127.0.0.0/8"])
    assert lane.post_lead().status == 201


def test_a_switched_off_endpoint_is_gone(lane: Server, rules: Rules) -> None:
    rules(enabled=False)
    assert_problem(lane.post_lead(), 410, "endpoint_disabled", "Gone")


def test_an_origin_must_equal_an_entry_byte_for_byte(lane: Server, rules: Rules) -> None:
    rules(allowed_origins=[SITE])
    allowed = lane.post_lead({"Origin": SITE})
    assert allowed.status == 201
    assert allowed.headers["access-control-allow-origin"] == SITE
    exposed = "Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Idempotency-Replayed"
    assert allowed.headers["access-control-expose-headers"] == exposed
    for origin in ("https://EXAMPLE.com", "null", "", f"{SITE}/", f"{SITE}:443", "https://www.example.com"):
        refused = lane.post_lead({"Origin": origin})
        assert_problem(refused, 403, "origin_not_allowed", "Request blocked")
        assert "access-control-allow-origin" not in refused.headers
    assert stored(lane) == 1


def test_with_origins_set_and_all_addresses_allowed_a_call_without_origin_is_for_listed_servers_only(
    lane: Server, rules: Rules
) -> None:
    rules(allowed_origins=[SITE])
    assert_problem(lane.post_lead(), 403, "origin_required", "Request blocked")
    rules(allowed_origins=[SITE], allowed_ips=["127.0.0.1"])
    assert lane.post_lead().status == 201


def test_scripts_of_an_allowed_origin_can_read_every_error(lane: Server, rules: Rules) -> None:
    rules(allowed_origins=[SITE], max_leads_per_ip=1)
    key = lane.installation.key
    for status, answer in [
        (201, lane.post_lead({"Origin": SITE})),
        (429, lane.post_lead({"Origin": SITE})),
        (422, lane.post(body(name=...), {"Origin": SITE})),
        (400, lane.post(b"{", {"Origin": SITE})),
        (415, lane.post(body(), {"Origin": SITE, "Content-Type": "text/plain"})),
        (413, lane.post(b" " * 70_000, {"Origin": SITE})),
        (405, request(lane.port, "PUT", f"/public/v1/leads/{key}", body(), {"Origin": SITE})),
    ]:
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == SITE


def preflight(lane: Server, origin: str | None, key: str | None = None) -> Answer:
    headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    if origin is not None:
        headers["Origin"] = origin
    return request(lane.port, "OPTIONS", f"/public/v1/leads/{key or lane.installation.key}", None, headers)


def test_a_preflight_depends_on_the_origins_only(lane: Server, rules: Rules) -> None:
    rules(allow_all_ips=False, allowed_ips=[], allowed_origins=[SITE], max_leads_per_ip=1)
    answer = preflight(lane, SITE)
    assert answer.status == 204
    assert answer.body == b""
    assert answer.headers["access-control-allow-origin"] == SITE
    assert answer.headers["access-control-allow-methods"] == "POST, OPTIONS"
    assert answer.headers["access-control-allow-headers"] == "Content-Type, Accept, Idempotency-Key"
    assert answer.headers["access-control-max-age"] == "600"
    assert_common(answer)
    refused = preflight(lane, "https://evil.example")
    assert_problem(refused, 403, "origin_not_allowed", "Request blocked")
    assert "access-control-allow-origin" not in refused.headers
    assert_problem(preflight(lane, SITE, "nonesuch" * 4), 404, "not_found", "Not Found")
    assert lane.installation.count("hit") == 0


def test_without_origins_configured_every_origin_may_read(lane: Server) -> None:
    assert preflight(lane, "https://anything.example").headers["access-control-allow-origin"] == "*"
    assert lane.post_lead({"Origin": "null"}).headers["access-control-allow-origin"] == "*"


def test_the_limit_is_told_in_headers_and_its_end_in_retry_after(lane: Server, rules: Rules) -> None:
    rules(max_leads_per_ip=2)
    first = lane.post_lead()
    assert first.headers["ratelimit-policy"] == '"leads-per-ip";q=2;w=86400'
    assert first.headers["ratelimit"] == '"leads-per-ip";r=1;t=86400'
    invalid = lane.post(body(email="nowhere"))
    assert invalid.headers["ratelimit"].startswith('"leads-per-ip";r=1;t=')
    lane.post_lead()
    refused = lane.post_lead()
    assert_problem(refused, 429, "rate_limited", "Too Many Requests")
    assert 86_390 <= int(refused.headers["retry-after"]) <= 86_400
    assert refused.headers["ratelimit"] == f'"leads-per-ip";r=0;t={refused.headers["retry-after"]}'


def test_before_the_first_lead_there_is_no_time_to_wait_for(lane: Server, rules: Rules) -> None:
    rules(max_leads_per_ip=5)
    assert lane.post(body(email="nowhere")).headers["ratelimit"] == '"leads-per-ip";r=5'


def test_without_a_limit_there_are_no_such_headers(lane: Server) -> None:
    assert "ratelimit" not in lane.post_lead().headers


def test_a_replay_is_marked_and_uses_no_slot(lane: Server, rules: Rules) -> None:
    rules(max_leads_per_ip=2)
    first = lane.post_lead({"Idempotency-Key": "a-1"})
    again = lane.post_lead({"Idempotency-Key": '"a-1"'})
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert again.headers["ratelimit"].startswith('"leads-per-ip";r=1;')
    other = lane.post(body(name="Bob"), {"Idempotency-Key": "a-1"})
    assert_problem(other, 422, "idempotency_mismatch", "Invalid request")
    assert stored(lane) == 1


@pytest.mark.parametrize("key", ["", " ", '""', "x" * 256, "\xfc"])
def test_an_unusable_idempotency_key_is_a_bad_request(lane: Server, key: str) -> None:
    assert_problem(lane.post_lead({"Idempotency-Key": key}), 400, "invalid_request", "Invalid request")
    assert stored(lane) == 0


def test_nobody_learns_from_an_error_what_the_rules_in_front_hide(lane: Server, rules: Rules) -> None:
    everything_wrong = {"Content-Type": "text/plain", "Idempotency-Key": "", "Origin": "https://evil.example"}
    rules(enabled=False, allow_all_ips=False, allowed_origins=[SITE])
    expected = ["endpoint_disabled", "ip_not_allowed", "origin_not_allowed", "unsupported_media_type"]
    seen = [lane.post(b"{", everything_wrong).json()["code"]]
    rules(allow_all_ips=False, allowed_origins=[SITE])
    seen.append(lane.post(b"{", everything_wrong).json()["code"])
    rules(allowed_origins=[SITE])
    seen.append(lane.post(b"{", everything_wrong).json()["code"])
    rules()
    seen.append(lane.post(b"{", everything_wrong).json()["code"])
    assert seen == expected
    headers = {"Idempotency-Key": ""}
    assert lane.post(b"{", headers).json()["code"] == "invalid_json"
    assert lane.post(body(name=...), headers).json()["code"] == "invalid_request"
    assert lane.post(body(name=..., lead_type_name="Nonesuch")).json()["code"] == "missing_fields"


def test_a_rotated_key_works_beside_the_new_one_for_its_overlap(lane: Server) -> None:
    old = lane.installation.key
    new = lane.installation.json("endpoint", "rotate-key", "My website", "--overlap", "24")["key"]
    assert {lane.post(body(), key=key).status for key in (old, new)} == {201}
    lane.installation.sql("UPDATE endpoint_key SET retires_at = 1 WHERE key = ?", old)
    assert_problem(lane.post(body(), key=old), 410, "endpoint_disabled", "Gone")
    lane.installation.sql("UPDATE endpoint_key SET retires_at = NULL WHERE key = ?", old)
    lane.installation.sql("DELETE FROM endpoint_key WHERE key = ?", new)


@pytest.mark.parametrize("code", ["ip_not_allowed", "invalid_json", "rate_limited"])
def test_the_page_of_an_error_is_served_where_the_problem_says(lane: Server, code: str) -> None:
    answer = request(lane.port, "GET", f"/docs/errors/{code}")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert code in answer.body.decode()


def test_the_openapi_document_is_served(lane: Server) -> None:
    assert request(lane.port, "GET", "/openapi.json").json()["openapi"].startswith("3.1")


def test_health_says_that_the_lane_lives_and_can_write(lane: Server) -> None:
    assert request(lane.port, "GET", "/healthz").status == 200
    assert request(lane.port, "GET", "/readyz").status == 200


def test_metrics_are_for_this_machine_only(lane: Server) -> None:
    lane.post_lead()
    assert b'stagewise_calls_total{outcome="created"}' in request(lane.port, "GET", "/metrics").body
    assert request(lane.port, "GET", "/metrics", None, {"X-Forwarded-For": "192.0.2.1"}).status == 404


def test_there_is_nothing_else(lane: Server) -> None:
    assert_problem(request(lane.port, "GET", "/"), 404, "not_found", "Not Found")
