from __future__ import annotations

import pytest

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry, Workspace
from stagewise.leads import actions, aliases
from stagewise.leads.models import LeadTypeAlias, UnmatchedName
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db


def came(cast: Cast, name: str, count: int = 1) -> None:
    UnmatchedName.objects.create(
        workspace_id=cast.acme.workspace.pk, name=name, name_key=name.lower(), count=count, last_at=count
    )


def types_version(cast: Cast) -> int:
    return Workspace.objects.get(pk=cast.acme.workspace.pk).types_version


def test_an_alias_holds_for_the_next_call_and_settles_what_was_unmatched(cast: Cast) -> None:
    came(cast, "Wholesale")
    before = types_version(cast)
    alias = aliases.add_alias(cast.acme.types[1], " Wholesale ", "adam@example.com")
    assert (alias.name, alias.name_key) == ("Wholesale", "wholesale")
    assert types_version(cast) != before
    assert aliases.unmatched(cast.acme.workspace) == []
    assert AuditEntry.objects.get(action="lead_type.alias_added").changes == {"alias": [None, "Wholesale"]}
    before = types_version(cast)
    aliases.remove_alias(alias, "adam@example.com")
    aliases.remove_alias(alias, "adam@example.com")
    assert types_version(cast) != before
    assert AuditEntry.objects.filter(action="lead_type.alias_removed").count() == 1


def test_the_same_alias_twice_is_one(cast: Cast) -> None:
    first, again = (aliases.add_alias(cast.acme.types[1], name) for name in ("Shop", "SHOP"))
    assert first == again


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("support", "is the name of a lead type already"),
        ("Taken", "“Taken” means “General” already"),
        (" ", "Give it a name"),
        ("x" * 101, "at most 100"),
        ("a\nb", "one line"),
    ],
)
def test_a_name_that_is_somebodys_or_none_is_refused_with_words(cast: Cast, name: str, said: str) -> None:
    aliases.add_alias(cast.acme.types[0], "Taken")
    with pytest.raises(ActionError, match=said):
        aliases.add_alias(cast.acme.types[1], name)


def test_there_is_an_end_to_aliases(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aliases, "MOST", 1)
    aliases.add_alias(cast.acme.types[0], "One")
    with pytest.raises(ActionError, match="Remove one first"):
        aliases.add_alias(cast.acme.types[0], "Two")
    aliases.add_alias(cast.next_door.types[0], "Two")


def test_two_workspaces_use_the_same_alias_for_themselves(cast: Cast) -> None:
    aliases.add_alias(cast.acme.types[0], "Shop")
    aliases.add_alias(cast.next_door.types[1], "Shop")
    assert LeadTypeAlias.objects.filter(name_key="shop").count() == 2


def test_names_that_came_most_often_are_listed_first_until_they_are_somebodys(cast: Cast) -> None:
    came(cast, "Rare")
    came(cast, "Frequent", 9)
    came(cast, "Forgotten", 5)
    aliases.dismiss(cast.acme.workspace, "forgotten")
    aliases.dismiss(cast.next_door.workspace, "rare")
    assert [each.name for each in aliases.unmatched(cast.acme.workspace)] == ["Frequent", "Rare"]
    actions.add_lead_type(cast.acme.workspace, "Frequent")
    assert [each.name for each in aliases.unmatched(cast.acme.workspace)] == ["Rare"]
    assert aliases.unmatched(cast.next_door.workspace) == []
