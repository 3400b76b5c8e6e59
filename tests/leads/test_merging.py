"""Leads of one person, and making one of two."""

from __future__ import annotations

import pytest

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry, Member, User
from stagewise.leads import merging, notes, queries, tags, tasks, trash, working
from stagewise.leads.models import (
    DeletedLead,
    Lead,
    LeadActivity,
    LeadAttribution,
    LeadMention,
    LeadNote,
    LeadSearch,
    LeadTag,
    LeadTask,
)
from stagewise.notify.models import Event
from stagewise.worker.derive import derive
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

AGNES = "agnes@example.com"
MONDAY = 1_900_000_000_000


def member(user: User) -> Member:
    return Member.objects.select_related("user").get(user=user)


# Who is the same person


def test_leads_with_the_same_address_or_number_are_of_one_person(cast: Cast) -> None:
    by_email = lead(cast.acme, email="GRACE@example.com", phone="1234567", phone_e164=None)
    by_phone = lead(cast.acme, email="hopper@navy.example", phone="001 (202) 555-0123")
    lead(cast.acme, email="ada@example.com", phone="7654321", phone_e164=None)
    lead(cast.next_door)
    derive(100)
    assert merging.same_person(cast.acme.lead) == [by_phone, by_email]
    assert merging.same_person(by_email) == [cast.acme.lead]
    assert merging.same_person(cast.acme.lead, at_most=1) == [by_phone]


def test_keys_that_are_alike_by_chance_make_nobody_the_same(cast: Cast) -> None:
    other = lead(cast.acme, email="ada@example.com", phone="7654321", phone_e164=None)
    derive(100)
    mine = LeadSearch.objects.get(lead=cast.acme.lead)
    LeadSearch.objects.filter(lead=other).update(email_key=mine.email_key, phone_key=mine.phone_key)
    assert merging.same_person(cast.acme.lead) == []


def test_a_test_lead_is_not_the_same_person_as_a_real_one(cast: Cast) -> None:
    test = lead(cast.acme, test=True)
    derive(100)
    assert merging.same_person(cast.acme.lead) == []
    with pytest.raises(ActionError, match="Test leads"):
        merging.merge(cast.acme.lead, test)


def test_the_list_of_one_person_costs_the_same_however_long_it_is(
    cast: Cast, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    for _ in range(5):
        lead(cast.acme)
    derive(100)
    with django_assert_max_num_queries(5):  # type: ignore[operator]
        found = merging.same_person(cast.acme.lead)
        merging.carried(found)
    assert len(found) == 5


# Merging


def other_of(cast: Cast) -> Lead:
    """A second lead of the person, with something on it."""
    other = lead(cast.acme, name="G. Hopper", message="Did you get my message?", lead_type=cast.acme.types[1])
    LeadAttribution.objects.create(lead=other, workspace_id=other.workspace_id, utm_source="newsletter")
    notes.add_note(other, member(cast.agnes), "Asked @adam@example.com")
    tasks.add_task(other, member(cast.agnes), "Call", MONDAY, AGNES)
    tags.tag(other, "VIP", AGNES)
    tags.tag(other, "Berlin", AGNES)
    tags.tag(cast.acme.lead, "Berlin", AGNES)
    working.set_stage(other, cast.acme.types[1].stages.get(name="Contacted"), AGNES)
    return other


def test_a_merge_keeps_the_one_lead_and_takes_over_what_people_did_about_the_other(cast: Cast) -> None:
    other, kept = other_of(cast), cast.acme.lead
    assert merging.carried([other, kept]) == {other.pk: (1, 1), kept.pk: (0, 0)}
    Event.objects.all().delete()
    merging.merge(kept, other, AGNES)
    there = queries.get(cast.acme.workspace, kept.public_id)
    assert (there.name, there.message, there.stage.name) == ("Grace Hopper", "Please call me back.", "New")
    assert LeadNote.objects.get().lead_id == LeadMention.objects.get().lead_id == kept.pk
    assert LeadTask.objects.get().lead_id == kept.pk
    assert queries.as_dict(there)["tags"] == ["Berlin", "VIP"]
    with pytest.raises(Lead.DoesNotExist):
        queries.get(cast.acme.workspace, other.public_id)
    assert {event.kind: event.data for event in Event.objects.all()} == {
        "lead.deleted": {"lead": str(other.public_id), "merged_into": str(kept.public_id)},
        "lead.updated": {"lead": str(kept.public_id), "changed": ["merged"]},
    }
    entry = AuditEntry.objects.get(action="lead.merged")
    assert (entry.subject, entry.changes) == (str(kept.public_id), {"merged": [None, str(other.public_id)]})


def test_what_the_other_lead_said_is_not_lost_when_its_row_goes(cast: Cast) -> None:
    other = other_of(cast)
    merging.merge(cast.acme.lead, other, AGNES)
    trash.delete_for_good(cast.acme.workspace, other.public_id)
    line = LeadActivity.objects.get(lead=cast.acme.lead, kind="merged")
    assert line.data["message"] == "Did you get my message?"
    assert (line.data["name"], line.data["lead_type"], line.data["stage"]) == ("G. Hopper", "Sales", "Contacted")
    assert line.data["came_by"] == {"utm_source": "newsletter"}
    assert LeadNote.objects.filter(lead=cast.acme.lead).count() == 1
    moved = LeadActivity.objects.get(lead=cast.acme.lead, kind="stage")
    assert moved.data == {"from": "New", "to": "Contacted", "of": str(other.public_id)}


def test_a_merge_that_is_taken_back_leaves_both_as_they_were(cast: Cast) -> None:
    other, kept = other_of(cast), cast.acme.lead
    before = {of: _everything_on(of) for of in (kept.pk, other.pk)}
    merging.merge(kept, other, AGNES)
    later = notes.add_note(kept, member(cast.agnes), "One person, two letters")
    working.restore(cast.acme.workspace, other.public_id, AGNES)
    later_on_kept = LeadNote.objects.get(pk=later.pk)
    assert later_on_kept.lead_id == kept.pk
    later_on_kept.delete()
    LeadActivity.objects.filter(kind="restored").delete()
    assert {of: _everything_on(of) for of in (kept.pk, other.pk)} == before
    assert queries.get(cast.acme.workspace, other.public_id).stage.name == "Contacted"


def _everything_on(of: int) -> list[object]:
    models = (LeadNote, LeadMention, LeadTask, LeadTag, LeadActivity)
    skipped = {"id", "at", "edited_at", "seen_at"}
    found: list[object] = []
    for model in models:
        names = [field.attname for field in model._meta.concrete_fields if field.attname not in skipped]
        found.append(sorted(map(str, model._default_manager.filter(lead_id=of).values(*names))))
    return found


def test_what_went_on_to_a_third_lead_comes_back_from_there(cast: Cast) -> None:
    first, second, third = other_of(cast), lead(cast.acme), cast.acme.lead
    merging.merge(second, first, AGNES)
    merging.merge(third, second, AGNES)
    assert LeadNote.objects.get().lead_id == third.pk
    working.restore(cast.acme.workspace, first.public_id, AGNES)
    assert LeadNote.objects.get().lead_id == LeadTask.objects.get().lead_id == first.pk
    working.restore(cast.acme.workspace, second.public_id, AGNES)
    assert LeadNote.objects.get().lead_id == first.pk


def test_a_lead_is_merged_with_another_one_of_its_workspace_only(cast: Cast) -> None:
    for other in (cast.acme.lead, cast.next_door.lead):
        with pytest.raises(ActionError):
            merging.merge(cast.acme.lead, other)
    working.delete_lead(other := lead(cast.acme))
    with pytest.raises(ActionError, match="deleted this lead"):
        merging.merge(cast.acme.lead, other)
    assert DeletedLead.objects.count() == 1
