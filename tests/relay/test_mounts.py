"""The relay in Starlette, FastAPI, Flask and Django, by the one line that docs/relay.md gives for each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from tests.relay.conftest import ADA, MakeRelay, Visit
from tests.relay.double import Endpoint

FORM = "application/x-www-form-urlencoded"


class Answer(NamedTuple):
    """What a framework's own test client saw."""

    status: int
    headers: dict[str, str]
    body: bytes


#: method, path, body, headers → what came back
Ask = Callable[[str, str, bytes, dict[str, str]], Answer]


def in_starlette(visit: Visit) -> Ask:
    from starlette.applications import Starlette

    app = Starlette()
    app.mount("/contact", visit.relay.asgi)
    return _with_test_client(app)


def in_fastapi(visit: Visit) -> Ask:
    from fastapi import FastAPI

    app = FastAPI()
    app.mount("/contact", visit.relay.asgi)
    return _with_test_client(app)


def _with_test_client(app: Any) -> Ask:
    client = TestClient(app, client=("198.51.100.7", 50_000), base_url="http://www.example.com")

    def ask(method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        answer = client.request(method, path, content=body, headers=headers, follow_redirects=False)
        return Answer(answer.status_code, dict(answer.headers), answer.content)

    return ask


def in_flask(visit: Visit) -> Ask:
    from flask import Flask

    app = Flask(__name__)
    visit.relay.flask(app, "/contact")
    client = app.test_client()

    def ask(method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        answer = client.open(
            path,
            method=method,
            data=body,
            headers=headers,
            base_url="http://www.example.com",
            environ_base={"REMOTE_ADDR": "198.51.100.7"},
        )
        return Answer(answer.status_code, {name.lower(): value for name, value in answer.headers}, answer.data)

    return ask


def in_django(visit: Visit) -> Ask:
    from django.test import Client, override_settings
    from django.urls import re_path

    class Urls:
        urlpatterns = [re_path("^contact/(.*)$", visit.relay.django_view)]

    client = Client(enforce_csrf_checks=True)

    def ask(method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        headers = headers | {"Host": "www.example.com"}
        with override_settings(ROOT_URLCONF=Urls, ALLOWED_HOSTS=["www.example.com"], MIDDLEWARE=_MIDDLEWARE):
            answer = client.generic(
                method, path, body, headers.get("Content-Type", ""), headers=headers, REMOTE_ADDR="198.51.100.7"
            )
        return Answer(answer.status_code, {name.lower(): value for name, value in answer.items()}, answer.content)

    return ask


_MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]


@pytest.fixture(params=[in_starlette, in_fastapi, in_flask, in_django])
def ask(request: pytest.FixtureRequest, make_relay: MakeRelay) -> Ask:
    made: Ask = request.param(make_relay(captcha="altcha", min_seconds=0, success_urls=("/thank-you",)))
    return made


@pytest.fixture
def token(ask: Ask) -> str:
    import altcha

    challenge = altcha.Challenge.from_dict(json.loads(ask("GET", "/contact/challenge", b"", {}).body))
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return altcha.Payload(challenge, solution).to_base64()


def test_a_form_becomes_a_lead(ask: Ask, token: str, endpoint: Endpoint) -> None:
    answer = ask("POST", "/contact/", urlencode(ADA | {"altcha": token}).encode(), {"Content-Type": FORM})
    assert (answer.status, json.loads(answer.body)["ok"]) == (201, True)
    assert endpoint.calls[0].fields["message"] == ADA["message"]
    assert endpoint.calls[0].headers["stagewise-visitor-ip"] == "198.51.100.7"


def test_a_browser_is_sent_on_to_the_websites_page(ask: Ask, token: str) -> None:
    headers = {"Content-Type": FORM, "Accept": "text/html", "Origin": "https://www.example.com"}
    answer = ask("POST", "/contact/", urlencode(ADA | {"altcha": token}).encode(), headers)
    assert (answer.status, answer.headers["location"]) == (303, "/thank-you")


def test_a_script_is_told_what_is_missing(ask: Ask) -> None:
    answer = ask("POST", "/contact/", b"{}", {"Content-Type": "application/json", "Origin": "http://www.example.com"})
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.headers["access-control-allow-origin"] == "http://www.example.com"
    assert json.loads(answer.body)["code"] == "missing_fields"


def test_another_website_is_refused_before_and_after_it_asks(ask: Ask) -> None:
    headers = {"Content-Type": "application/json", "Origin": "https://evil.example"}
    assert ask("OPTIONS", "/contact/", b"", headers).status == 403
    assert ask("POST", "/contact/", b"{}", headers).status == 403


def test_health_script_and_nothing_else_are_there(ask: Ask) -> None:
    paths = ["/contact/health", "/contact/form.js", "/contact/memory.sqlite3"]
    assert [ask("GET", path, b"", {}).status for path in paths] == [200, 200, 404]
    assert ask("GET", "/contact/", b"", {}).status == 405


def test_a_long_body_is_refused(ask: Ask) -> None:
    assert ask("POST", "/contact/", b" " * 65_537, {"Content-Type": "application/json"}).status == 413


def speak(visit: Visit, *messages: dict[str, Any], scope: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Talk ASGI to a relay, and return what it sent."""
    spoken: list[dict[str, Any]] = []

    async def talk() -> None:
        waiting = list(messages)

        async def receive() -> Any:
            return waiting.pop(0) if waiting else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            spoken.append(message)

        plain: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": [], "client": None}
        await visit.relay.asgi(plain | (scope or {}), receive, send)

    asyncio.run(talk())
    return spoken


def test_a_body_that_never_ends_is_refused_in_time(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    from stagewise_client.relay import asgi

    monkeypatch.setattr(asgi, "BODY_TIMEOUT_S", 0.05)
    start, _ = speak(visit, {"type": "http.request", "body": b"{", "more_body": True})
    assert start["status"] == 408


def test_nobody_is_answered_who_has_gone(visit: Visit) -> None:
    assert speak(visit, {"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}) == []


def test_a_body_that_is_too_long_is_not_read_to_its_end(visit: Visit) -> None:
    piece = {"type": "http.request", "body": b" " * 40_000, "more_body": True}
    headers = [(b"content-type", b"application/json")]
    assert speak(visit, piece, piece, scope={"headers": headers})[0]["status"] == 413


def test_a_server_may_start_and_stop_the_relay_again_and_again(visit: Visit, endpoint: Endpoint) -> None:
    for _ in range(2):
        with TestClient(visit.relay.asgi, client=("198.51.100.7", 1)) as client:
            assert client.post("/", json=ADA).status_code == 201


def test_a_websocket_is_turned_away(visit: Visit) -> None:
    assert speak(visit, scope={"type": "websocket"}) == [{"type": "websocket.close"}]
