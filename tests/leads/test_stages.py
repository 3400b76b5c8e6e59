from __future__ import annotations

import pytest

from stagewise.accounts.errors import ActionError
from stagewise.leads import actions
from stagewise.leads.models import LeadType, Stage
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def sales(cast: Cast) -> LeadType:
    return cast.acme.types[1]


def stage(lead_type: LeadType, name: str) -> Stage:
    return lead_type.stages.get(name=name)


def names(lead_type: LeadType) -> list[str]:
    return [each.name for each in lead_type.stages.filter(archived_at=None)]


def test_an_open_stage_is_added_after_the_open_ones_and_an_end_at_the_end(sales: LeadType) -> None:
    actions.add_stage(sales, "Offer")
    actions.add_stage(sales, "No answer", "lost")
    assert names(sales) == ["New", "Contacted", "Qualified", "Offer", "Won", "Lost", "No answer"]
    assert [each.position for each in sales.stages.all()] == list(range(7))


def test_adding_a_stage_that_is_there_changes_nothing(sales: LeadType) -> None:
    assert actions.add_stage(sales, " new ").pk == stage(sales, "New").pk
    assert sales.stages.count() == 5


def test_adding_an_archived_stage_takes_it_out_of_the_archive(sales: LeadType) -> None:
    archived = actions.archive_stage(stage(sales, "Contacted"))
    assert actions.add_stage(sales, "Contacted").pk == archived.pk
    assert names(sales) == ["New", "Qualified", "Won", "Lost", "Contacted"]


def test_a_kind_that_does_not_exist_is_refused(sales: LeadType) -> None:
    with pytest.raises(ActionError) as error:
        actions.add_stage(sales, "Limbo", "maybe")
    assert list(error.value.problems) == ["kind"]


def test_two_stages_of_one_type_have_different_names(sales: LeadType) -> None:
    with pytest.raises(ActionError, match="already"):
        actions.rename_stage(stage(sales, "Won"), "LOST")
    assert actions.rename_stage(stage(sales, "Won"), "WON").name == "WON"


def test_stages_move(sales: LeadType) -> None:
    actions.move_stage(stage(sales, "Lost"), 3)
    assert names(sales) == ["New", "Contacted", "Qualified", "Lost", "Won"]


def test_new_leads_always_begin_in_an_open_stage(sales: LeadType) -> None:
    with pytest.raises(ActionError, match="must be an open stage"):
        actions.move_stage(stage(sales, "Won"), 0)
    for name in ("New", "Contacted"):
        actions.archive_stage(stage(sales, name))
    with pytest.raises(ActionError, match="open stage must stay"):
        actions.archive_stage(stage(sales, "Qualified"))
    assert names(sales) == ["Qualified", "Won", "Lost"]


def test_archiving_twice_and_restoring_twice_is_the_same_as_once(sales: LeadType) -> None:
    once = actions.archive_stage(stage(sales, "Won"))
    assert actions.archive_stage(once).archived_at == once.archived_at
    assert actions.restore_stage(once).archived_at is None
    assert actions.restore_stage(once).position == 4


def test_an_archived_stage_cannot_move(sales: LeadType) -> None:
    with pytest.raises(ActionError, match="no place"):
        actions.move_stage(actions.archive_stage(stage(sales, "Won")), 0)
