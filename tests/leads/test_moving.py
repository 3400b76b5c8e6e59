from __future__ import annotations

import pytest

from stagewise.accounts.errors import ActionError
from stagewise.leads import actions, moving
from stagewise.leads.models import Lead, LeadActivity, Stage
from stagewise.notify.models import Event
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db


def stage(cast: Cast, name: str, type_: int = 0) -> Stage:
    return cast.acme.types[type_].stages.get(name=name)


def names(of: Stage) -> set[str]:
    return set(Lead.objects.filter(stage=of).values_list("name", flat=True))


def test_the_leads_of_a_stage_go_to_another_each_with_its_line_and_its_event(cast: Cast) -> None:
    lead(cast.acme, name="Ada")
    lead(cast.acme, name="Only a test", test=True)
    lead(cast.acme, name="Elsewhere", stage=stage(cast, "Qualified"))
    assert moving.to_stage([stage(cast, "New")], stage(cast, "Contacted"), "adam@example.com") == (3, False)
    assert names(stage(cast, "Contacted")) == {"Grace Hopper", "Ada", "Only a test"}
    assert names(stage(cast, "Qualified")) == {"Elsewhere"}
    lines = LeadActivity.objects.filter(kind="stage")
    assert {(line.actor, line.data["from"], line.data["to"]) for line in lines} == {
        ("adam@example.com", "New", "Contacted")
    }
    events = Event.objects.filter(kind="lead.stage_changed")
    assert {(each.data or {})["previous_stage"] for each in events} == {"New"}
    assert events.count() == 2


def test_the_open_leads_of_a_type_become_leads_of_another(cast: Cast) -> None:
    lead(cast.acme, name="Done", stage=stage(cast, "Won"))
    assert moving.to_type(cast.acme.types[0], cast.acme.types[1]).leads == 1
    moved = Lead.objects.get(pk=cast.acme.lead.pk)
    assert (moved.lead_type, moved.stage) == (cast.acme.types[1], stage(cast, "New", 1))
    assert names(stage(cast, "Won")) == {"Done"}


def test_one_click_moves_so_many_and_says_that_there_are_more(cast: Cast) -> None:
    for number in range(4):
        lead(cast.acme, name=f"Visitor {number}")
    assert moving.to_stage([stage(cast, "New")], stage(cast, "Contacted"), at_most=3) == (3, True)
    assert moving.to_stage([stage(cast, "New")], stage(cast, "Contacted"), at_most=3) == (2, False)


def test_nothing_is_moved_to_where_it_may_not_stand(cast: Cast) -> None:
    source = [stage(cast, "New")]
    with pytest.raises(ActionError, match="is archived"):
        moving.to_stage(source, actions.archive_stage(stage(cast, "Contacted")))
    with pytest.raises(ActionError, match="of this workspace"):
        moving.to_stage(source, cast.next_door.types[0].stages.get(name="Won"))
    with pytest.raises(ActionError, match="another lead type"):
        moving.to_type(cast.acme.types[0], cast.acme.types[0])
    assert names(source[0]) == {"Grace Hopper"}


def test_leads_are_counted_up_to_a_cap(cast: Cast) -> None:
    lead(cast.acme)
    lead(cast.acme)
    assert moving.in_stages([stage(cast, "New")]) == 3
    assert moving.in_stages([stage(cast, "New")], at_most=1) == 2
    assert moving.in_stages([]) == 0
