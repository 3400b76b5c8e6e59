"""What is sent, what is refused before it is sent, and what is never shown."""

from __future__ import annotations

import logging
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from stagewise_client import Client, ConfigError, StagewiseError

from tests.client.conftest import LEAD, MakeClient
from tests.client.double import DROP, KEY, PATH, Answer, Double, problem

URL = f"https://leads.example.com{PATH}"


def test_the_fields_are_sent_as_the_visitor_typed_them(double: Double, make_client: MakeClient) -> None:
    make_client(double.url).create_lead("  Zoë 🜁 ", "0", "", "a\r\nb", "Sales")
    (request,) = double.requests
    assert request.path == PATH
    assert request.json() == {
        "name": "  Zoë 🜁 ", "phone": "0", "email": "", "message": "a\r\nb", "lead_type_name": "Sales",
    }  # fmt: skip
    assert "🜁".encode() in request.body, "as UTF-8, which is shorter than escapes"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"].startswith("stagewise-client/")
    assert uuid.UUID(request.headers["idempotency-key"]).version == 4
    assert {"stagewise-test", "stagewise-visitor-ip", "cookie", "origin"}.isdisjoint(request.headers)


def test_what_is_not_given_is_not_sent(double: Double, make_client: MakeClient) -> None:
    make_client(double.url).create_lead(*LEAD)
    assert set(double.requests[0].json()) == {"name", "phone", "email"}


def test_signs_of_life_and_where_the_visitor_came_from_go_along(double: Double, make_client: MakeClient) -> None:
    query = {"utm_source": "news", "gclid": "", "name": "Mallory", "page": "2"}
    make_client(double.url).create_lead(
        *LEAD, attribution=query, captcha_token="token", gotcha="", elapsed_ms=4000
    )  # fmt: skip
    sent = double.requests[0].json()
    assert sent["name"] == "Ada Lovelace", "attribution never replaces a field"
    assert {name: value for name, value in sent.items() if name not in {"name", "phone", "email"}} == {
        "utm_source": "news", "captcha_token": "token", "_gotcha": "", "_elapsed_ms": 4000,
    }  # fmt: skip


def test_half_a_surrogate_pair_is_the_servers_to_refuse(double: Double, make_client: MakeClient) -> None:
    make_client(double.url).create_lead("\ud800", *LEAD[1:])
    assert b'"\\ud800"' in double.requests[0].body


@pytest.mark.parametrize(
    ("given", "sent"),
    [("203.0.113.7", "203.0.113.7"), (" 2001:DB8::1 ", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1")],
)
def test_a_visitors_address_goes_into_its_header(
    double: Double, make_client: MakeClient, given: str, sent: str
) -> None:
    make_client(double.url).create_lead(*LEAD, visitor_ip=given)
    make_client(double.url, visitor_ip="198.51.100.1").create_lead(*LEAD)
    make_client(double.url, visitor_ip="198.51.100.1").create_lead(*LEAD, visitor_ip=given)
    assert [each.headers["stagewise-visitor-ip"] for each in double.requests] == [sent, "198.51.100.1", sent]


def test_a_test_lead_says_so_and_may_name_the_answer_it_wants(double: Double, make_client: MakeClient) -> None:
    client = make_client(double.url, test=True)
    client.create_lead(*LEAD)
    client.create_lead(*LEAD, test="holding_full")
    client.create_lead(*LEAD, test=False)
    assert [each.headers.get("stagewise-test") for each in double.requests] == ["1", "holding_full", None]


def test_a_key_of_ones_own_is_used_as_it_is(double: Double, make_client: MakeClient) -> None:
    client = make_client(double.url)
    client.create_lead(*LEAD, idempotency_key="form 17")
    client.create_lead(*LEAD)
    client.create_lead(*LEAD)
    assert double.keys[0] == "form 17"
    assert len(set(double.keys)) == 3


@pytest.mark.parametrize(
    "url",
    [
        "",
        "leads.example.com" + PATH,
        "ftp://leads.example.com" + PATH,
        "https://" + PATH,
        "https://leads.example.com/public/v1/leads/<key>",
        "https://leads.example.com/public/v1/leads/",
        "https://leads.example.com/public/v1/leads/short",
        "https://leads.example.com",
        URL + "?a=b",
        URL + "#a",
        f"https://user:secret@leads.example.com{PATH}",
        f"https://leads.example.com:port{PATH}",
        f"https://[::1{PATH}",
        f"https://leads..example\x00{PATH}",
    ],
)
def test_a_url_that_cannot_be_an_endpoint_is_one_line_that_does_not_repeat_it(
    url: str, make_client: MakeClient
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_client(url)
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", [f"  {URL}\n", URL + "/", f"https://example.com:8443/leads{PATH}"])
def test_a_url_may_be_pasted_with_white_space_and_live_below_a_path(url: str, make_client: MakeClient) -> None:
    assert KEY not in repr(make_client(url))


@pytest.mark.parametrize(
    "settings",
    [
        {"timeout": 0},
        {"timeout": float("nan")},
        {"timeout": 10_000},
        {"retries": -1},
        {"retries": 100},
        {"visitor_ip": "203.0.113.7:80"},
        {"visitor_ip": ""},
        {"test": "Held!"},
        {"test": "1\r\nX: y"},
    ],
)
def test_a_setting_that_can_never_work_is_said_at_once(settings: dict[str, Any], make_client: MakeClient) -> None:
    with pytest.raises(ConfigError):
        make_client(URL, **settings)


@pytest.mark.parametrize(
    "argument",
    [
        {"idempotency_key": ""},
        {"idempotency_key": " "},
        {"idempotency_key": "ü"},
        {"idempotency_key": "x" * 256},
        {"idempotency_key": "a\r\nX: y"},
        {"visitor_ip": "unknown"},
        {"test": "no such thing"},
    ],
)
def test_an_argument_that_cannot_be_sent_is_said_before_anything_is(
    double: Double, make_client: MakeClient, argument: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match=r"^\S.*$"):
        make_client(double.url).create_lead(*LEAD, **argument)
    assert double.requests == []


@pytest.mark.parametrize("answer", [DROP, problem(403, "ip_not_allowed"), Answer(502, b""), Answer(200, b"")])
def test_neither_errors_nor_logs_show_the_url_or_what_was_typed(
    double: Double,
    make_client: MakeClient,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    no_backoff: None,
    answer: Answer,
) -> None:
    caplog.set_level(logging.DEBUG)
    double.script = [answer]
    with pytest.raises(StagewiseError) as caught:
        make_client(double.url).create_lead(*LEAD)
    assert not leaks(f"{caught.value} {caught.value!r} {caught.value.__cause__!r}")
    with suppress(StagewiseError):
        make_client(double.url, spool=tmp_path / "spool").create_lead(*LEAD)
    assert caplog.records
    assert not leaks(caplog.text)


def leaks(text: str) -> list[str]:
    return [secret for secret in (KEY, *LEAD) if secret in text]


def test_the_log_warns_where_leads_would_travel_unencrypted(caplog: pytest.LogCaptureFixture) -> None:
    for local in ("http://localhost:8000", "http://127.0.0.1", "http://[::1]:1", "http://10.0.0.5", "http://stagewise"):
        Client(local + PATH).close()
    Client(URL).close()
    assert caplog.messages == []
    Client(f"http://leads.example.com{PATH}").close()
    Client(f"http://8.8.8.8{PATH}").close()
    assert len(caplog.messages) == 2
