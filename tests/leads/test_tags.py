"""Tags: words that leads are marked with."""

from __future__ import annotations

import pytest

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry
from stagewise.leads import queries, tags
from stagewise.leads.models import LeadActivity, LeadTag, Tag
from stagewise.notify.models import Event
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

AGNES = "agnes@example.com"


def test_a_tag_leaves_its_line_its_audit_entry_and_its_event(cast: Cast) -> None:
    made = tags.tag(cast.acme.lead, " VIP ", AGNES)
    tags.tag(cast.acme.lead, "vip", AGNES)
    tags.untag(cast.acme.lead, made, AGNES)
    tags.untag(cast.acme.lead, made, AGNES)
    assert list(LeadActivity.objects.order_by("id").values_list("kind", "actor", "data")) == [
        ("tags", AGNES, {"added": ["VIP"]}),
        ("tags", AGNES, {"removed": ["VIP"]}),
    ]
    told = {"lead": str(cast.acme.lead.public_id), "changed": ["tags"]}
    assert list(Event.objects.values_list("kind", "data")) == [("lead.updated", told)] * 2
    changes = AuditEntry.objects.filter(action="lead.tagged").order_by("id").values_list("changes", flat=True)
    assert list(changes) == [{"tag": [None, "VIP"]}, {"tag": ["VIP", None]}]


def test_one_word_in_any_case_is_one_tag_and_next_door_has_its_own(cast: Cast) -> None:
    first = tags.tag(cast.acme.lead, "VIP")
    assert tags.tag(lead(cast.acme), "vip") == first
    assert tags.tag(cast.next_door.lead, "VIP") != first
    assert [each.name for each in tags.tags_of(cast.acme.workspace)] == ["VIP"]


def test_tags_are_listed_by_name_and_of_many_leads_at_once(
    cast: Cast, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    other = lead(cast.acme)
    for name in ("urgent", "Berlin"):
        tags.tag(cast.acme.lead, name)
    tags.tag(other, "Berlin")
    with django_assert_num_queries(1):  # type: ignore[operator]
        found = tags.names_for([cast.acme.lead, other, cast.next_door.lead])
    assert {pk: [each.name for each in those] for pk, those in found.items()} == {
        cast.acme.lead.pk: ["Berlin", "urgent"],
        other.pk: ["Berlin"],
    }
    assert queries.as_dict(queries.get(cast.acme.workspace, cast.acme.lead.public_id))["tags"] == ["Berlin", "urgent"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "one\ntwo", "\u202e", "a\0b"])
def test_what_is_no_name_is_no_tag(cast: Cast, name: str) -> None:
    with pytest.raises(ActionError) as refused:
        tags.tag(cast.acme.lead, name)
    assert list(refused.value.problems) == ["tag"]
    assert not Tag.objects.exists()


def test_there_are_not_more_tags_than_tell_something_apart(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "MOST_OF_A_LEAD", 2)
    monkeypatch.setattr(tags, "MOST", 3)
    for name in ("one", "two"):
        tags.tag(cast.acme.lead, name)
    with pytest.raises(ActionError, match="at most 2 tags"):
        tags.tag(cast.acme.lead, "three")
    other = lead(cast.acme)
    tags.tag(other, "three")
    with pytest.raises(ActionError, match="3 tags already"):
        tags.tag(other, "four")
    assert LeadTag.objects.count() == 3
