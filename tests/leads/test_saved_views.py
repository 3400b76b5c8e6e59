"""Ways of looking at the leads that are kept under a name."""

from __future__ import annotations

import pytest

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry, Member
from stagewise.leads import saved
from stagewise.leads.finding import Filters
from stagewise.leads.models import SavedView
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def agnes(cast: Cast) -> Member:
    return Member.objects.select_related("workspace", "user").get(user=cast.agnes)


@pytest.fixture
def vera(cast: Cast) -> Member:
    return Member.objects.select_related("workspace", "user").get(user=cast.vera)


def shown(member: Member) -> list[str]:
    return [each.name for each in saved.views_for(member)]


def test_each_sees_their_own_and_everybodys(cast: Cast, agnes: Member, vera: Member) -> None:
    saved.save(agnes, "Mine", Filters(owner="me"))
    saved.save(agnes, "Ours", Filters(kind="won"), shared=True)
    stan = Member.objects.get(user=cast.stan)
    assert (shown(agnes), shown(vera), shown(stan)) == (["Mine", "Ours"], ["Ours"], [])
    assert AuditEntry.objects.filter(action="view.saved").count() == 1


def test_the_same_name_again_replaces_what_it_shows(agnes: Member) -> None:
    first = saved.save(agnes, "Mine", Filters(owner="me"))
    again = saved.save(agnes, " mine ", Filters(owner="me", sort="name"))
    assert first.pk == again.pk
    assert SavedView.objects.get().query == "owner=me&sort=name"


def test_a_name_and_a_filter_are_needed_and_there_is_an_end(agnes: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, filters in (("", Filters(owner="me")), ("x" * 61, Filters(owner="me")), ("All", Filters())):
        with pytest.raises(ActionError):
            saved.save(agnes, name, filters)
    monkeypatch.setattr(saved, "MOST", 1)
    saved.save(agnes, "One", Filters(owner="me"))
    with pytest.raises(ActionError, match="Delete one first"):
        saved.save(agnes, "Two", Filters(owner="me"))
    saved.save(agnes, "Two", Filters(owner="me"), shared=True)


def test_views_are_renamed_moved_and_deleted(agnes: Member) -> None:
    made = [saved.save(agnes, name, Filters(owner="me")) for name in ("A", "B", "C")]
    saved.move(agnes, made[2], -1)
    assert shown(agnes) == ["A", "C", "B"]
    saved.move(agnes, made[0], 5)
    assert shown(agnes) == ["C", "B", "A"]
    saved.move(agnes, made[2], -1)
    saved.rename(made[0], "Z", "agnes@example.com")
    saved.delete(made[1], "agnes@example.com")
    assert shown(agnes) == ["C", "Z"]
    with pytest.raises(ActionError):
        saved.rename(made[0], " ", "agnes@example.com")
