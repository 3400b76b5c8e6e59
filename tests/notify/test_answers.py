"""Every answer that a webhook's receiver can give, over real connections, and when the next try comes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from stagewise.accounts.models import Workspace
from stagewise.notify import actions
from stagewise.notify.models import Channel, Delivery, DeliveryTry
from stagewise.worker.outbox import Outbox
from tests.notify.workbench import NOON, Clock, add_lead, work_off
from tests.support.double import Call, plain, serving
from tests.support.processes import Answer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _loopback(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW = ("127.0.0.0/8",)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a receiver that breaks every connection off."""
    with serving(lambda call: None) as port:
        yield port


def channel_at(workspace: Workspace, port: int) -> Channel:
    return actions.add_channel(workspace, "webhook", "Receiver", f"http://127.0.0.1:{port}/hook")[0]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_what_begins_with_a_two_is_delivered(workspace: Workspace, outbox: Outbox, status: int) -> None:
    with serving(lambda call: plain(status)) as port:
        channel_at(workspace, port)
        add_lead(workspace)
        work_off(outbox)
    assert (Delivery.objects.get().state, DeliveryTry.objects.get().status) == ("done", status)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 403, 404, 429, 500, 502, 503, 504])
def test_everything_else_is_tried_again_in_five_seconds(workspace: Workspace, outbox: Outbox, status: int) -> None:
    calls: list[Call] = []

    def answer(call: Call) -> Answer:
        calls.append(call)
        return plain(status, "no", Location="/elsewhere")

    with serving(answer) as port:
        channel = channel_at(workspace, port)
        add_lead(workspace)
        work_off(outbox)
    delivery, tried = Delivery.objects.get(), DeliveryTry.objects.get()
    assert [call.path for call in calls] == ["/hook"]
    assert (delivery.state, delivery.tries, tried.status, tried.answer) == ("waiting", 1, status, "no")
    assert str(status) in tried.problem
    assert 4_000 <= delivery.next_at - NOON <= 6_000
    channel.refresh_from_db()
    assert channel.paused_at is None


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("asked", "least", "most"), [("120", 120, 144), ("1", 4, 6), ("9999999", 86_400, 86_400)])
def test_a_receiver_is_left_alone_for_as_long_as_it_asks(
    workspace: Workspace, outbox: Outbox, status: int, asked: str, least: int, most: int
) -> None:
    with serving(lambda call: plain(status, Retry_After=asked)) as port:
        channel_at(workspace, port)
        add_lead(workspace)
        work_off(outbox)
    assert least * 1_000 <= Delivery.objects.get().next_at - NOON <= most * 1_000


def test_gone_pauses_the_channel(workspace: Workspace, outbox: Outbox) -> None:
    with serving(lambda call: plain(410)) as port:
        channel = channel_at(workspace, port)
        add_lead(workspace)
        work_off(outbox)
    channel.refresh_from_db()
    assert channel.paused_at == NOON
    assert Delivery.objects.get().state == "waiting"


def test_a_broken_connection_is_a_failed_try(workspace: Workspace, outbox: Outbox, silent: int) -> None:
    channel_at(workspace, silent)
    add_lead(workspace)
    work_off(outbox)
    tried = DeliveryTry.objects.get()
    assert tried.status is None
    assert tried.problem
    assert Delivery.objects.get().state == "waiting"


def test_each_try_carries_the_same_body_and_id_and_its_own_signature(
    workspace: Workspace, outbox: Outbox, clock: Clock
) -> None:
    calls: list[Call] = []

    def answer(call: Call) -> Answer:
        calls.append(call)
        return plain(500 if len(calls) < 3 else 204)

    with serving(answer) as port:
        channel_at(workspace, port)
        add_lead(workspace)
        for _ in range(3):
            work_off(outbox)
            clock.now += 3_600_000
    assert len(calls) == 3
    assert len({call.body for call in calls}) == 1
    assert {call.headers["webhook-id"] for call in calls} == {str(Delivery.objects.get().public_id)}
