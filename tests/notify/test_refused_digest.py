"""Refused calls, told once an hour."""

from __future__ import annotations

import pytest

from stagewise.accounts.models import Workspace
from stagewise.endpoints.models import AttemptCounter, Endpoint
from stagewise.notify import outbox as events
from stagewise.notify.models import Event
from stagewise.worker.digest import Digest
from stagewise.worker.outbox import Outbox
from tests.notify.workbench import DAY, HOUR, MINUTE, NOON, Clock, Recorder, add_channel, work_off

pytestmark = pytest.mark.django_db(transaction=True)

START = NOON - NOON % HOUR


def count(workspace: Workspace, at: int, outcome: str, number: int, process: int = 1) -> None:
    AttemptCounter.objects.create(
        workspace_id=workspace.pk,
        endpoint_id=Endpoint.objects.get(workspace=workspace).pk,
        minute=at,
        outcome=outcome,
        process=process,
        count=number,
        detailed=0,
    )


def test_an_hour_of_refusals_is_one_event_with_counts(
    workspace: Workspace, recorder: Recorder, outbox: Outbox, clock: Clock
) -> None:
    add_channel(workspace, kinds=[events.REFUSED])
    clock.now = START + HOUR + MINUTE
    for minute, process in ((0, 1), (59, 1), (59, 2)):
        count(workspace, START + minute * MINUTE, "ip_not_allowed", 2, process)
    count(workspace, START, "rate_limited", 1)
    count(workspace, START, "created", 100)
    count(workspace, START + HOUR, "rate_limited", 7)
    assert Digest(clock).write_due() == 1
    assert Digest(clock).write_due() == 0
    work_off(outbox)
    assert Digest(clock).write_due() == 0
    [(_, payload)] = recorder.got
    assert payload["type"] == "attempt.refused"
    assert payload["data"] == {
        "endpoint": "My website",
        "from": "2030-03-17T17:00:00.000Z",
        "until": "2030-03-17T18:00:00.000Z",
        "refused": 7,
        "by_code": {"ip_not_allowed": 6, "rate_limited": 1},
    }
    clock.now += HOUR
    assert Digest(clock).write_due() == 1


def test_the_hour_is_over_when_it_is_counted(workspace: Workspace, clock: Clock) -> None:
    add_channel(workspace, kinds=[events.REFUSED])
    count(workspace, START, "rate_limited", 1)
    clock.now = START + HOUR + MINUTE - 1
    digest = Digest(clock)
    assert digest.write_due() == 0
    clock.now += 1
    assert digest.write_due() == 1


def test_nothing_is_written_where_nobody_asks_or_nothing_was_refused(workspace: Workspace, clock: Clock) -> None:
    count(workspace, START, "rate_limited", 1)
    clock.now = START + HOUR + MINUTE
    assert Digest(clock).write_due() == 0
    channel = add_channel(workspace, kinds=[events.REFUSED])
    AttemptCounter.objects.all().delete()
    assert Digest(clock).write_due() == 0
    channel.enabled = False
    channel.save()
    count(workspace, START, "rate_limited", 1)
    assert Digest(clock).write_due() == 0
    assert not Event.objects.exists()


def test_a_worker_that_was_away_tells_of_the_last_day(workspace: Workspace, clock: Clock) -> None:
    add_channel(workspace, kinds=[events.REFUSED])
    clock.now = START + 3 * DAY + MINUTE
    count(workspace, START, "rate_limited", 100)
    count(workspace, START + 2 * DAY + 5 * HOUR, "rate_limited", 2)
    count(workspace, START + 2 * DAY + 9 * HOUR, "rate_limited", 3)
    assert Digest(clock).write_due() == 1
    data = Event.objects.get().data
    assert data is not None
    assert (data["refused"], data["from"]) == (5, "2030-03-19T22:00:00.000Z")
