from __future__ import annotations

from collections.abc import Callable

import pytest

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry, Workspace
from stagewise.leads import actions, queries
from stagewise.leads.models import LeadType
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db


def names(workspace: Workspace) -> list[str]:
    return [each.name for each in queries.lead_types(workspace, archived=False)]


def version(workspace: Workspace) -> int:
    return Workspace.objects.get(pk=workspace.pk).types_version


def test_a_new_lead_type_comes_last_with_the_usual_stages(cast: Cast) -> None:
    added = actions.add_lead_type(cast.acme.workspace, " Repairs ")
    assert names(cast.acme.workspace) == ["General", "Sales", "Support", "Repairs"]
    assert queries.lead_type_as_dict(added) == {
        "name": "Repairs",
        "position": 3,
        "default": False,
        "archived": False,
        "stages": [
            {"name": "New", "kind": "open"},
            {"name": "Contacted", "kind": "open"},
            {"name": "Qualified", "kind": "open"},
            {"name": "Won", "kind": "won"},
            {"name": "Lost", "kind": "lost"},
        ],
    }


@pytest.mark.parametrize("name", ["sales", "SALES", " Sales\t", "Sales"])
def test_adding_a_type_that_is_there_changes_nothing(cast: Cast, name: str) -> None:
    before = version(cast.acme.workspace)
    assert actions.add_lead_type(cast.acme.workspace, name).pk == cast.acme.types[1].pk
    assert version(cast.acme.workspace) == before


def test_the_same_name_in_two_spellings_of_unicode_is_one_type(cast: Cast) -> None:
    composed = actions.add_lead_type(cast.acme.workspace, "Café")
    assert actions.add_lead_type(cast.acme.workspace, "Cafe\u0301").pk == composed.pk


def test_a_long_s_makes_another_type_because_the_lane_tells_them_apart(cast: Cast) -> None:
    assert actions.add_lead_type(cast.acme.workspace, "Saleſ").pk != cast.acme.types[1].pk


def test_adding_an_archived_type_takes_it_out_of_the_archive(cast: Cast) -> None:
    actions.archive_lead_type(cast.acme.types[0])
    again = actions.add_lead_type(cast.acme.workspace, "general")
    assert again.pk == cast.acme.types[0].pk
    assert names(cast.acme.workspace) == ["Sales", "Support", "General"]


@pytest.mark.parametrize("name", ["", " ", "\u200b", "a\nb", "a\x00b", "x" * 101, "\ufdd0"])
def test_a_name_that_no_website_could_send_is_refused(cast: Cast, name: str) -> None:
    with pytest.raises(ActionError) as error:
        actions.add_lead_type(cast.acme.workspace, name)
    assert list(error.value.problems) == ["name"]


def test_archiving_the_first_type_makes_the_next_the_default(cast: Cast) -> None:
    actions.archive_lead_type(cast.acme.types[0])
    shown = [queries.lead_type_as_dict(each) for each in queries.lead_types(cast.acme.workspace)]
    assert [(each["name"], each["default"], each["archived"]) for each in shown] == [
        ("Sales", True, False),
        ("Support", False, False),
        ("General", False, True),
    ]


def test_archiving_again_changes_nothing(cast: Cast) -> None:
    first = actions.archive_lead_type(cast.acme.types[0])
    before = version(cast.acme.workspace)
    assert actions.archive_lead_type(first).archived_at == first.archived_at
    assert version(cast.acme.workspace) == before


def test_the_last_active_type_cannot_be_archived(cast: Cast) -> None:
    for each in cast.acme.types[:2]:
        actions.archive_lead_type(each)
    with pytest.raises(ActionError, match="last lead type in use"):
        actions.archive_lead_type(cast.acme.types[2])
    assert names(cast.acme.workspace) == ["Support"]


def test_restoring_is_refused_while_another_type_has_the_name(cast: Cast) -> None:
    archived = actions.archive_lead_type(cast.acme.types[0])
    actions.rename_lead_type(cast.acme.types[1], "General")
    with pytest.raises(ActionError, match="already"):
        actions.restore_lead_type(archived)
    actions.rename_lead_type(archived, "General of old")
    assert actions.restore_lead_type(archived).position == 2


@pytest.mark.parametrize(
    ("to", "order"),
    [
        (0, ["Support", "General", "Sales"]),
        (1, ["General", "Support", "Sales"]),
        (2, ["General", "Sales", "Support"]),
        (99, ["General", "Sales", "Support"]),
    ],
)
def test_a_type_moves_to_any_place(cast: Cast, to: int, order: list[str]) -> None:
    actions.move_lead_type(cast.acme.types[2], to)
    assert names(cast.acme.workspace) == order
    assert [each.position for each in queries.lead_types(cast.acme.workspace)] == [0, 1, 2]


def test_an_archived_type_has_no_place(cast: Cast) -> None:
    with pytest.raises(ActionError, match="archived"):
        actions.move_lead_type(actions.archive_lead_type(cast.acme.types[2]), 0)


def test_renaming_to_the_name_of_another_is_refused_but_to_another_case_of_its_own_is_not(cast: Cast) -> None:
    with pytest.raises(ActionError, match="already"):
        actions.rename_lead_type(cast.acme.types[0], "sales")
    assert actions.rename_lead_type(cast.acme.types[1], "SALES").name == "SALES"
    assert LeadType.objects.get(pk=cast.acme.types[1].pk).name_key == "sales"


def test_every_change_gives_the_types_a_new_version_and_an_audit_entry(cast: Cast) -> None:
    there, kind = cast.acme, cast.acme.types[1]
    stage = kind.stages.get(name="Contacted")
    changes: dict[str, Callable[[], object]] = {
        "lead_type.added": lambda: actions.add_lead_type(there.workspace, "Repairs", "olga@example.com"),
        "lead_type.renamed": lambda: actions.rename_lead_type(kind, "Selling", "olga@example.com"),
        "lead_type.moved": lambda: actions.move_lead_type(kind, 0, "olga@example.com"),
        "lead_type.archived": lambda: actions.archive_lead_type(kind, "olga@example.com"),
        "lead_type.restored": lambda: actions.restore_lead_type(kind, "olga@example.com"),
        "stage.added": lambda: actions.add_stage(kind, "Offer", "open", "olga@example.com"),
        "stage.renamed": lambda: actions.rename_stage(stage, "Called", "olga@example.com"),
        "stage.moved": lambda: actions.move_stage(stage, 2, "olga@example.com"),
        "stage.archived": lambda: actions.archive_stage(stage, "olga@example.com"),
        "stage.restored": lambda: actions.restore_stage(stage, "olga@example.com"),
    }
    for action, change in changes.items():
        before = version(there.workspace)
        change()
        assert version(there.workspace) != before, action
        entry = AuditEntry.objects.latest("id")
        assert (entry.action, entry.actor, entry.workspace_id) == (action, "olga@example.com", there.workspace.pk)


def test_a_workspace_never_sees_the_types_of_another(cast: Cast) -> None:
    actions.add_lead_type(cast.next_door.workspace, "Secret")
    assert "Secret" not in names(cast.acme.workspace)
