"""Who works on which delivery, and what becomes of those whose worker is gone."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from stagewise.accounts.models import Workspace
from stagewise.notify import actions, delivering
from stagewise.notify.channels import Outcome
from stagewise.notify.models import Delivery, DeliveryTry
from stagewise.worker.outbox import Outbox
from tests.notify.workbench import (
    OK,
    REFUSED,
    Clock,
    Recorder,
    add_channel,
    add_lead,
    new_outbox,
    states,
    turn_until,
    work_off,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_workers_send_nothing_twice(workspace: Workspace, recorder: Recorder, clock: Clock) -> None:
    for name in ("One", "Two", "Three"):
        add_channel(workspace, name)
    for _ in range(60):
        add_lead(workspace)
    workers = [new_outbox(clock), new_outbox(clock)]
    for _ in range(2_000):
        if not any(worker.turn() for worker in workers) and states() == {"done": 180}:
            break
    assert states() == {"done": 180}
    assert len(recorder.got) == 180
    assert recorder.doubles() == {}
    for worker in workers:
        worker._senders.end()


def test_the_lease_of_a_worker_that_died_runs_out(workspace: Workspace, recorder: Recorder, clock: Clock) -> None:
    channel = add_channel(workspace)
    add_lead(workspace)
    dead, living = new_outbox(clock), new_outbox(clock)
    dead._hand_on()
    assert len(delivering.claim(channel, 8, dead._token, clock())) == 1
    work_off(living)
    assert recorder.got == []
    clock.now += delivering.LEASE_S * 1_000
    work_off(living)
    assert states() == {"done": 1}
    assert len(recorder.got) == 1
    living._senders.end()


def test_whoever_lost_its_lease_changes_nothing(workspace: Workspace, recorder: Recorder, clock: Clock) -> None:
    channel = add_channel(workspace)
    add_lead(workspace)
    late, prompt = new_outbox(clock), new_outbox(clock)
    late._hand_on()
    [claimed] = delivering.claim(channel, 8, late._token, clock())
    clock.now += delivering.LEASE_S * 1_000
    work_off(prompt)
    tried = delivering.Tried(claimed, replace(REFUSED, gone=True), clock(), 1)
    delivering.settle([tried], late._token, clock())
    channel.refresh_from_db()
    assert (states(), channel.paused_at, DeliveryTry.objects.count()) == ({"done": 1}, None, 1)
    prompt._senders.end()


def test_a_worker_that_is_told_to_stop_gives_back_what_it_did_not_begin(
    workspace: Workspace, recorder: Recorder, outbox: Outbox
) -> None:
    under_way = threading.Event()

    def slow(name: str, payload: dict[str, Any]) -> Outcome:
        under_way.wait(5)
        return OK

    recorder.answer = slow
    add_channel(workspace)
    for _ in range(8):
        add_lead(workspace)
    turn_until(outbox, lambda: bool(recorder.got))
    assert Delivery.objects.filter(lease_until__gt=0).count() == 8
    threading.Timer(0.2, under_way.set).start()
    outbox.finish()
    assert states() == {"done": 1, "waiting": 7}
    assert not Delivery.objects.filter(lease_until__gt=0).exists()


def test_a_channel_that_is_removed_under_way_takes_its_deliveries_along(
    workspace: Workspace, recorder: Recorder, outbox: Outbox
) -> None:
    channel = add_channel(workspace)
    for _ in range(5):
        add_lead(workspace)

    def remove(name: str, payload: dict[str, Any]) -> Outcome:
        return OK

    recorder.answer = remove
    outbox._hand_on()
    outbox._look()
    outbox._begin()
    actions.remove_channel(channel)
    work_off(outbox)
    assert not Delivery.objects.exists()
    assert not DeliveryTry.objects.exists()
