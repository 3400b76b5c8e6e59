"""A request in, an answer out: what visitors are told, what Stagewise gets, and what only the log knows."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from stagewise_client import Spool
from stagewise_client.relay import RelayRequest

from tests.relay.conftest import ADA, MakeRelay, Visit, header, said
from tests.relay.double import KEY, Endpoint

WEBSITE = "https://www.example.com"


def events(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(record.getMessage()) for record in caplog.records if record.name == "stagewise_client.relay"]


def test_a_scripts_form_becomes_a_lead(visit: Visit, endpoint: Endpoint) -> None:
    answer = visit.send()
    assert answer.status == 201
    assert said(answer) == {"ok": True, "request_id": header(answer, "X-Request-Id")}
    (call,) = endpoint.calls
    assert {name: call.fields[name] for name in ADA} == ADA
    assert call.headers["stagewise-visitor-ip"] == "198.51.100.7"
    assert "origin" not in call.headers


def test_a_plain_form_becomes_a_lead_and_a_page_says_thank_you(visit: Visit, endpoint: Endpoint) -> None:
    answer = visit.submit()
    assert (answer.status, header(answer, "Content-Type")) == (200, "text/html; charset=utf-8")
    assert b"<h1>Thank you</h1>" in answer.body
    assert endpoint.calls[0].fields["name"] == "Ada Lovelace"


def test_waiting_code_gets_the_same_answers(visit: Visit, endpoint: Endpoint) -> None:
    headers = [("content-type", "application/json")]
    request = RelayRequest("POST", "", headers, json.dumps(ADA).encode(), "198.51.100.7")
    assert asyncio.run(visit.relay.handle(request)).status == 201


def test_where_the_visitor_came_from_goes_along(visit: Visit, endpoint: Endpoint) -> None:
    visit.send(ADA | {"utm_source": "news", "gclid": "x1", "_elapsed_ms": "5000", "colour": "red", "test": "1"})
    visit.submit(Referer="https://www.example.com/contact")
    first, second = (call.fields for call in endpoint.calls)
    assert (first["utm_source"], first["gclid"], first["_elapsed_ms"]) == ("news", "x1", 5000)
    assert "colour" not in first
    assert "test" not in first
    assert second["page_url"] == "https://www.example.com/contact"


def test_the_visitors_address_can_stay_here(make_relay: MakeRelay, endpoint: Endpoint) -> None:
    make_relay(send_visitor_ip=False).send()
    assert "stagewise-visitor-ip" not in endpoint.calls[0].headers


def test_what_is_missing_is_said_field_by_field_and_nothing_is_sent(visit: Visit, endpoint: Endpoint) -> None:
    answer = visit.send({"name": "Ada", "email": "ada"})
    assert (answer.status, header(answer, "Content-Type")) == (422, "application/problem+json")
    assert said(answer) == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "Please fill in what is missing.",
        "code": "missing_fields",
        "request_id": header(answer, "X-Request-Id"),
        "errors": [
            {"field": "phone", "pointer": "/phone", "code": "required", "detail": "Please enter your phone number."},
            {
                "field": "email",
                "pointer": "/email",
                "code": "invalid_email",
                "detail": "This does not look like an e-mail address.",
            },
        ],
    }
    assert endpoint.calls == []


def test_the_endpoint_has_the_last_word_on_the_fields(visit: Visit, endpoint: Endpoint) -> None:
    wrong = [{"field": "phone", "pointer": "/phone", "code": "invalid_phone", "detail": "Our words."}]
    endpoint.refuse(422, "invalid_fields", errors=wrong)
    answer = visit.send()
    assert (answer.status, said(answer)["code"]) == (422, "invalid_fields")
    assert said(answer)["errors"][0]["detail"] == "This does not look like a phone number."
    endpoint.answer = None
    assert visit.send().status == 201


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "ip_not_allowed"),
        (403, "origin_required"),
        (404, "not_found"),
        (410, "endpoint_disabled"),
        (422, "captcha_failed"),
        (422, "idempotency_mismatch"),
        (400, "invalid_request"),
        (418, "a_code_of_tomorrow"),
    ],
)
def test_trouble_between_us_and_stagewise_is_told_to_the_log_and_not_to_the_visitor(
    status: int, code: str, visit: Visit, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.refuse(status, code)
    answer = visit.send()
    assert (answer.status, said(answer)["code"]) == (503, "unavailable")
    assert header(answer, "Retry-After") == "30"
    for secret in (code, "192.0.2.99", endpoint.url, KEY):
        assert secret not in answer.body.decode() + str(answer.headers)
    told = events(caplog)[-1]
    assert (told["outcome"], told["stagewise"], told["stagewise_request_id"]) == ("refused", code, "req-1")
    assert "192.0.2.99" in told["why"]
    assert caplog.records[-1].levelno == logging.ERROR


@pytest.mark.parametrize("settings", [{}, {"send_visitor_ip": False}])
@pytest.mark.parametrize("policy", ["leads-per-ip", "leads-per-server"])
def test_whose_limit_it_is_decides_what_the_visitor_is_told(
    settings: dict[str, Any], policy: str, make_relay: MakeRelay, endpoint: Endpoint
) -> None:
    figures = {
        "RateLimit-Policy": f'"{policy}";q=10;w=86400',
        "RateLimit": f'"{policy}";r=0;t=100',
        "Retry-After": "100",
    }
    endpoint.refuse(429, "rate_limited", figures)
    answer = make_relay(**settings).send()
    if policy == "leads-per-ip" and not settings:
        assert (answer.status, header(answer, "Retry-After")) == (429, "100")
    else:
        assert (answer.status, header(answer, "Retry-After")) == (503, "30")


def test_while_stagewise_is_away_the_lead_is_kept_and_sent_later(
    make_relay: MakeRelay, endpoint: Endpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint.refuse(503, "unavailable", {"Retry-After": "1"})
    visit = make_relay()
    answer = visit.send()
    assert (answer.status, said(answer)["ok"]) == (202, True)
    assert len(Spool(tmp_path / "relay" / "spool.sqlite3")) == 1
    assert events(caplog)[-1]["outcome"] == "kept"
    assert b"Thank you" in visit.submit().body


def test_a_held_lead_looks_like_any_other(visit: Visit, endpoint: Endpoint) -> None:
    endpoint.answer = (202, {"id": "0190a6f0-0000-7000-8000-000000000001", "held": True, "request_id": "req-1"}, {})
    answer = visit.send()
    assert (answer.status, set(said(answer))) == (201, {"ok", "request_id"})


def test_a_test_lead_passes_every_check_and_is_marked(visit: Visit, endpoint: Endpoint) -> None:
    answer = visit.send(Stagewise_Test="1")
    assert (answer.status, said(answer)["test"]) == (201, True)
    assert endpoint.calls[0].headers["stagewise-test"] == "1"
    assert visit.send({}, Stagewise_Test="1").status == 422


def test_a_test_that_the_relay_does_not_know_is_refused_before_anything_is_sent(
    visit: Visit, endpoint: Endpoint
) -> None:
    answer = visit.send(Stagewise_Test="held")
    assert (answer.status, said(answer)["code"]) == (400, "invalid_request")
    assert endpoint.calls == []


def test_a_trap_that_was_filled_in_is_refused_in_a_friendly_way(visit: Visit, endpoint: Endpoint) -> None:
    answer = visit.send(ADA | {"_gotcha": "http://spam.example"})
    assert (answer.status, said(answer)["code"], said(answer)["errors"]) == (422, "suspicious", [])
    assert visit.send(ADA | {"_gotcha": "  "}).status == 201
    assert len(endpoint.calls) == 1


@pytest.mark.parametrize(("elapsed", "status"), [(1_999, 422), ("1999", 422), (2_000, 201), ("", 201), ("soon", 201)])
def test_nobody_fills_a_form_in_that_quickly(elapsed: object, status: int, visit: Visit) -> None:
    assert visit.send(ADA | {"_elapsed_ms": elapsed}).status == status


def test_what_is_suspicious_can_be_sent_on_for_stagewise_to_hold(make_relay: MakeRelay, endpoint: Endpoint) -> None:
    answer = make_relay(suspicious="send").send(ADA | {"_gotcha": "spam", "_elapsed_ms": 100})
    assert answer.status == 201
    assert (endpoint.calls[0].fields["_gotcha"], endpoint.calls[0].fields["_elapsed_ms"]) == ("spam", 100)


def test_a_visitor_may_send_so_many_and_then_waits(make_relay: MakeRelay, endpoint: Endpoint) -> None:
    visit = make_relay(limit=2)
    answers = [visit.send(ADA | {"message": f"number {number}"}) for number in range(3)]
    assert [answer.status for answer in answers] == [201, 201, 429]
    assert 86_000 < int(header(answers[2], "Retry-After") or 0) <= 86_400
    assert visit.send(peer="198.51.100.8").status == 201
    assert len(endpoint.calls) == 3


def test_refused_submissions_do_not_count(make_relay: MakeRelay, endpoint: Endpoint) -> None:
    visit = make_relay(limit=1)
    endpoint.refuse(422, "invalid_fields", errors=[{"field": "phone", "code": "invalid_phone"}])
    assert visit.send().status == 422
    endpoint.answer = None
    assert visit.send().status == 201


def test_one_network_of_ipv6_is_one_visitor(make_relay: MakeRelay) -> None:
    visit = make_relay(limit=1)
    assert visit.send(ADA | {"message": "1"}, peer="2001:db8:1:2::1").status == 201
    assert visit.send(ADA | {"message": "2"}, peer="2001:db8:1:2:ffff::1").status == 429
    assert visit.send(ADA | {"message": "3"}, peer="2001:db8:1:3::1").status == 201


def test_a_repeat_with_the_same_key_is_one_submission(make_relay: MakeRelay, endpoint: Endpoint) -> None:
    visit = make_relay(limit=1)
    key = "0d9f6c1e-5a8b-4f0e-9d57-2b1c7e3a4f68"
    assert [visit.send(Idempotency_Key=key).status for _ in range(2)] == [201, 201]
    keys = {call.headers["idempotency-key"] for call in endpoint.calls}
    assert len(keys) == 1
    assert key not in keys


def test_the_same_key_with_corrected_fields_is_another_submission(visit: Visit, endpoint: Endpoint) -> None:
    visit.send(Idempotency_Key="k")
    visit.send(ADA | {"phone": "+49 30 123456"}, Idempotency_Key="k")
    assert len({call.headers["idempotency-key"] for call in endpoint.calls}) == 2


def test_the_visitor_behind_a_proxy_is_the_one_that_the_proxy_names(make_relay: MakeRelay, endpoint: Endpoint) -> None:
    visit = make_relay(trusted_proxies=("10.0.0.0/8",))
    visit.send(peer="10.0.0.1", X_Forwarded_For="192.0.2.1, 203.0.113.9")
    assert endpoint.calls[0].headers["stagewise-visitor-ip"] == "203.0.113.9"


def test_a_proxy_that_was_forgotten_admits_nobody_and_the_log_names_the_setting(
    visit: Visit, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    assert visit.send(peer="127.0.0.1", X_Forwarded_For="192.0.2.1").status == 503
    assert "STAGEWISE_RELAY_TRUSTED_PROXIES" in events(caplog)[-1]["why"]
    assert endpoint.calls == []


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
    [
        ("application/json", b"{", 400, "invalid_json"),
        ("text/plain", b"{}", 415, "unsupported_media_type"),
        ("application/json", b" " * 65_537, 413, "too_large"),
        ("multipart/form-data; boundary=b", b"x", 400, "invalid_request"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused(
    content_type: str, body: bytes, status: int, code: str, visit: Visit
) -> None:
    answer = visit.ask("POST", "/", body, Content_Type=content_type)
    assert (answer.status, said(answer)["code"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 405, "POST, OPTIONS"),
        ("PUT", "", 405, "POST, OPTIONS"),
        ("POST", "/health", 405, "GET, HEAD"),
        ("POST", "/challenge", 404, None),
        ("GET", "/challenge", 404, None),
        ("GET", "/memory.sqlite3", 404, None),
    ],
)
def test_there_is_nothing_else(method: str, path: str, status: int, allow: str | None, visit: Visit) -> None:
    answer = visit.ask(method, path)
    assert (answer.status, header(answer, "Allow")) == (status, allow)


def test_health_says_whether_the_directory_can_be_written(visit: Visit, tmp_path: Path) -> None:
    assert (visit.ask("GET", "/health").status, visit.ask("HEAD", "/health").body) == (200, b"")
    (tmp_path / "relay" / "memory.sqlite3").unlink()
    (tmp_path / "relay" / "memory.sqlite3").mkdir()
    answer = visit.ask("GET", "/health")
    assert (answer.status, said(answer)) == (503, {"status": "the relay's directory cannot be written"})
    assert visit.send(_elapsed_ms="9000").status == 503


def test_whatever_happens_the_visitor_gets_an_answer(
    visit: Visit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(sqlite3, "connect", fail)
    answer = visit.send()
    assert (answer.status, said(answer)["code"]) == (503, "unavailable")
    assert "mistake" not in answer.body.decode()
    assert events(caplog)[-1]["why"] == "RuntimeError"


def test_the_log_tells_what_happened_and_nothing_that_the_visitor_typed(
    visit: Visit, caplog: pytest.LogCaptureFixture, endpoint: Endpoint
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = visit.send()
        visit.send({"name": "Ada Lovelace", "phone": "+44 20", "email": "ada@example.com"})
    created, refused = (event for event in events(caplog) if event["event"] == "submission")
    assert created["request_id"] == header(answer, "X-Request-Id")
    assert (created["outcome"], created["visitor"], created["stagewise_request_id"]) == (
        "created",
        "198.51.100.7",
        "req-1",
    )
    assert (refused["outcome"], refused["code"], refused["fields"]) == (
        "refused",
        "invalid_fields",
        {"phone": "invalid_phone"},
    )
    for typed in (*ADA.values(), KEY):
        assert typed not in "".join(json.dumps(event) for event in events(caplog))


def test_the_script_for_forms_is_served(visit: Visit) -> None:
    answer = visit.ask("GET", "/form.js")
    assert (answer.status, header(answer, "Content-Type")) == (200, "text/javascript; charset=utf-8")
    assert b"data-stagewise-form" in answer.body
