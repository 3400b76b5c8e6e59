"""A request that breaks off inside is still answered, and never with a promise that may be false."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from stagewise import settings
from stagewise.intake.app import Server
from stagewise.intake.replies import Replies
from stagewise.intake.server import make
from tests.support.installation import LEAD, Installation


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_reply_that_cannot_be_made_is_answered_as_an_unknown_outcome(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise ValueError("inner text")

    monkeypatch.setattr(Replies, "decision", fail)
    environment = {name: value for name, value in installation.environment().items() if name.startswith("STAGEWISE_")}
    chosen = settings.load(environment)
    body = json.dumps(LEAD).encode()
    headers = [(b"host", b"x"), (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    scope = {
        "type": "http", "method": "POST", "path": f"/public/v1/leads/{installation.key}", "query_string": b"",
        "headers": headers, "client": ("127.0.0.1", 1),
    }  # fmt: skip
    sent: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(event: Mapping[str, Any]) -> None:
        sent.append(event)

    async def steps() -> None:
        intake = await make(chosen)
        server = Server(lambda: make(chosen))
        server._intake = intake
        await server(scope, receive, send)
        await intake.ledger.stop()

    asyncio.run(steps())
    problem = json.loads(sent[1]["body"])
    assert (sent[0]["status"], problem["code"]) == (503, "outcome_unknown")
    assert "inner text" not in sent[1]["body"].decode()
    assert installation.count("lead") == 1
