"""What people do with one lead: every change leaves its line, its audit entry and its event, and loses nothing."""

from __future__ import annotations

from typing import Any

import pytest

from stagewise.accounts.errors import ActionError, Conflict
from stagewise.accounts.models import AuditEntry, Member, User
from stagewise.leads import actions, aliases, finding, notes, queries, tags, tasks, working
from stagewise.leads.finding import Filters
from stagewise.leads.models import (
    DeletedLead,
    Lead,
    LeadActivity,
    LeadAttribution,
    LeadNote,
    LeadRepeat,
    LeadSearch,
    LeadTag,
    LeadTask,
    Stage,
)
from stagewise.notify.models import Event
from stagewise.worker.derive import derive
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

AGNES = "agnes@example.com"
ADA = {"name": "Ada Lovelace", "phone": "+44 20 7946 0958", "email": "ada@example.com", "message": "Hello"}


def member(user: User) -> Member:
    return Member.objects.select_related("user").get(user=user)


def stage(cast: Cast, name: str, place: int = 0) -> Stage:
    return cast.acme.types[place].stages.get(name=name)


def events() -> list[tuple[str, dict[str, Any]]]:
    """Kind and data of all events but for the lead's id."""
    rows = Event.objects.order_by("id").values_list("kind", "data")
    return [(kind, {name: value for name, value in (data or {}).items() if name != "lead"}) for kind, data in rows]


def lines(of: Lead) -> list[tuple[str, str, dict[str, Any]]]:
    rows = LeadActivity.objects.filter(lead_id=of.pk).order_by("id")
    return [(row.kind, row.actor, row.data) for row in rows]


# Adding


def test_a_lead_added_by_hand_follows_the_rules_of_the_endpoint_and_is_told_of(cast: Cast) -> None:
    made = working.add(cast.acme.workspace, {**ADA, "name": "  Ada Lovelace "}, AGNES, owner=member(cast.agnes))
    assert (made.name, made.phone_e164, made.stage.name, made.endpoint) == (
        "Ada Lovelace",
        "+442079460958",
        "New",
        None,
    )
    assert (made.lead_type, made.added_by, made.owner) == (cast.acme.types[0], AGNES, member(cast.agnes))
    assert events() == [("lead.created", {})]
    assert lines(made) == [("added", AGNES, {})]
    assert AuditEntry.objects.filter(action="lead.added", subject=str(made.public_id)).exists()


def test_many_leads_of_a_file_are_told_of_to_nobody(cast: Cast) -> None:
    working.add(cast.acme.workspace, ADA, AGNES, told=False)
    assert not Event.objects.exists()


def test_a_lead_added_with_mistakes_is_refused_by_field(cast: Cast) -> None:
    with pytest.raises(ActionError) as refused:
        working.add(cast.acme.workspace, {"name": " ", "phone": "12", "email": "ada"}, AGNES)
    assert set(refused.value.problems) == {"name", "phone", "email"}
    assert not Lead.objects.filter(email="ada").exists()


def test_a_lead_is_added_under_any_name_of_its_type(cast: Cast) -> None:
    aliases.add_alias(cast.acme.types[1], "Selling")
    for name in ("sales", " SELLING "):
        made = working.add(cast.acme.workspace, {**ADA, "lead_type_name": name}, AGNES)
        assert made.lead_type == cast.acme.types[1]
    actions.archive_lead_type(cast.acme.types[1])
    for name in ("Sales", "Selling", "Nothing"):
        with pytest.raises(ActionError) as refused:
            working.add(cast.acme.workspace, {**ADA, "lead_type_name": name}, AGNES)
        assert list(refused.value.problems) == ["lead_type_name"]


# Stages


def test_a_stage_with_a_reason_leaves_its_line_and_what_it_was(cast: Cast) -> None:
    moved = working.set_stage(cast.acme.lead, stage(cast, "Lost"), AGNES, reason=" too far away ")
    assert (moved.stage.name, moved.closed_reason) == ("Lost", "too far away")
    assert moved.staged_at == moved.changed_at == moved.answered_at
    assert lines(moved) == [("stage", AGNES, {"from": "New", "to": "Lost", "reason": "too far away"})]
    assert events() == [("lead.stage_changed", {"stage": "Lost", "previous_stage": "New"})]


def test_a_reason_goes_when_the_lead_is_open_again_and_an_open_stage_takes_none(cast: Cast) -> None:
    working.set_stage(cast.acme.lead, stage(cast, "Lost"), reason="too far away")
    assert working.set_stage(cast.acme.lead, stage(cast, "New"), reason="no").closed_reason is None


def test_a_reason_can_be_said_later(cast: Cast) -> None:
    working.set_stage(cast.acme.lead, stage(cast, "Won"))
    working.set_stage(cast.acme.lead, stage(cast, "Won"), AGNES, reason="the price")
    cast.acme.lead.refresh_from_db()
    assert cast.acme.lead.closed_reason == "the price"
    assert lines(cast.acme.lead)[-1] == ("stage", AGNES, {"from": "Won", "to": "Won", "reason": "the price"})
    assert len(events()) == 1


def test_a_reason_that_is_too_long_is_refused(cast: Cast) -> None:
    with pytest.raises(ActionError) as refused:
        working.set_stage(cast.acme.lead, stage(cast, "Won"), reason="x" * (working.REASON_LIMIT + 1))
    assert list(refused.value.problems) == ["reason"]


def test_of_two_who_move_a_lead_the_second_is_told_who_was_first(cast: Cast) -> None:
    seen = cast.acme.lead.stage_id
    working.set_stage(cast.acme.lead, stage(cast, "Contacted"), AGNES, seen=seen)
    with pytest.raises(Conflict, match=r"agnes@example\.com moved it to “Contacted” in the meantime"):
        working.set_stage(cast.acme.lead, stage(cast, "Won"), "adam@example.com", seen=seen)
    cast.acme.lead.refresh_from_db()
    assert cast.acme.lead.stage.name == "Contacted"


def test_two_who_move_a_lead_to_the_same_stage_agree(cast: Cast) -> None:
    seen = cast.acme.lead.stage_id
    for _ in range(2):
        working.set_stage(cast.acme.lead, stage(cast, "Contacted"), AGNES, seen=seen)
    assert len(events()) == 1


def test_when_somebody_first_did_something_stays(cast: Cast) -> None:
    first = working.set_stage(cast.acme.lead, stage(cast, "Contacted")).answered_at
    later = working.assign(cast.acme.lead, member(cast.agnes))
    assert later.answered_at == first
    assert later.changed_at is not None
    assert first is not None
    assert later.changed_at > first


# Lead types


def test_a_lead_of_another_type_begins_in_its_first_stage(cast: Cast) -> None:
    working.set_stage(cast.acme.lead, stage(cast, "Lost"), reason="too far away")
    Event.objects.all().delete()
    moved = working.set_lead_type(cast.acme.lead, cast.acme.types[1], AGNES)
    assert (moved.lead_type, moved.stage, moved.closed_reason) == (cast.acme.types[1], stage(cast, "New", 1), None)
    assert lines(moved)[-1] == ("edited", AGNES, {"fields": {"lead_type": ["General", "Sales"]}})
    told = {"changed": ["lead_type", "stage"], "stage": "New", "previous_stage": "Lost"}
    assert events() == [("lead.updated", told)]


def test_a_lead_of_another_type_takes_a_stage_of_that_type_only(cast: Cast) -> None:
    moved = working.set_lead_type(cast.acme.lead, cast.acme.types[1], stage=stage(cast, "Qualified", 1))
    assert moved.stage == stage(cast, "Qualified", 1)
    with pytest.raises(ActionError):
        working.set_lead_type(cast.acme.lead, cast.acme.types[2], stage=stage(cast, "Qualified", 1))


def test_a_lead_takes_no_type_that_is_archived_or_somebody_elses(cast: Cast) -> None:
    for other in (actions.archive_lead_type(cast.acme.types[1]), cast.next_door.types[0]):
        with pytest.raises(ActionError) as refused:
            working.set_lead_type(cast.acme.lead, other)
        assert list(refused.value.problems) == ["lead_type"]


# Owners


def test_a_lead_is_given_to_somebody_and_to_nobody_again(cast: Cast) -> None:
    working.assign(cast.acme.lead, member(cast.agnes), "adam@example.com")
    working.assign(cast.acme.lead, member(cast.agnes), "adam@example.com")
    given_back = working.assign(cast.acme.lead, None, AGNES)
    assert given_back.owner is None
    assert events() == [
        ("lead.assigned", {"owner": AGNES, "previous_owner": None}),
        ("lead.assigned", {"owner": None, "previous_owner": AGNES}),
    ]
    assert lines(given_back) == [
        ("owner", "adam@example.com", {"from": None, "to": AGNES}),
        ("owner", AGNES, {"from": AGNES, "to": None}),
    ]


def test_a_lead_is_given_to_nobody_from_next_door_and_to_nobody_who_has_left(cast: Cast) -> None:
    gone = member(cast.agnes)
    gone.deactivated_at = 1
    gone.save()
    for other in (gone, member(cast.stan)):
        with pytest.raises(ActionError) as refused:
            working.assign(cast.acme.lead, other)
        assert list(refused.value.problems) == ["owner"]


# Editing


def test_an_edit_changes_what_was_sent_with_and_nothing_else(cast: Cast) -> None:
    derive(10)
    changed = working.edit(cast.acme.lead, {"phone": "+44 20 7946 0958", "email": "grace@navy.example"}, AGNES)
    assert (changed.name, changed.email, changed.phone_e164) == ("Grace Hopper", "grace@navy.example", "+442079460958")
    assert changed.phone_valid is True
    fields = {"phone": ["+1 202 555 0123", "+44 20 7946 0958"], "email": ["grace@example.com", "grace@navy.example"]}
    assert lines(changed) == [("edited", AGNES, {"fields": fields})]
    assert events() == [("lead.updated", {"changed": ["email", "phone"]})]
    [found] = finding.find(cast.acme.workspace, Filters(search="020 7946 0958")).leads
    assert found.pk == changed.pk
    assert not finding.find(cast.acme.workspace, Filters(search="202 555 0123")).leads


def test_the_audit_does_not_keep_what_a_lead_says(cast: Cast) -> None:
    working.edit(cast.acme.lead, {"name": "Rear Admiral"}, AGNES)
    entry = AuditEntry.objects.get(action="lead.changed")
    assert entry.changes == {"name": ["…", "…"]}


def test_an_edit_that_changes_nothing_leaves_nothing(cast: Cast) -> None:
    working.edit(cast.acme.lead, {"name": " Grace Hopper ", "message": "Please call me back.\r\n"}, AGNES)
    assert not Event.objects.exists()
    assert not LeadActivity.objects.exists()


def test_an_edit_with_mistakes_is_refused_by_field_and_saves_nothing(cast: Cast) -> None:
    with pytest.raises(ActionError) as refused:
        working.edit(cast.acme.lead, {"name": "Rear Admiral", "email": "grace"})
    assert list(refused.value.problems) == ["email"]
    cast.acme.lead.refresh_from_db()
    assert cast.acme.lead.name == "Grace Hopper"


def as_seen(found: Lead) -> dict[str, str | None]:
    return {field: getattr(found, field) for field in working.EDITABLE}


def test_of_two_who_edit_different_fields_each_gets_what_they_typed(cast: Cast) -> None:
    form = as_seen(cast.acme.lead)
    working.edit(cast.acme.lead, {**form, "phone": "+44 20 7946 0958"}, AGNES, seen=0)
    both = working.edit(cast.acme.lead, {**form, "name": "Rear Admiral"}, "adam@example.com", seen=0)
    assert (both.name, both.phone, both.phone_e164) == ("Rear Admiral", "+44 20 7946 0958", "+442079460958")


def test_of_two_who_edit_the_same_field_the_second_is_told_and_overwrites_nothing(cast: Cast) -> None:
    form = as_seen(cast.acme.lead)
    first = working.edit(cast.acme.lead, {**form, "name": "Rear Admiral"}, AGNES, seen=0)
    with pytest.raises(Conflict) as refused:
        working.edit(cast.acme.lead, {**form, "name": "G. Hopper", "phone": "1234567"}, "adam@example.com", seen=0)
    assert refused.value.problems == {"name": [f"{AGNES} changed it to “Rear Admiral” in the meantime."]}
    cast.acme.lead.refresh_from_db()
    assert (cast.acme.lead.name, cast.acme.lead.phone) == ("Rear Admiral", "+1 202 555 0123")
    again = working.edit(cast.acme.lead, {**form, "name": "G. Hopper"}, "adam@example.com", seen=first.changed_at)
    assert again.name == "G. Hopper"


def test_who_edits_a_lead_need_not_care_for_what_others_do_beside(cast: Cast) -> None:
    working.assign(cast.acme.lead, member(cast.adam))
    working.set_lead_type(cast.acme.lead, cast.acme.types[1])
    assert working.edit(cast.acme.lead, {"name": "Rear Admiral"}, seen=0).name == "Rear Admiral"


# Deleting, and putting back


def dressed(cast: Cast) -> Lead:
    """A lead with everything that can hang on one."""
    found, agnes = cast.acme.lead, member(cast.agnes)
    LeadAttribution.objects.create(lead=found, workspace_id=found.workspace_id, utm_source="newsletter")
    LeadRepeat.objects.create(lead=found, workspace_id=found.workspace_id, count=2, first_at=1, last_at=2)
    notes.add_note(found, agnes, "Called, @adam@example.com please look")
    tags.tag(found, "VIP", AGNES)
    tasks.add_task(found, agnes, "Call again", 1_900_000_000_000, AGNES)
    working.assign(found, agnes, AGNES)
    working.set_stage(found, stage(cast, "Lost"), AGNES, reason="too far away")
    derive(10)
    found.refresh_from_db()
    return found


#: What restoring changes by itself.
_OTHERWISE = {"changed_at", "repeat_slot", "repeat_hash"}


def columns(found: Lead) -> dict[str, Any]:
    names = {field.attname for field in Lead._meta.concrete_fields} - _OTHERWISE
    return {name: getattr(found, name) for name in names}


def test_a_deleted_lead_comes_back_as_it_was_with_everything_on_it(cast: Cast) -> None:
    before = dressed(cast)
    working.delete_lead(before, AGNES)
    assert not Lead.objects.filter(pk=before.pk).exists()
    assert not LeadSearch.objects.filter(lead_id=before.pk).exists()
    kept = DeletedLead.objects.get()
    assert (kept.name, kept.deleted_by, kept.merged_into) == ("Grace Hopper", AGNES, None)
    working.restore(cast.acme.workspace, before.public_id, "adam@example.com")
    back = queries.get(cast.acme.workspace, before.public_id)
    assert columns(back) == columns(before)
    assert (back.attribution.utm_source, back.repeat.count) == ("newsletter", 2)
    assert [note.text for note in LeadNote.objects.filter(lead=back)] == ["Called, @adam@example.com please look"]
    assert [mention.lead for mention in notes.unseen_mentions(member(cast.adam))] == [back]
    assert [each.tag.name for each in LeadTag.objects.filter(lead=back)] == ["VIP"]
    assert [task.text for task in LeadTask.objects.filter(lead=back)] == ["Call again"]
    assert [found.pk for found in finding.find(cast.acme.workspace, Filters(search="grace")).leads] == [back.pk]
    assert not DeletedLead.objects.exists()
    assert [kind for kind, _who, _data in lines(back)] == ["tags", "task", "owner", "stage", "restored"]
    assert events()[-2:] == [("lead.deleted", {}), ("lead.updated", {"changed": ["deleted"]})]
    assert AuditEntry.objects.filter(action="lead.restored", actor="adam@example.com").exists()


def test_a_lead_that_the_worker_has_not_seen_yet_comes_back_for_it_to_see(cast: Cast) -> None:
    working.delete_lead(cast.acme.lead)
    working.restore(cast.acme.workspace, cast.acme.lead.public_id)
    derive(10)
    assert LeadSearch.objects.filter(lead_id=cast.acme.lead.pk).exists()


def test_a_lead_comes_back_once_and_only_where_it_belongs(cast: Cast) -> None:
    working.delete_lead(cast.acme.lead)
    with pytest.raises(ActionError, match="gone for good"):
        working.restore(cast.next_door.workspace, cast.acme.lead.public_id)
    working.restore(cast.acme.workspace, cast.acme.lead.public_id)
    with pytest.raises(ActionError, match="gone for good"):
        working.restore(cast.acme.workspace, cast.acme.lead.public_id)


def test_nothing_is_done_with_a_deleted_lead(cast: Cast) -> None:
    found, agnes = cast.acme.lead, member(cast.agnes)
    task = tasks.add_task(found, None, "Call", 1_900_000_000_000)
    working.delete_lead(found)
    for act in (
        lambda: working.set_stage(found, stage(cast, "Won")),
        lambda: working.assign(found, agnes),
        lambda: working.edit(found, {"name": "Ada"}),
        lambda: working.set_lead_type(found, cast.acme.types[1]),
        lambda: notes.add_note(found, agnes, "Called"),
        lambda: tags.tag(found, "VIP"),
        lambda: tasks.add_task(found, agnes, "Call", 1_900_000_000_000),
        lambda: tasks.finish(LeadTask.objects.get(pk=task.pk)),
    ):
        with pytest.raises(ActionError, match="deleted this lead"):
            act()


def test_what_people_do_with_test_leads_makes_no_event(cast: Cast) -> None:
    found = lead(cast.acme, test=True)
    working.assign(found, member(cast.agnes))
    working.edit(found, {"name": "Ada"})
    tags.tag(found, "VIP")
    working.delete_lead(found)
    working.restore(cast.acme.workspace, found.public_id)
    assert not Event.objects.exists()
