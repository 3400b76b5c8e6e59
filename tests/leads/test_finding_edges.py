"""What finding does at its edges: cursors that somebody has changed, time that is up, leads that were held."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Workspace
from stagewise.leads import finding, held
from stagewise.leads.finding import Budget, Cursor, Filters, walking
from stagewise.leads.finding.patience import TooLate, broken_off_after
from stagewise.leads.models import HeldLead, Lead
from stagewise.worker.derive import derive
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

DAY = 86_400_000


def packed(*values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "%00",
        "é",
        "=" * 50,
        "A" * 5_000,
        packed(),
        packed("newest", 0, 5),
        packed("newest", 0, "5", 5),
        packed("newest", 0, 5, -1),
        packed("newest", 0, 5, 2**63),
        packed("newest", 2, 5, 5),
        packed("newest", True, 5, 5),
        packed("newest", 0, 1.5, 5),
        packed("newest", 0, None, 5),
        packed("name", 1, "a\0", 5),
        packed("name", 1, "a" * 500, 5),
        packed("name", 1, 7, 5),
        packed("name", 0, "a", 5),
        packed("name", 1, "\ud800", 5),
        packed("nonsense", 0, 5, 5),
    ],
)
def test_a_cursor_that_is_none_leads_to_the_beginning(text: str) -> None:
    assert finding.read(text, "newest") is None
    assert finding.read(text, "name") is None


def test_a_cursor_of_another_order_leads_to_the_beginning(cast: Cast) -> None:
    cursor = Cursor("oldest", 0, 10**6, 10**6)
    assert finding.read(str(cursor), "oldest") == cursor
    assert finding.read(str(cursor), "newest") is None
    assert len(finding.find(cast.acme.workspace, Filters(), cursor).leads) == 1


@pytest.mark.parametrize("sort", ["newest", "oldest", "changed", "name", "due"])
def test_a_made_up_cursor_shows_no_lead_of_anybody_else(cast: Cast, sort: str) -> None:
    derive(10)
    for part, key in ((0, 0), (0, 2**62), (1, 2**62), (1, "a"), (1, "")):
        cursor = finding.read(str(Cursor(sort, part, key, 2**62)), sort)
        found = finding.find(cast.acme.workspace, Filters(sort=sort), cursor)
        assert {each.pk for each in found.leads} <= {cast.acme.lead.pk}


def test_when_time_is_up_the_page_says_how_far_it_looked_and_goes_on_from_there(cast: Cast) -> None:
    old = lead(cast.acme, name="Ada", created_at=now_ms() - DAY)
    others = [lead(cast.acme, name="Bob") for _ in range(9)]
    Lead.objects.filter(pk=cast.acme.lead.pk).delete()
    filters = Filters(endpoint=0)
    Lead.objects.filter(pk=old.pk).update(endpoint=None)
    first = finding.find(cast.acme.workspace, filters, size=5, budget=Budget(seconds=0, window=4))
    assert first.leads == []
    assert first.looked_until == others[-4].created_at
    second = finding.find(cast.acme.workspace, filters, first.following, 5, Budget(seconds=0, window=6))
    assert [each.pk for each in second.leads] == [old.pk]
    assert (second.following, second.looked_until) == (None, None)


def test_a_look_that_is_broken_off_goes_on_where_it_began(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    old = lead(cast.acme, name="By hand", endpoint=None)
    others = [lead(cast.acme) for _ in range(8)]
    given: list[float | None] = []

    @contextmanager
    def second_is_too_late(seconds: float | None) -> Iterator[None]:
        given.append(seconds)
        if len(given) == 2:
            raise TooLate
        yield

    monkeypatch.setattr(walking, "broken_off_after", second_is_too_late)
    hasty = finding.find(cast.acme.workspace, Filters(endpoint=0), size=5, budget=Budget(60, 3))
    assert (hasty.leads, hasty.looked_until) == ([], others[-3].created_at)
    rest = finding.find(cast.acme.workspace, Filters(endpoint=0), hasty.following, 5, Budget(60, 3))
    assert [each.pk for each in rest.leads] == [old.pk]
    # The first window of each page has all the time it needs.
    assert given[0] is None
    assert given[1] is not None
    assert given[2] is None


def test_a_statement_of_sqlite_ends_when_time_is_up_and_the_next_one_need_not(cast: Cast) -> None:
    del cast
    count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s) SELECT count(*) FROM n"

    def counted(most: int, seconds: float | None) -> int:
        with broken_off_after(seconds), connection.cursor() as cursor:
            cursor.execute(count, [most])
            return int(cursor.fetchone()[0])

    if connection.vendor == "sqlite":
        with pytest.raises(TooLate):
            counted(10**9, 0.01)
    assert counted(100_000, None) == 100_000
    assert counted(10, 60) == 10


@pytest.mark.parametrize(
    "search",
    [
        "قسطنطينية",
        "山田太郎",
        "кухню",
        "a.b.c.d",
        "кухню kitchen",
        "100%_of\\it",
        "a.long.one+of.many@mail.example.com",
    ],
)
def test_words_are_found_whatever_the_index_of_texts_knows_of_their_letters(cast: Cast, search: str) -> None:
    made = lead(cast.acme, name="Ada", message=f"Hello, {search}!")
    derive(10)
    # So few leads are looked at one by one that the index is asked, where there is one.
    found = finding.find(cast.acme.workspace, Filters(search=search), budget=Budget(None, 1))
    assert [each.pk for each in found.leads] == [made.pk]
    assert finding.find(cast.acme.workspace, Filters(search=f"{search}zz"), budget=Budget(None, 1)).leads == []


def test_counting_stops_at_its_limit_and_when_time_is_up(cast: Cast) -> None:
    for _ in range(5):
        lead(cast.acme)
    assert finding.count(cast.acme.workspace, Filters(), 4) == (4, False)
    assert finding.count(cast.acme.workspace, Filters(), 6) == (6, True)
    assert finding.count(cast.acme.workspace, Filters(endpoint=0), 4, Budget(0, 2)) == (0, False)


def test_ids_go_on_over_all_that_match(cast: Cast) -> None:
    made = [lead(cast.acme, name="Ada").pk for _ in range(7)]
    found: list[int] = []
    after = None
    for _ in range(20):
        part = finding.ids(cast.acme.workspace, Filters(search="ada", sort="name"), after, 3, Budget(None, 2))
        found += part.ids
        if part.following is None:
            break
        after = part.following
    assert found == made[::-1]


def test_a_lead_that_was_held_is_found_by_the_day_on_which_it_was_sent(cast: Cast) -> None:
    sent = now_ms() - 9 * DAY
    HeldLead.objects.filter(pk=cast.acme.held.pk).update(at=sent)
    lead(cast.acme, name="Between", created_at=sent + 3 * DAY)
    [released] = held.release(cast.acme.workspace, [cast.acme.held.public_id])
    day = Filters(period="", since=_day(sent), until=_day(sent))
    assert [each.pk for each in finding.find(cast.acme.workspace, day).leads] == [released.pk]
    later = Filters(since=_day(sent + DAY), until=_day(sent + 4 * DAY))
    assert [each.name for each in finding.find(cast.acme.workspace, later).leads] == ["Between"]


def _day(at: int) -> Any:
    import datetime

    return datetime.datetime.fromtimestamp(at / 1000, datetime.UTC).date()


def test_an_owner_or_tag_of_another_workspace_finds_nothing(cast: Cast) -> None:
    member = Workspace.objects.get(slug="next-door").members.all()[0]
    assert finding.find(cast.acme.workspace, Filters(owner=str(member.pk))).leads == []
    assert finding.find(cast.acme.workspace, Filters(tags=(10**9,))).leads == []
    assert finding.find(cast.acme.workspace, Filters(lead_type=cast.next_door.types[0].pk)).leads == []
    assert finding.find(cast.acme.workspace, Filters(owner="me")).leads == []


def test_a_query_that_nobody_sends_asks_for_nothing() -> None:
    strange = (
        "type=x&stage=-1&stage=%D9%A1&kind=odd&owner=him&endpoint=1e3&from=2026-13-01&to=0001-01-01&came=5&tag="
        + ("9" * 30)
    )
    query = QueryDict(f"{strange}&again=1&test=maybe&new=yes&due=later&sort=size")
    assert Filters.from_query(query) == Filters()
    assert not Filters.from_query(query).chosen


def test_a_plain_mapping_is_read_as_well() -> None:
    assert Filters.from_query({"q": " ada ", "stage": "3", "sort": "name"}) == Filters(
        search="ada", stages=(3,), sort="name"
    )


@pytest.mark.parametrize("size", [1, 30])
def test_a_page_asks_the_database_as_often_for_many_leads_as_for_few(
    cast: Cast, django_assert_max_num_queries: Any, size: int
) -> None:
    for number in range(size):
        lead(cast.acme, name=f"Ada {number}", owner=cast.agnes.memberships.get())
    derive(100)
    for sort in ("newest", "name"):
        with django_assert_max_num_queries(18):
            found = finding.find(cast.acme.workspace, Filters(search="ada", sort=sort))
            shown = [(each.owner, each.stage, each.lead_type, each.endpoint) for each in found.leads]
        assert len(shown) == size
