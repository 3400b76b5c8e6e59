"""What of the leads waits for one member."""

from __future__ import annotations

import pytest

from stagewise.accounts.models import Member
from stagewise.leads import attention
from stagewise.leads.models import LeadMention, LeadNote, LeadTask
from stagewise.leads.working import delete_lead
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

NOW = 1_800_000_000_000


@pytest.fixture
def agnes(cast: Cast) -> Member:
    return Member.objects.get(user=cast.agnes)


def task(cast: Cast, text: str, due_at: int, member: Member | None = None, **fields: object) -> LeadTask:
    values = {"text": text, "due_at": due_at, "created_at": NOW, "member": member, **fields}
    return LeadTask.objects.create(workspace=cast.acme.workspace, lead=cast.acme.lead, **values)


def test_tasks_of_mine_and_of_everybody_are_due_the_oldest_first(cast: Cast, agnes: Member) -> None:
    adam = Member.objects.get(user=cast.adam)
    task(cast, "everybody", NOW - 1)
    task(cast, "mine", NOW - 2, agnes)
    task(cast, "adam's", NOW - 3, adam)
    task(cast, "done", NOW - 4, agnes, done_at=NOW)
    task(cast, "later", NOW + 1, agnes)
    assert [each.text for each in attention.tasks_due(agnes, NOW, 5)] == ["mine", "everybody"]
    assert [each.text for each in attention.tasks_due(agnes, NOW, 1)] == ["mine"]


def test_mentions_wait_until_they_are_seen_and_go_with_their_lead(cast: Cast, agnes: Member) -> None:
    there = lead(cast.acme)
    note = LeadNote.objects.create(workspace=cast.acme.workspace, lead=there, text="@agnes look", at=NOW, member=agnes)
    made = LeadMention.objects.create(workspace_id=cast.acme.workspace.pk, note=note, lead=there, member=agnes, at=NOW)
    assert attention.mentions(agnes, 5) == [made]
    delete_lead(there)
    assert attention.mentions(agnes, 5) == []
    LeadMention.objects.filter(pk=made.pk).update(seen_at=NOW)
    assert attention.mentions(agnes, 5) == []
