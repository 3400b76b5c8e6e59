"""What channels hear of what people do with leads."""

from __future__ import annotations

from typing import Any

import pytest

from stagewise.accounts.actions import add_user
from stagewise.accounts.models import Member, Workspace
from stagewise.leads import merging, notes, tags, tasks, working
from stagewise.leads.models import Lead
from stagewise.notify import outbox as events
from stagewise.notify import wording
from stagewise.notify.channels.email import views
from stagewise.notify.dispatching import dispatch
from stagewise.notify.models import Delivery
from stagewise.worker.outbox import Outbox
from tests.notify.workbench import NOON, Clock, Recorder, add_channel, add_lead, work_off

pytestmark = pytest.mark.django_db(transaction=True)

ALL = (events.CREATED, events.UPDATED, events.ASSIGNED, events.STAGE_CHANGED, events.DELETED)


@pytest.fixture
def agnes(workspace: Workspace) -> Member:
    add_user(workspace, "agnes@example.com", "agent", "correct horse battery staple")
    return Member.objects.select_related("user").get(user__email="agnes@example.com")


def told(recorder: Recorder, *names: str) -> list[tuple[str, dict[str, Any]]]:
    """The kind of each event that came, and these of its data."""
    return [(got["type"], {name: got["data"].get(name) for name in names}) for _, got in recorder.got]


def test_an_edit_reaches_the_channels_that_want_it_with_the_names_of_what_changed(
    workspace: Workspace, recorder: Recorder, outbox: Outbox
) -> None:
    add_channel(workspace, "Wants it", [events.UPDATED])
    add_channel(workspace, "Does not", [events.CREATED])
    lead = add_lead(workspace)
    working.edit(lead, {"phone": "+44 20 7946 0959", "name": "Ada Lovelace"})
    work_off(outbox)
    [(_, payload)] = [got for got in recorder.got if got[0] == "Wants it"]
    assert payload["type"] == "lead.updated"
    assert payload["data"]["changed"] == ["name", "phone"]
    assert (payload["data"]["name"], payload["data"]["phone_e164"]) == ("Ada Lovelace", "+442079460959")
    assert [payload["type"] for name, payload in recorder.got if name == "Does not"] == ["lead.created"]


def test_tags_and_another_type_are_changes_of_a_lead_too(
    workspace: Workspace, recorder: Recorder, outbox: Outbox
) -> None:
    add_channel(workspace, kinds=[events.UPDATED])
    lead = add_lead(workspace)
    tags.tag(lead, "Urgent")
    work_off(outbox)
    working.set_lead_type(lead, workspace.lead_types.all()[1])
    work_off(outbox)
    assert told(recorder, "changed", "tags", "previous_stage") == [
        ("lead.updated", {"changed": ["tags"], "tags": ["Urgent"], "previous_stage": None}),
        ("lead.updated", {"changed": ["lead_type", "stage"], "tags": ["Urgent"], "previous_stage": "New"}),
    ]


def test_who_gets_a_lead_and_who_had_it_reaches_the_channels(
    workspace: Workspace, agnes: Member, recorder: Recorder, outbox: Outbox
) -> None:
    add_channel(workspace, kinds=[events.ASSIGNED])
    lead = add_lead(workspace)
    working.assign(lead, agnes)
    working.assign(lead, None)
    work_off(outbox)
    assert told(recorder, "owner", "previous_owner") == [
        ("lead.assigned", {"owner": "agnes@example.com", "previous_owner": None}),
        ("lead.assigned", {"owner": None, "previous_owner": "agnes@example.com"}),
    ]


def test_each_event_names_the_owner_and_the_stage_of_then(workspace: Workspace, agnes: Member) -> None:
    add_channel(workspace, kinds=ALL)
    lead = add_lead(workspace)
    working.assign(lead, agnes)
    working.set_stage(lead, lead.lead_type.stages.get(name="Won"))
    working.assign(lead, None)
    assert dispatch(10) == 4
    told = Delivery.objects.order_by("id").values_list("kind", "data")
    assert [(kind, (data or {})["owner"], (data or {})["stage"]) for kind, data in told] == [
        ("lead.created", None, "New"),
        ("lead.assigned", "agnes@example.com", "New"),
        ("lead.stage_changed", "agnes@example.com", "Won"),
        ("lead.assigned", None, "Won"),
    ]


def test_a_second_try_names_the_same_owner_and_tags(
    workspace: Workspace, agnes: Member, recorder: Recorder, outbox: Outbox, clock: Clock
) -> None:
    from tests.notify.workbench import OK, REFUSED

    add_channel(workspace)
    recorder.answer = lambda channel, payload: REFUSED if len(recorder.got) == 1 else OK
    lead = add_lead(workspace)
    work_off(outbox)
    working.assign(lead, agnes)
    tags.tag(lead, "Urgent")
    clock.now += 6_000
    work_off(outbox)
    assert recorder.got[0] == recorder.got[1]


def test_a_merge_is_told_with_the_way_to_the_lead_that_is_left(
    workspace: Workspace, recorder: Recorder, outbox: Outbox
) -> None:
    into, other = add_lead(workspace), add_lead(workspace)
    work_off(outbox)
    add_channel(workspace, kinds=[events.UPDATED, events.DELETED])
    merging.merge(into, other)
    work_off(outbox)
    data = {payload["type"]: payload["data"] for _, payload in recorder.got}
    gone = {"id": str(other.public_id), "deleted": True, "merged_into": str(into.public_id)}
    assert data["lead.deleted"] == gone
    assert (data["lead.updated"]["id"], data["lead.updated"]["changed"]) == (str(into.public_id), ["merged"])


def test_a_lead_that_is_put_back_before_it_was_told_of_was_deleted_nevertheless(
    workspace: Workspace, recorder: Recorder, outbox: Outbox
) -> None:
    lead = add_lead(workspace)
    work_off(outbox)
    add_channel(workspace, kinds=[events.UPDATED, events.DELETED])
    working.delete_lead(lead)
    working.restore(workspace, lead.public_id)
    work_off(outbox)
    (first, gone), (second, back) = [(payload["type"], payload["data"]) for _, payload in recorder.got]
    assert (first, gone) == ("lead.deleted", {"id": str(lead.public_id), "deleted": True})
    assert (second, back["changed"], back["name"]) == ("lead.updated", ["deleted"], "Ada")


def test_notes_and_follow_ups_stay_in_the_house(
    workspace: Workspace, agnes: Member, recorder: Recorder, outbox: Outbox
) -> None:
    add_channel(workspace, kinds=[events.UPDATED])
    lead = add_lead(workspace)
    notes.add_note(lead, agnes, "Called")
    tasks.add_task(lead, agnes, "Call again", NOON)
    work_off(outbox)
    assert recorder.got == []


# In words


def data_of(lead: Lead, **more: Any) -> dict[str, Any]:
    return {"id": str(lead.public_id), "name": "Ada", "lead_type": {"name": "General"}, "stage": "New", **more}


@pytest.mark.parametrize(
    ("kind", "more", "row"),
    [
        ("lead.updated", {"changed": ["lead_type", "stage"]}, ("Changed", "lead type, stage")),
        ("lead.assigned", {"owner": "a@b.example", "previous_owner": None}, ("Owner", "nobody → a@b.example")),
        ("lead.assigned", {"owner": None, "previous_owner": "a@b.example"}, ("Owner", "a@b.example → nobody")),
        ("lead.created", {"owner": "a@b.example"}, ("Owner", "a@b.example")),
    ],
)
def test_a_chat_is_told_what_changed(
    workspace: Workspace, kind: str, more: dict[str, Any], row: tuple[str, str]
) -> None:
    payload = {"type": kind, "data": data_of(add_lead(workspace), **more)}
    assert row in wording.words(payload, workspace.pk).rows


@pytest.mark.parametrize(
    ("kind", "more", "sentence"),
    [
        ("lead.updated", {"changed": ["email", "lead_type"]}, "What was changed: email, lead type."),
        ("lead.updated", {}, "The details of this lead were changed."),
        ("lead.assigned", {"owner": "a@b.example"}, "It is a@b.example's to work now."),
        ("lead.assigned", {"owner": None}, "It is nobody's to work now."),
        ("lead.stage_changed", {"previous_stage": "Won"}, "It was in “Won” before."),
    ],
)
def test_a_mail_says_what_changed(workspace: Workspace, kind: str, more: dict[str, Any], sentence: str) -> None:
    assert views.of_lead(workspace, kind, data_of(add_lead(workspace), **more)).intro == (sentence,)
