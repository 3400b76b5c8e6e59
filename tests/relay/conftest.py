"""An endpoint, relays that send to it, and a visitor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from stagewise_client.relay import Relay, RelayConfig, RelayRequest, RelayResponse

from tests.captcha import double as captchas
from tests.relay import double

#: What a visitor types.
ADA = {"name": "Ada Lovelace", "phone": "+44 20 7946 0018", "email": "ada@example.com", "message": "Please call me."}

MakeRelay = Callable[..., "Visit"]


class Visit:
    """A relay, and the requests that visitors make to it."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay

    def ask(
        self, method: str, path: str = "/", body: bytes = b"", peer: str | None = "198.51.100.7", **headers: str
    ) -> RelayResponse:
        named = [("Host", "relay.example.com")] + [(name.replace("_", "-"), value) for name, value in headers.items()]
        return self.relay.respond(RelayRequest(method, path, named, body, peer))

    def send(
        self, fields: dict[str, Any] | None = None, peer: str | None = "198.51.100.7", **headers: str
    ) -> RelayResponse:
        """A script's request."""
        body = json.dumps(ADA if fields is None else fields).encode()
        return self.ask("POST", "/", body, peer, Content_Type="application/json", **headers)

    def submit(self, fields: dict[str, str] | None = None, **headers: str) -> RelayResponse:
        """A browser's request, without a script."""
        body = urlencode(ADA if fields is None else fields).encode()
        return self.ask(
            "POST", "/", body, Content_Type="application/x-www-form-urlencoded", Accept="text/html,*/*;q=0.8", **headers
        )


def said(answer: RelayResponse) -> dict[str, Any]:
    """The JSON object of an answer."""
    found = json.loads(answer.body)
    assert isinstance(found, dict)
    return found


def header(answer: RelayResponse, name: str) -> str | None:
    return dict(answer.headers).get(name)


@pytest.fixture
def endpoint() -> Iterator[double.Endpoint]:
    with double.running() as running:
        yield running


@pytest.fixture
def service() -> Iterator[captchas.SiteVerifyDouble]:
    """A CAPTCHA provider."""
    with captchas.running() as running:
        yield running


@pytest.fixture
def make_relay(endpoint: double.Endpoint, tmp_path: Path) -> Iterator[MakeRelay]:
    """Relays of this directory, without a CAPTCHA unless it is asked for; closed after the test."""
    made: list[Relay] = []

    def make(**settings: Any) -> Visit:
        chosen: dict[str, Any] = {"url": endpoint.url, "data_dir": tmp_path / "relay", "captcha": "none"}
        chosen.update(settings)
        relay = Relay(RelayConfig(**chosen))
        made.append(relay)
        return Visit(relay)

    yield make
    for relay in made:
        relay.close()


@pytest.fixture
def visit(make_relay: MakeRelay) -> Visit:
    return make_relay()
