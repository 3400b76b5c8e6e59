"""Follow-ups."""

from __future__ import annotations

import pytest

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry, Member, User
from stagewise.leads import tasks, working
from stagewise.leads.models import LeadActivity, LeadTask
from stagewise.notify.models import Event
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

AGNES = "agnes@example.com"
MONDAY, DAY = 1_900_000_000_000, 86_400_000


def member(user: User) -> Member:
    return Member.objects.get(user=user)


def test_what_is_planned_done_and_taken_up_again_leaves_its_lines(cast: Cast) -> None:
    task = tasks.add_task(cast.acme.lead, member(cast.agnes), " Call again ", MONDAY, AGNES)
    tasks.postpone(task, MONDAY + DAY, AGNES)
    tasks.finish(task, AGNES)
    tasks.finish(task, AGNES)
    assert tasks.reopen(task, AGNES).done_at is None
    tasks.remove(task, AGNES)
    tasks.remove(task, AGNES)
    of_it = {"task": task.pk, "text": "Call again", "due_at": MONDAY + DAY}
    assert list(LeadActivity.objects.order_by("id").values_list("kind", "data")) == [
        ("task", {**of_it, "due_at": MONDAY}),
        ("task", {**of_it, "was_due_at": MONDAY}),
        ("task_done", of_it),
        ("task", {**of_it, "reopened": True}),
        ("task", {**of_it, "removed": True}),
    ]
    assert not LeadTask.objects.exists()
    assert not Event.objects.exists()
    assert AuditEntry.objects.filter(action="lead.task_done", actor=AGNES).count() == 1


def test_a_task_without_words_is_a_follow_up(cast: Cast) -> None:
    assert tasks.add_task(cast.acme.lead, None, " ", MONDAY).text == "Follow up"


@pytest.mark.parametrize(
    ("text", "due_at", "field"),
    [("x" * 201, MONDAY, "text"), ("a\nb", MONDAY, "text"), ("Call", 0, "due"), ("Call", 2**62, "due")],
)
def test_what_cannot_be_planned_is_refused_by_field(cast: Cast, text: str, due_at: int, field: str) -> None:
    with pytest.raises(ActionError) as refused:
        tasks.add_task(cast.acme.lead, None, text, due_at)
    assert list(refused.value.problems) == [field]


def test_tasks_are_given_to_members_of_the_workspace_only(cast: Cast) -> None:
    Member.objects.filter(user=cast.agnes).update(deactivated_at=1)
    for user in (cast.stan, cast.agnes):
        with pytest.raises(ActionError) as refused:
            tasks.add_task(cast.acme.lead, member(user), "Call", MONDAY)
        assert list(refused.value.problems) == ["member"]


def test_a_lead_has_no_endless_list_of_tasks(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "MOST", 1)
    task = tasks.add_task(cast.acme.lead, None, "Call", MONDAY)
    with pytest.raises(ActionError, match="1 open"):
        tasks.add_task(cast.acme.lead, None, "Write", MONDAY)
    tasks.finish(task)
    tasks.add_task(cast.acme.lead, None, "Write", MONDAY)


def test_what_is_due_is_ones_own_and_everybodys_the_most_urgent_first(cast: Cast) -> None:
    later = tasks.add_task(cast.acme.lead, member(cast.agnes), "later", MONDAY + DAY)
    mine = tasks.add_task(cast.acme.lead, member(cast.agnes), "mine", MONDAY)
    all_ours = tasks.add_task(lead(cast.acme), None, "everybody's", MONDAY - 1)
    his = tasks.add_task(cast.acme.lead, member(cast.adam), "Adam's", MONDAY)
    done = tasks.add_task(cast.acme.lead, member(cast.agnes), "done", MONDAY)
    tasks.finish(done)
    tasks.add_task(cast.next_door.lead, None, "next door", MONDAY)
    assert tasks.due(cast.acme.workspace, member(cast.agnes), MONDAY) == [all_ours, mine]
    assert tasks.due(cast.acme.workspace, None, MONDAY) == [all_ours, mine, his]
    assert tasks.due(cast.acme.workspace, member(cast.agnes), MONDAY + DAY) == [all_ours, mine, later]
    assert tasks.due(cast.acme.workspace, None, MONDAY + DAY, at_most=1) == [all_ours]
    assert tasks.count_due(cast.acme.workspace, member(cast.agnes), MONDAY) == 2
    assert tasks.count_due(cast.acme.workspace, None, MONDAY) == 3
    assert tasks.count_due(cast.acme.workspace, None, MONDAY, at_most=1) == 1
    assert tasks.of_lead(cast.acme.lead) == [mine, his, later, done]


def test_nothing_is_due_for_a_deleted_lead_until_it_is_back(cast: Cast) -> None:
    task = tasks.add_task(cast.acme.lead, None, "Call", MONDAY)
    working.delete_lead(cast.acme.lead)
    assert tasks.due(cast.acme.workspace, None, MONDAY) == []
    assert tasks.count_due(cast.acme.workspace, None, MONDAY) == 0
    working.restore(cast.acme.workspace, cast.acme.lead.public_id)
    assert tasks.due(cast.acme.workspace, None, MONDAY) == [task]
