"""Webhooks: what a receiver gets, how it verifies it, and what its answer means."""

from __future__ import annotations

import base64
import json
import random
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import standardwebhooks
from django.test import override_settings

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Workspace
from stagewise.core.ids import uuid7
from stagewise.notify import actions, outbound
from stagewise.notify.channels import OpenChannel, Outcome, kind
from stagewise.notify.channels.webhook import signing
from stagewise.notify.models import Delivery
from stagewise.notify.outbound import Outbound
from tests.notify.outgoing.sinks import Sink, say

Shared = Callable[..., Outbound]
PAYLOAD: dict[str, Any] = {
    "type": "lead.created",
    "id": str(uuid7(1_790_000_000_000)),
    "timestamp": "2026-09-21T13:33:20.000Z",
    "data": {"name": "Zoë <b>", "message": "a\u2028b \U0001f600"},
}


def deliver(url: str, secret: str = "", old_secret: str | None = None) -> Outcome:
    channel = OpenChannel(1, "Hook", url, {}, secret or signing.new_secret(), old_secret)
    return kind("webhook").deliver(channel, Delivery(kind="lead.created"), PAYLOAD)


# What is saved


def test_a_url_is_kept_with_a_new_secret_each_time(shared: Shared) -> None:
    shared(resolve=lambda _name, _port: [("93.184.215.14", 443)])
    first, second = (kind("webhook").check("  https://hooks.example.com/x ", {}) for _ in range(2))
    assert first.target == "https://hooks.example.com/x"
    assert first.secret != second.secret
    assert 24 <= len(base64.b64decode((first.secret or "").removeprefix("whsec_"))) <= 64


@pytest.mark.parametrize("url", ["", "   ", "hooks.example.com", "https://127.0.0.1/", "http://10.0.0.1/hook"])
def test_a_url_that_cannot_be_called_is_refused_beside_its_field(url: str, shared: Shared) -> None:
    shared()
    with pytest.raises(ActionError) as told:
        kind("webhook").check(url, {})
    assert list(told.value.problems) == ["target"]


# Signatures


def test_a_receiver_verifies_what_it_gets_with_the_standards_own_library(sink: Sink, shared: Shared) -> None:
    shared("127.0.0.1")
    secret = signing.new_secret()
    assert deliver(sink.url, secret) == Outcome(status=200)
    (got,) = sink.requests
    assert standardwebhooks.Webhook(secret).verify(got.body, got.headers) == PAYLOAD
    assert got.headers["webhook-id"] == PAYLOAD["id"]
    assert got.headers["content-type"] == "application/json"
    assert json.loads(got.body) == PAYLOAD


def test_a_thousand_bodies_verify_and_none_does_when_anything_is_changed() -> None:
    chance = random.Random(7)
    for _ in range(1_000):
        secret, now = signing.new_secret(), int(time.time())
        body = json.dumps({"text": "".join(map(chr, chance.choices(range(1, 0xD7FF), k=50)))}).encode()
        name = str(uuid7(chance.randrange(2**40)))
        assert "." not in name
        headers = signing.headers(name, now, body, [secret])
        receiver = standardwebhooks.Webhook(secret)
        receiver.verify(body, headers)
        at = chance.randrange(len(body))
        for bad_body, bad_headers in [
            (body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :], headers),
            (body, headers | {"webhook-id": str(uuid7(5))}),
            (body, headers | {"webhook-timestamp": str(now + 1)}),
            (body, signing.headers(name, now, body, [signing.new_secret()])),
            (body, signing.headers(name, now - 360, body, [secret])),
            (body, signing.headers(name, now + 360, body, [secret])),
        ]:
            with pytest.raises(standardwebhooks.WebhookVerificationError):
                receiver.verify(bad_body, bad_headers)


def test_while_a_secret_is_changed_both_verify(sink: Sink, shared: Shared) -> None:
    shared("127.0.0.1")
    new, old = signing.new_secret(), signing.new_secret()
    deliver(sink.url, new, old)
    (got,) = sink.requests
    assert re.fullmatch(r"v1,\S+ v1,\S+", got.headers["webhook-signature"])
    for secret in (new, old):
        standardwebhooks.Webhook(secret).verify(got.body, got.headers)


def test_a_second_try_has_the_same_id_and_body(sink: Sink, shared: Shared) -> None:
    shared("127.0.0.1")
    deliver(sink.url)
    deliver(sink.url)
    first, second = sink.requests
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)


# Answers


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status: int, sink: Sink, shared: Shared) -> None:
    shared("127.0.0.1")
    sink.reply = say(status)
    assert deliver(sink.url).problem == ""


@pytest.mark.parametrize("status", [300, 301, 302, 307, 304, 400, 401, 404, 409, 422, 429, 500, 502, 503, 504, 599])
def test_anything_else_is_tried_again(status: int, sink: Sink, other_sink: Sink, shared: Shared) -> None:
    shared("127.0.0.1")
    sink.reply = say(status, headers=f"Location: {other_sink.url}\r\n")
    came_of_it = deliver(sink.url)
    assert str(status) in came_of_it.problem
    assert (came_of_it.status, came_of_it.gone, came_of_it.final) == (status, False, False)
    assert other_sink.connections == 0


def test_410_says_that_the_receiver_is_gone(sink: Sink, shared: Shared) -> None:
    shared("127.0.0.1")
    sink.reply = say(410)
    assert deliver(sink.url).gone


@pytest.mark.parametrize(
    ("status", "value", "seconds"),
    [
        (429, "120", 120),
        (503, "7", 7),
        (503, "soon", None),
        (503, "", None),
        (500, "120", None),
        (429, "9" * 30, 10**9 - 1),
    ],
)
def test_a_receiver_may_say_when_to_come_again(
    status: int, value: str, seconds: int | None, sink: Sink, shared: Shared
) -> None:
    shared("127.0.0.1")
    sink.reply = say(status, headers=f"Retry-After: {value}\r\n")
    assert deliver(sink.url).retry_after_s == seconds


def test_a_receiver_may_say_so_with_a_date(sink: Sink, shared: Shared) -> None:
    shared("127.0.0.1")
    at = datetime.now(UTC) + timedelta(hours=1)
    sink.reply = say(503, headers=f"Retry-After: {format_datetime(at, usegmt=True)}\r\n")
    assert (deliver(sink.url).retry_after_s or 0) in range(3_500, 3_601)


def test_the_answer_is_kept_cut_and_without_the_secret(sink: Sink, shared: Shared) -> None:
    shared("127.0.0.1")
    secret = signing.new_secret()
    sink.reply = say(500, f"wrong secret {secret}\x00\x1b[31m ".encode() + b"\xff" + b"y" * 100_000)
    answer = deliver(sink.url, secret).answer
    assert answer.startswith("wrong secret •••[31m \ufffdyyy")
    assert len(answer) == 1_000


def test_a_receiver_that_cannot_be_reached_is_tried_again(sink: Sink, shared: Shared) -> None:
    shared()
    came_of_it = deliver(sink.url)
    assert (came_of_it.status, came_of_it.final) == (None, False)
    assert "STAGEWISE_OUTBOUND_ALLOW" in came_of_it.problem
    assert sink.connections == 0


# From adding a channel to its first message


@pytest.mark.django_db
@override_settings(OUTBOUND_ALLOW=["127.0.0.1"])
def test_a_channel_that_was_added_is_tried_out_and_changes_its_secret(workspace: Workspace, sink: Sink) -> None:
    channel, secret = actions.add_channel(workspace, "webhook", "Hook", f"{sink.url}/hook")
    assert secret is not None
    assert secret not in channel.secret
    assert actions.send_test(channel).outcome == Outcome(status=200)
    new = actions.rotate_secret(channel)
    channel.refresh_from_db()
    actions.send_test(channel)
    first, second = sink.requests
    assert standardwebhooks.Webhook(secret).verify(first.body, first.headers)["type"] == "test"
    for each in (secret, new):
        standardwebhooks.Webhook(each).verify(second.body, second.headers)
    outbound.shared().close()
