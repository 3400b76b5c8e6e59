"""From the outbox to the channels."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stagewise.accounts.models import Workspace
from stagewise.leads import working
from stagewise.notify import outbox as events
from stagewise.notify.dispatching import dispatch
from stagewise.notify.models import Delivery, Event
from tests.notify.workbench import NOON, add_channel, add_event, add_lead
from tests.support import cast

pytestmark = pytest.mark.django_db(transaction=True)

on_postgres = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")


def test_every_channel_that_wants_the_event_gets_a_delivery(workspace: Workspace) -> None:
    first, second = add_channel(workspace, "First"), add_channel(workspace, "Second", [events.CREATED, events.DELETED])
    add_channel(workspace, "Other", [events.DELETED])
    lead = add_lead(workspace)
    assert dispatch(10) == 1
    made = Delivery.objects.order_by("id")
    assert [each.channel_id for each in made] == [first.pk, second.pk]
    event = Event.objects.get()
    for each in made:
        assert (each.event_id, each.public_id, each.kind, each.at) == (event.pk, event.public_id, event.kind, NOON)
        known: dict[str, Any] = {"lead": str(lead.public_id), "stage": "New", "owner": None, "tags": []}
        assert (each.lead_id, each.data) == (lead.pk, known)
    assert event.dispatched_at is not None


def test_events_are_handed_on_oldest_first_and_once(workspace: Workspace) -> None:
    add_channel(workspace)
    made = [add_event(workspace, add_lead(workspace).pk, events.ASSIGNED).pk for _ in range(3)]
    assert dispatch(4) == 4
    assert list(Event.objects.filter(dispatched_at=None).values_list("id", flat=True)) == [made[1] + 1, made[2]]
    assert dispatch(4) == 2
    assert dispatch(4) == 0
    assert Delivery.objects.count() == 3


def test_an_event_that_nobody_wants_makes_no_delivery_and_does_not_come_again(workspace: Workspace) -> None:
    add_lead(workspace)
    assert dispatch(10) == 1
    add_channel(workspace)
    assert dispatch(10) == 0
    assert not Delivery.objects.exists()


def test_a_paused_channel_gets_deliveries_that_wait_and_one_that_is_switched_off_gets_none(
    workspace: Workspace,
) -> None:
    paused = add_channel(workspace, "Paused", paused_at=NOON)
    add_channel(workspace, "Off", enabled=False)
    add_lead(workspace)
    dispatch(10)
    assert list(Delivery.objects.values_list("channel_id", flat=True)) == [paused.pk]


def test_channels_hear_of_their_own_workspace_only(workspace: Workspace) -> None:
    next_door = cast.place("Next door", "next-door")
    add_channel(next_door.workspace)
    ours = add_channel(workspace)
    add_lead(workspace)
    dispatch(10)
    assert list(Delivery.objects.values_list("channel_id", flat=True)) == [ours.pk]


def test_what_is_done_with_a_lead_is_told_in_its_order(workspace: Workspace) -> None:
    add_channel(workspace, kinds=[events.CREATED, events.STAGE_CHANGED, events.DELETED])
    lead = add_lead(workspace)
    contacted = lead.lead_type.stages.get(name="Contacted")
    working.set_stage(lead, contacted)
    working.delete_lead(lead)
    dispatch(10)
    made = list(Delivery.objects.order_by("id").values_list("kind", "data"))
    known = {"lead": str(lead.public_id)}
    assert made == [
        ("lead.created", {**known, "stage": "New"}),
        ("lead.stage_changed", {**known, "stage": "Contacted", "previous_stage": "New"}),
        ("lead.deleted", known),
    ]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="a small table is read as a whole by PostgreSQL")
def test_however_many_events_wait_only_those_of_the_leads_at_hand_are_read(workspace: Workspace) -> None:
    add_channel(workspace)
    add_event(workspace, add_lead(workspace).pk, events.ASSIGNED)
    with CaptureQueriesContext(connection) as asked:
        assert dispatch(1) == 1
    [later] = [each["sql"] for each in asked if each["sql"].startswith("SELECT") and "NOT" in each["sql"]]
    with connection.cursor() as cursor:
        plan = cursor.execute(f"EXPLAIN QUERY PLAN {later}").fetchall()
    assert "event_later (lead_id=?)" in plan[0][3]


def test_nobody_is_told_of_what_is_done_with_test_leads(workspace: Workspace) -> None:
    lead = add_lead(workspace, test=True)
    Event.objects.all().delete()
    working.set_stage(lead, lead.lead_type.stages.get(name="Won"))
    working.delete_lead(lead)
    assert not Event.objects.exists()


def test_a_lead_that_went_without_a_word_is_not_told_of(workspace: Workspace) -> None:
    add_channel(workspace)
    add_lead(workspace).delete()
    assert dispatch(10) == 1
    assert not Delivery.objects.exists()


@on_postgres
def test_two_workers_share_the_outbox_without_waiting_for_each_other(workspace: Workspace) -> None:
    import psycopg

    for _ in range(4):
        add_lead(workspace)
    with psycopg.connect(url()) as other:
        other.execute("SELECT id FROM event WHERE dispatched_at IS NULL ORDER BY id LIMIT 2 FOR UPDATE")
        assert dispatch(10) == 2
    assert dispatch(10) == 2


@on_postgres
def test_an_event_waits_while_another_worker_has_an_earlier_one_of_its_lead(workspace: Workspace) -> None:
    import psycopg

    add_channel(workspace, kinds=[events.CREATED, events.STAGE_CHANGED])
    lead = add_lead(workspace)
    add_event(workspace, lead.pk, events.STAGE_CHANGED)
    other_lead = add_lead(workspace)
    with psycopg.connect(url()) as other:
        other.execute("SELECT id FROM event ORDER BY id LIMIT 1 FOR UPDATE")
        assert dispatch(10) == 1
        assert [each.lead_id for each in Delivery.objects.all()] == [other_lead.pk]
    assert dispatch(10) == 2
    assert list(Delivery.objects.filter(lead_id=lead.pk).order_by("id").values_list("kind", flat=True)) == [
        "lead.created",
        "lead.stage_changed",
    ]


def url() -> str:
    values = connection.settings_dict
    return f"postgresql://{values['USER']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
