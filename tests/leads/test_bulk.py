"""Changing many leads at once, and taking it back."""

from __future__ import annotations

import pytest

from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Member
from stagewise.leads import bulk, tags, working
from stagewise.leads.finding import Filters
from stagewise.leads.models import BulkChange, BulkKind, BulkLead, Lead, LeadTag
from stagewise.notify.models import Event
from stagewise.worker import retention
from stagewise.worker.slices import Slices
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

LONG = 60


@pytest.fixture
def agnes(cast: Cast) -> Member:
    return Member.objects.select_related("workspace", "user").get(user=cast.agnes)


def leads(cast: Cast, count: int = 3, kind: int = 0) -> list[Lead]:
    return [lead(cast.acme, lead_type=cast.acme.types[kind]) for _ in range(count)]


def ids(of: list[Lead]) -> list[int]:
    return [each.pk for each in of]


def stages(of: list[Lead]) -> list[str]:
    return [Lead.objects.get(pk=each.pk).stage.name for each in of]


def do(member: Member, kind: BulkKind, value: str = "", **which: object) -> BulkChange:
    return bulk.go_on(bulk.begin(member, kind, value=value, **which), LONG)  # type: ignore[arg-type]


def undo(change: BulkChange) -> BulkChange:
    return bulk.go_on(bulk.take_back(change), LONG)


def test_leads_move_each_within_its_own_type_and_back(cast: Cast, agnes: Member) -> None:
    made = [*leads(cast, 2), *leads(cast, 1, kind=1)]
    working.set_stage(made[0], cast.acme.types[0].stages.get(name="Contacted"))
    change = do(agnes, BulkKind.STAGE, "won", ids=ids(made))
    assert (stages(made), change.changed, change.handled) == (["Won"] * 3, 3, 3)
    assert change.ended_at is not None
    kinds = list(Event.objects.values_list("kind", flat=True))
    assert kinds.count("lead.stage_changed") == 4
    back = undo(change)
    assert stages(made) == ["Contacted", "New", "New"]
    assert back.ended_at is not None
    assert not BulkLead.objects.exists()


def test_a_type_without_that_stage_is_left_and_said(cast: Cast, agnes: Member) -> None:
    cast.acme.types[1].stages.filter(name="Qualified").delete()
    made = [*leads(cast, 1), *leads(cast, 2, kind=1)]
    change = do(agnes, BulkKind.STAGE, "Qualified", ids=ids(made))
    assert stages(made) == ["Qualified", "New", "New"]
    assert change.refused == {"Leads of the type “Sales” have no stage “Qualified”.": 2}


def test_leads_are_assigned_and_what_somebody_has_changed_since_is_not_taken_back(cast: Cast, agnes: Member) -> None:
    made, adam = leads(cast), Member.objects.get(user=cast.adam)
    working.assign(made[2], adam)
    change = do(agnes, BulkKind.ASSIGN, str(agnes.pk), ids=ids(made))
    assert set(Lead.objects.filter(pk__in=ids(made)).values_list("owner", flat=True)) == {agnes.pk}
    working.assign(Lead.objects.get(pk=made[0].pk), adam)
    back = undo(change)
    owners = [Lead.objects.get(pk=each.pk).owner_id for each in made]
    assert owners == [adam.pk, None, adam.pk]
    assert back.refused == {"Somebody changed this lead in the meantime.": 1}


def test_tags_come_and_go_and_only_what_was_changed_is_taken_back(cast: Cast, agnes: Member) -> None:
    made = leads(cast)
    tags.tag(made[0], "VIP")
    change = do(agnes, BulkKind.TAG, "vip", ids=ids(made))
    assert (LeadTag.objects.count(), change.changed) == (3, 2)
    undo(change)
    assert LeadTag.objects.get().lead_id == made[0].pk
    untagged = do(agnes, BulkKind.UNTAG, "VIP", ids=ids(made))
    assert (LeadTag.objects.count(), untagged.changed) == (0, 1)
    undo(untagged)
    assert LeadTag.objects.get().lead_id == made[0].pk


def test_deleted_leads_come_back_as_they_were(cast: Cast, agnes: Member) -> None:
    made = leads(cast)
    tags.tag(made[0], "VIP")
    change = do(agnes, BulkKind.DELETE, ids=ids(made))
    assert not Lead.objects.filter(pk__in=ids(made)).exists()
    undo(change)
    assert Lead.objects.filter(pk__in=ids(made)).count() == 3
    assert LeadTag.objects.get().lead_id == made[0].pk


def test_all_that_match_are_found_again_slice_by_slice(
    cast: Cast, agnes: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_FOUND_AT_ONCE", 2)
    made, others = [lead(cast.acme, name="Ada") for _ in range(7)], leads(cast, 2)
    filters = Filters(search="ada", owner="nobody").seen_by(agnes)
    change = bulk.begin(agnes, BulkKind.ASSIGN, value=str(agnes.pk), filters=filters)
    assert change.total == 7
    change = bulk.go_on(change, LONG)
    assert (change.handled, change.changed) == (7, 7)
    assert Lead.objects.filter(owner=agnes).count() == 7
    assert {Lead.objects.get(pk=each.pk).owner_id for each in others} == {None}
    undo(change)
    assert not Lead.objects.filter(pk__in=ids(made)).exclude(owner=None).exists()


def test_no_more_than_the_newest_so_many_are_changed(
    cast: Cast, agnes: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_MOST", 4)
    made = leads(cast, 6)
    change = do(agnes, BulkKind.ASSIGN, str(agnes.pk), filters=Filters())
    assert change.changed == 4
    assert [Lead.objects.get(pk=each.pk).owner_id for each in made] == [None, None, *[agnes.pk] * 4]


def test_what_a_request_leaves_the_worker_finishes(cast: Cast, agnes: Member) -> None:
    made = leads(cast, 5)
    change = bulk.go_on(bulk.begin(agnes, BulkKind.ASSIGN, value=str(agnes.pk), ids=ids(made)), seconds=0)
    assert change.ended_at is None
    assert bulk.running(agnes) == [change]
    assert bulk.work(LONG) == 5
    assert bulk.work(LONG) == 0
    assert BulkChange.objects.get().ended_at is not None
    # Done at once: that has been said.
    assert bulk.running(agnes) == []


def test_taking_it_back_in_the_middle_leaves_the_rest_as_it_is(
    cast: Cast, agnes: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_SLICE_S", 0.0)
    made = leads(cast, 4)
    change = bulk._slice(bulk.begin(agnes, BulkKind.STAGE, value="Won", ids=ids(made)))
    assert (change.handled, change.ended_at) == (1, None)
    back = undo(change)
    assert stages(made) == ["New"] * 4
    assert (back.total, back.ended_at is not None) == (1, True)
    assert bulk.take_back(back).undone_at == back.undone_at


def test_two_who_work_on_it_at_once_do_nothing_twice(cast: Cast, agnes: Member) -> None:
    made = leads(cast, 2)
    begun = bulk.begin(agnes, BulkKind.ASSIGN, value=str(agnes.pk), ids=ids(made))
    done = bulk.go_on(BulkChange.objects.get(pk=begun.pk), LONG)
    again = bulk._slice(begun)
    assert (again.handled, again.changed, again.ended_at) == (done.handled, done.changed, done.ended_at)


@pytest.mark.parametrize(
    ("kind", "value", "field"),
    [
        (BulkKind.ASSIGN, "99999", "owner"),
        (BulkKind.ASSIGN, "x", "owner"),
        (BulkKind.STAGE, "Nowhere", "stage"),
        (BulkKind.TAG, " ", "tag"),
        (BulkKind.TAG, "x" * 61, "tag"),
        (BulkKind.UNTAG, "unknown", "tag"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_changed(
    cast: Cast, agnes: Member, kind: BulkKind, value: str, field: str
) -> None:
    with pytest.raises(ActionError) as refused:
        bulk.begin(agnes, kind, value=value, ids=[cast.acme.lead.pk])
    assert field in refused.value.problems
    with pytest.raises(ActionError, match="Mark at least one"):
        bulk.begin(agnes, BulkKind.DELETE)
    assert not BulkChange.objects.exists()


def test_leads_of_another_workspace_are_not_touched(cast: Cast, agnes: Member) -> None:
    do(agnes, BulkKind.DELETE, ids=[cast.next_door.lead.pk, cast.acme.lead.pk])
    assert list(Lead.objects.values_list("pk", flat=True)) == [cast.next_door.lead.pk]


def test_after_a_week_nobody_takes_it_back(cast: Cast, agnes: Member) -> None:
    import threading

    change = do(agnes, BulkKind.ASSIGN, str(agnes.pk), ids=[cast.acme.lead.pk])
    BulkChange.objects.update(ended_at=now_ms() - 8 * 86_400_000)
    for _ in range(2):
        retention.prune(Slices(threading.Event()))
    assert not BulkLead.objects.exists()
    assert not BulkChange.objects.exists()
    with pytest.raises(ActionError, match="too long ago"):
        bulk.take_back(change)
