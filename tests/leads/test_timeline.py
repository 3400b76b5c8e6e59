"""What happened to a lead, line by line."""

from __future__ import annotations

import pytest

from stagewise.accounts.models import Member
from stagewise.leads import held, notes, working
from stagewise.leads.models import LeadActivity, LeadNote, LeadRepeat
from stagewise.leads.timeline import timeline
from tests.support import cast as casting
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

AGNES = "agnes@example.com"


def kinds(of: object) -> list[str]:
    return [line.kind for line in timeline(of)]  # type: ignore[arg-type]


def test_it_goes_from_now_to_how_it_came(cast: Cast) -> None:
    agnes = Member.objects.select_related("user").get(user=cast.agnes)
    found = lead(cast.acme, created_at=1_000)
    LeadRepeat.objects.create(lead=found, workspace_id=found.workspace_id, count=2, first_at=2_000, last_at=3_000)
    told = casting.delivery(casting.channel(cast.acme), lead_id=found.pk, at=4_000)
    working.set_stage(found, found.lead_type.stages.get(name="Contacted"), AGNES)
    LeadActivity.objects.update(at=5_000)
    notes.add_note(found, agnes, "Called")
    LeadNote.objects.update(at=6_000)
    came, repeated, delivery, stage, note = reversed(timeline(found))
    assert (came.kind, came.at) == ("came", 1_000)
    assert (repeated.kind, repeated.data) == ("repeated", {"count": 2, "first_at": 2_000})
    assert (delivery.kind, delivery.delivery) == ("delivery", told)
    assert (stage.kind, stage.actor, stage.data) == ("stage", AGNES, {"from": "New", "to": "Contacted"})
    assert (note.kind, note.actor, note.note and note.note.text) == ("note", AGNES, "Called")


def test_a_lead_added_by_hand_did_not_come_in(cast: Cast) -> None:
    made = working.add(
        cast.acme.workspace, {"name": "Ada", "phone": "+44 20 7946 0958", "email": "ada@example.com"}, AGNES
    )
    assert kinds(made) == ["added"]


def test_a_lead_that_was_held_was_released(cast: Cast) -> None:
    [made] = held.release(cast.acme.workspace, [cast.acme.held.public_id])
    assert kinds(made) == ["released", "came"]


def test_of_a_long_story_the_newest_is_told_in_as_many_queries(
    cast: Cast, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    found = cast.acme.lead
    agnes = Member.objects.get(user=cast.agnes)
    LeadActivity.objects.bulk_create(
        LeadActivity(workspace_id=found.workspace_id, lead=found, kind="tags", at=found.created_at + each)
        for each in range(1, 300)
    )
    LeadNote.objects.bulk_create(
        LeadNote(workspace=cast.acme.workspace, lead=found, member=agnes, text=str(each), at=found.created_at + each)
        for each in range(300, 400)
    )
    with django_assert_num_queries(4):  # type: ignore[operator]
        told = timeline(found)
        assert {line.note.member.user.email for line in told if line.note and line.note.member} == {AGNES}
    assert [line.kind for line in told] == ["note"] * 100 + ["tags"] * 100
    assert len(timeline(found, 5_000)) == 400


def test_a_deleted_note_is_not_told_of(cast: Cast) -> None:
    agnes = Member.objects.select_related("user").get(user=cast.agnes)
    notes.delete_note(notes.add_note(cast.acme.lead, agnes, "Called"), agnes)
    assert kinds(cast.acme.lead) == ["came"]
