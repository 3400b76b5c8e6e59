"""When a channel is paused, and that nothing is lost by it."""

from __future__ import annotations

import pytest

from stagewise.accounts.models import AuditEntry, Workspace
from stagewise.notify import actions
from stagewise.notify.channels import Outcome
from stagewise.notify.models import Channel, Delivery
from stagewise.worker.outbox import Outbox
from tests.notify.workbench import (
    DAY,
    NOON,
    OK,
    REFUSED,
    Clock,
    Recorder,
    add_channel,
    add_lead,
    states,
    work_off,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_receiver_that_is_gone_pauses_its_channel_and_nothing_is_lost(
    workspace: Workspace, recorder: Recorder, outbox: Outbox, clock: Clock
) -> None:
    channel = add_channel(workspace)
    recorder.answer = lambda name, payload: Outcome(410, "The receiver answered 410.", gone=True)
    for _ in range(3):
        add_lead(workspace)
    work_off(outbox)
    channel.refresh_from_db()
    assert channel.paused_at == NOON
    assert "410" in channel.paused_because
    assert len(recorder.got) == 1
    clock.now += DAY
    add_lead(workspace)
    work_off(outbox)
    assert len(recorder.got) == 1
    assert states() == {"waiting": 4}

    recorder.answer = lambda name, payload: OK
    actions.resume(channel, "olga@example.com")
    clock.now = max(clock.now, *Delivery.objects.values_list("next_at", flat=True))
    work_off(outbox)
    assert states() == {"done": 4}
    resumed = Channel.objects.get()
    assert (resumed.paused_at, resumed.paused_because, resumed.failing_since) == (None, "", None)
    told = list(AuditEntry.objects.filter(action__startswith="channel.").order_by("id").values_list("action", "actor"))
    assert told == [("channel.paused", ""), ("channel.resumed", "olga@example.com")]


def test_a_channel_is_paused_when_everything_has_failed_for_five_days(
    workspace: Workspace, recorder: Recorder, outbox: Outbox, clock: Clock
) -> None:
    channel = add_channel(workspace)
    recorder.answer = lambda name, payload: REFUSED
    for day in range(5):
        clock.now = NOON + day * DAY
        add_lead(workspace)
        work_off(outbox)
        channel.refresh_from_db()
        assert (channel.paused_at, channel.failing_since) == (None, NOON)
    clock.now = NOON + 5 * DAY
    work_off(outbox)
    channel.refresh_from_db()
    assert channel.paused_at == clock.now
    assert "five days" in channel.paused_because
    assert Delivery.objects.count() == 5


def test_one_success_in_five_days_keeps_a_channel_going(
    workspace: Workspace, recorder: Recorder, outbox: Outbox, clock: Clock
) -> None:
    channel = add_channel(workspace)
    lucky: set[str] = set()
    recorder.answer = lambda name, payload: OK if payload["data"]["name"] in lucky else REFUSED
    add_lead(workspace)
    work_off(outbox)
    lucky.add("Grace")
    clock.now += DAY
    add_lead(workspace, name="Grace")
    work_off(outbox)
    clock.now += 5 * DAY - 1
    work_off(outbox)
    channel.refresh_from_db()
    assert channel.paused_at is None
