"""The list of leads as people see it: what stands in a row, filters and views, pages, columns, what is marked."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Member, User
from stagewise.console.views import leads_list
from stagewise.leads import bulk, finding, tags, tasks, working
from stagewise.leads.models import BulkChange, DeletedLead, Lead, LeadAttribution, LeadRepeat, SavedView
from stagewise.worker.derive import derive
from tests.console.pages import Page, read, send, undo
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
PAGE = "/w/acme/leads/"


@pytest.fixture
def agnes(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.agnes)


def me(cast: Cast) -> Member:
    """Agnes, in her workspace."""
    return cast.acme.workspace.members.get(user=cast.agnes)


def names(page: Page) -> list[str]:
    """Who stands in the list, in its order."""
    return [unescape(name) for name in re.findall(r'<a class="title cut"[^>]*>([^<]*)</a>', page.html)]


def columns(page: Page) -> list[str]:
    return re.findall(r'<th class="of-(\w+)"', page.html)


def link(page: Page, words: str) -> str:
    """Where a link of the list leads to."""
    found = re.search(rf'href="(\?[^"]*)"[^>]*>\s*{re.escape(words)}\s*<', page.html)
    assert found, words
    return PAGE + unescape(found[1])


def mark(browser: Client, *marked: Lead, **fields: str) -> Page:
    """Mark these leads and press a button of the bar."""
    return send(browser, f"{PAGE}many/", lead=[str(each.public_id) for each in marked], **fields)


def placed(*leads: Lead) -> list[str]:
    return [Lead.objects.get(pk=each.pk).stage.name for each in leads]


# What is shown


def test_an_empty_list_says_what_to_do_first(cast: Cast, agnes: Client) -> None:
    working.delete_lead(cast.acme.lead)
    page = read(agnes, PAGE)
    assert "No leads yet" in page.text
    assert "Open the Stagewise API page" in page.text


def test_the_newest_comes_first_with_type_stage_tags_and_owner(cast: Cast, agnes: Client) -> None:
    made = lead(cast.acme, name="Ada", message="\n\n First line\nSecond line", lead_type=cast.acme.types[1], test=True)
    tags.tag(made, "VIP")
    working.assign(made, cast.acme.workspace.members.get(user=cast.olga))
    LeadRepeat.objects.create(lead=made, workspace_id=cast.acme.workspace.pk, count=2, first_at=1, last_at=2)
    page = read(agnes, PAGE)
    assert names(page) == ["Ada", "Grace Hopper"]
    assert "Ada Test ×3 First line Sales New VIP" in page.text
    assert cast.olga.name in page.text or cast.olga.email in page.text
    assert "Second line" not in page.text
    assert "Eve" not in page.text


def test_the_sentence_counts_what_is_new_due_and_held(cast: Cast, agnes: Client) -> None:
    assert "1 is new · no task due today · 1 held" in read(agnes, PAGE).text
    tasks.add_task(cast.acme.lead, me(cast), "Call", now_ms())
    page = read(agnes, PAGE)
    assert "1 task due today" in page.text
    assert f'href="{PAGE}?due=today&amp;sort=due"' in page.html


def test_a_query_by_hand_breaks_nothing(cast: Cast, agnes: Client) -> None:
    for query in (
        "before=x",
        "before=-1",
        f"before={10**20}",
        "type=x",
        "q=%00",
        "q=%FF",
        "from=0001-01-01",
    ):
        assert read(agnes, f"{PAGE}?{query}").status == 200, query


def test_a_long_list_asks_the_database_no_more_than_a_short_one(
    cast: Cast, agnes: Client, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    made = lead(cast.acme, lead_type=cast.acme.types[1])
    tags.tag(made, "VIP")
    read(agnes, PAGE)
    with django_assert_max_num_queries(30) as few:
        read(agnes, PAGE)
    for number in range(45):
        made = lead(cast.acme, lead_type=cast.acme.types[number % 2], test=number % 7 == 0)
        LeadAttribution.objects.create(lead=made, workspace_id=cast.acme.workspace.pk, utm_source=f"s{number % 3}")
        tags.tag(made, f"tag {number % 5}")
        tasks.add_task(made, me(cast), "Call", now_ms())
    with django_assert_num_queries(len(few)):
        read(agnes, PAGE)


# Searching, filtering, going on


def test_a_search_keeps_its_filters_and_goes_on_over_pages(cast: Cast, agnes: Client) -> None:
    for number in range(60):
        lead(cast.acme, name=f"Ada {number}", lead_type=cast.acme.types[1])
    first = read(agnes, f"{PAGE}?q=ada&type={cast.acme.types[1].pk}")
    assert names(first) == [f"Ada {number}" for number in range(59, 9, -1)]
    assert first.values["q"] == "ada"
    second = read(agnes, link(first, "Next"))
    assert names(second) == [f"Ada {number}" for number in range(9, -1, -1)]
    assert names(read(agnes, link(second, "Back to the first ones"))) == names(first)


def test_where_nothing_matches_each_filter_can_be_let_go(cast: Cast, agnes: Client) -> None:
    page = read(agnes, f"{PAGE}?q=grace&type={cast.acme.types[1].pk}")
    assert "No lead matches" in page.text
    assert names(read(agnes, f"{PAGE}?q=grace")) == ["Grace Hopper"]
    assert f'href="?type={cast.acme.types[1].pk}"' in page.html
    assert 'href="?q=grace"' in page.html


def test_what_a_page_has_found_in_all_is_not_counted_again(
    cast: Cast, agnes: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead(cast.acme, name="Ada")
    monkeypatch.setattr(finding, "count", lambda *_: pytest.fail("counted again"))
    assert "1 lead matches" in read(agnes, f"{PAGE}?q=ada").text


def test_many_filters_that_match_nothing_offer_the_first_few_to_let_go(cast: Cast, agnes: Client) -> None:
    page = read(agnes, f"{PAGE}?q=grace&type={cast.acme.types[1].pk}&kind=won&owner=me&endpoint=0&came=7&test=only")
    assert page.html.partition("Let go of one of these")[2].count('<a class="filter"') == 4


def test_source_campaign_and_tests_are_filters_where_there_are_any(cast: Cast, agnes: Client) -> None:
    assert 'name="source"' not in read(agnes, PAGE).html
    for name, source in (("Ada", "news"), ("Bob", "a&b")):
        made = lead(cast.acme, name=name)
        LeadAttribution.objects.create(lead=made, workspace_id=cast.acme.workspace.pk, utm_source=source)
    lead(cast.acme, name="Tess", test=True)
    stranger = lead(cast.next_door, name="Eve")
    LeadAttribution.objects.create(lead=stranger, workspace_id=cast.next_door.workspace.pk, utm_source="secret")
    assert names(read(agnes, f"{PAGE}?source=a%26b")) == ["Bob"]
    assert names(read(agnes, f"{PAGE}?test=only")) == ["Tess"]
    assert names(read(agnes, f"{PAGE}?test=hide")) == ["Bob", "Ada", "Grace Hopper"]
    page = read(agnes, PAGE)
    assert '<option value="a&amp;b"' in page.html
    assert "secret" not in page.html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("owner=me", ["Bob"]),
        ("owner=nobody", ["Grace Hopper", "Ada"]),
        ("kind=won", ["Ada"]),
        ("due=any", ["Bob"]),
        ("came=7", ["Grace Hopper", "Bob", "Ada"]),
        ("from=2020-01-01&to=2020-12-31", []),
        ("sort=name", ["Ada", "Bob", "Grace Hopper"]),
        ("sort=oldest", ["Ada", "Bob", "Grace Hopper"]),
        ("endpoint=0", ["Ada"]),
    ],
)
def test_leads_are_filtered_and_put_in_order(cast: Cast, agnes: Client, query: str, found: list[str]) -> None:
    cast.acme.lead.delete()
    lead(cast.acme, name="Ada", endpoint=None, stage=cast.acme.types[0].stages.get(name="Won"))
    bob = lead(cast.acme, name="Bob")
    lead(cast.acme, name="Grace Hopper")
    working.assign(bob, me(cast))
    tasks.add_task(bob, me(cast), "Call", now_ms())
    derive(10)
    assert names(read(agnes, f"{PAGE}?{query}")) == found


def test_a_view_is_saved_shared_renamed_and_deleted_with_undo(cast: Cast, agnes: Client, as_user: AsUser) -> None:
    vera = as_user(cast.vera)
    page = send(agnes, f"{PAGE}views/", name="Hot", back="kind=open&q=ada", shared="on")
    assert "“Hot” is a tab now." in page.text
    view = SavedView.objects.get()
    assert "Hot" in read(vera, PAGE).text
    assert "an agent can change it" in send(vera, f"{PAGE}views/{view.pk}/", act="delete").text
    send(agnes, f"{PAGE}views/{view.pk}/", name="Warm")
    page = send(agnes, f"{PAGE}views/{view.pk}/", act="delete")
    assert "The view “Warm” is gone; its leads are not." in page.text
    assert not SavedView.objects.exists()
    undo(agnes, page)
    assert [(each.name, each.query) for each in SavedView.objects.all()] == [("Warm", view.query)]


def test_each_member_chooses_their_columns(cast: Cast, agnes: Client, as_user: AsUser) -> None:
    page = send(agnes, f"{PAGE}columns/", column=["phone", "email", "nonsense"], back="q=grace")
    assert page.values["q"] == "grace"
    assert columns(page) == ["email", "phone"]
    assert "grace" in page.text
    assert columns(read(as_user(cast.olga), PAGE)) == ["type", "stage", "tags", "owner"]


# Many at once


def test_marked_leads_move_and_one_click_takes_it_back(cast: Cast, agnes: Client) -> None:
    made = [lead(cast.acme), lead(cast.acme, lead_type=cast.acme.types[1])]
    page = mark(agnes, *made, stage="Contacted", back="sort=oldest")
    assert "2 leads" in page.text
    assert placed(*made) == ["Contacted", "Contacted"]
    assert 'aria-current="true"' in page.html
    undo(agnes, page)
    assert placed(*made) == ["New", "New"]


def test_one_button_of_a_row_moves_that_lead_to_its_next_stage(cast: Cast, agnes: Client) -> None:
    page = read(agnes, PAGE)
    assert f'value="{cast.acme.lead.public_id} Contacted"' in page.html
    other = lead(cast.acme)
    mark(agnes, other, one=f"{cast.acme.lead.public_id} Contacted")
    assert placed(cast.acme.lead, other) == ["Contacted", "New"]


def test_all_that_match_are_changed_those_of_other_pages_too(cast: Cast, agnes: Client) -> None:
    made = [lead(cast.acme, name=f"Ada {number}") for number in range(55)]
    mark(agnes, made[-1], all="1", back="q=ada", tag="", tag_name="Fair")
    bulk.work(60)
    assert all(each.lead_tags.get().tag.name == "Fair" for each in made)
    assert not cast.acme.lead.lead_tags.exists()


def test_marked_leads_are_deleted_and_come_back(cast: Cast, agnes: Client) -> None:
    made = [lead(cast.acme) for _ in range(3)]
    page = mark(agnes, *made, delete="1")
    assert DeletedLead.objects.count() == 3
    undo(agnes, page)
    assert Lead.objects.filter(public_id__in=[each.public_id for each in made]).count() == 3


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"stage": "Nowhere"}, "Choose a stage."),
        ({}, "Choose what to do with them."),
        ({"tag": "", "tag_name": ""}, "name"),
        ({"assign": "999999"}, "Choose somebody of this workspace."),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_changed(
    cast: Cast, agnes: Client, fields: dict[str, str], said: str
) -> None:
    page = mark(agnes, cast.acme.lead, **fields)
    assert said in page.html.partition('id="toasts"')[2].partition("</ul>")[0]
    assert not BulkChange.objects.filter(changed__gt=0).exists()
    assert placed(cast.acme.lead) == ["New"]


def test_leads_of_another_workspace_are_not_touched(cast: Cast, agnes: Client) -> None:
    mark(agnes, cast.next_door.lead, stage="Contacted")
    mark(agnes, cast.next_door.lead, delete="1")
    assert placed(cast.next_door.lead) == ["New"]


# By hand


def test_a_lead_is_added_by_hand_by_the_rules_of_the_endpoint(cast: Cast, agnes: Client) -> None:
    typed = {"name": "Ada", "phone": "nonsense", "email": "ada@example.com", "message": "Hello"}
    page = send(agnes, f"{PAGE}add/", **typed)
    assert page.status == 422
    assert page.values["name"] == "Ada"
    assert 'aria-invalid="true"' in page.html
    page = send(agnes, f"{PAGE}add/", **typed | {"phone": "+44 20 7946 0958"}, type=str(cast.acme.types[1].pk))
    made = Lead.objects.get(name="Ada")
    assert (made.lead_type, made.endpoint, made.phone_e164) == (cast.acme.types[1], None, "+442079460958")
    undo(agnes, page)
    assert not Lead.objects.filter(name="Ada").exists()


def test_who_asks_to_look_further_waits_a_little_longer_and_is_shown_more(
    agnes: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def hurried(seconds: float = 0.0) -> finding.Budget:
        given.append(seconds)
        return finding.Budget(seconds, 2)

    monkeypatch.setattr(leads_list, "Budget", hurried)
    old = lead(cast.acme, name="By hand", endpoint=None)
    for _ in range(9):
        lead(cast.acme)
    hasty = read(agnes, f"{PAGE}?endpoint=0")
    assert (names(hasty), given) == ([], [0.0])
    further = read(agnes, link(hasty, "Look further"))
    assert names(further) == [old.name]
    assert given[1] > 0
