"""Held leads, one by one and together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import User
from stagewise.leads.models import HeldLead, Lead
from stagewise.leads.working import delete_lead
from tests.console.pages import Page, read, send
from tests.support.cast import Cast, held

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
PAGE = "/w/acme/leads/held/"


@pytest.fixture
def agnes(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.agnes)


def act(browser: Client, name: str, *rows: HeldLead, **fields: Any) -> Page:
    return send(browser, f"{PAGE}{name}/", held=[row.public_id for row in rows], **fields)


def states(cast: Cast) -> list[str]:
    return list(HeldLead.objects.filter(workspace=cast.acme.workspace).order_by("id").values_list("state", flat=True))


def test_the_page_says_why_what_was_sent_and_until_when(cast: Cast, as_user: AsUser) -> None:
    held(
        cast.acme,
        name="Bea Bot",
        reasons="links,blocked_domain",
        message="First\nSecond <b>line</b>",
        forwarded_by="198.51.100.7",
        attribution={"page_url": "https://a.example/contact", "click_ids": {"gclid": "g-1"}},
        repeats=2,
        at=now_ms() - 86_400_000,
    )
    page = read(as_user(cast.vera), PAGE)
    for words in (
        "2 look suspicious and wait for you",
        "Bea Bot",
        "It holds more links than you allow.",
        "belongs to a domain that you blocked.",
        "sam@spam.example · +1 202 555 0199 · deleted in 28 days",
        "First Second <b>line</b>",
        "203.0.113.66 by way of your server 198.51.100.7",
        "https://a.example/contact",
        "Click id gclid g-1",
        "2 times within five minutes",
    ):
        assert words in page.text, words
    assert "<b>line" not in page.html
    assert 'href="https://a.example' not in page.html


def test_how_many_wait_stands_in_the_navigation_while_any_do(cast: Cast, agnes: Client) -> None:
    assert "Held 1" in read(agnes, "/w/acme/lead-types/").text
    act(agnes, "discard", cast.acme.held)
    assert "Held" not in read(agnes, "/w/acme/lead-types/").text
    assert "Held leads" in read(agnes, PAGE).text


def test_where_nothing_is_held_the_page_leads_to_the_rules(cast: Cast, as_user: AsUser) -> None:
    cast.acme.held.delete()
    page = read(as_user(cast.olga), PAGE)
    assert "Nothing is held" in page.text
    assert "Open the rules" in page.text


def test_one_lead_is_released_with_one_click(cast: Cast, agnes: Client) -> None:
    page = act(agnes, "release", one=cast.acme.held.public_id)
    assert "“Spammy Sam” is a lead now" in page.text
    assert "Where it came from" in page.text
    assert states(cast) == ["released"]
    again = act(agnes, "release", one=cast.acme.held.public_id)
    assert "somebody else was quicker" in again.text
    assert Lead.objects.filter(public_id=cast.acme.held.public_id).count() == 1


def test_several_are_released_together(cast: Cast, agnes: Client) -> None:
    rows = [cast.acme.held, held(cast.acme), held(cast.acme)]
    assert "2 leads were released." in act(agnes, "release", *rows[:2]).text
    assert states(cast) == ["released", "released", "waiting"]


def test_discarding_can_be_undone(cast: Cast, agnes: Client, as_user: AsUser) -> None:
    rows = [cast.acme.held, held(cast.acme)]
    page = act(agnes, "discard", *rows)
    assert "2 held leads were discarded. They are kept for 7 days." in page.text
    at = str(HeldLead.objects.get(pk=rows[0].pk).settled_at)
    assert page.values["at"] == at
    assert "Nothing was changed" in send(as_user(cast.adam), f"{PAGE}restore/", at=at).text
    assert "2 held leads wait again." in send(agnes, f"{PAGE}restore/", at=at).text
    assert states(cast) == ["waiting", "waiting"]


def test_all_that_the_page_knew_of_are_discarded_at_once(cast: Cast, agnes: Client) -> None:
    rows = [held(cast.acme) for _ in range(60)]
    page = read(agnes, PAGE)
    assert "Discard all 61" in page.text
    assert page.values["until"] == str(rows[-1].pk)
    later = held(cast.acme)
    assert "61 held leads were discarded." in send(agnes, f"{PAGE}discard/", until=page.values["until"], all="on").text
    assert HeldLead.objects.get(pk=later.pk).state == "waiting"
    assert HeldLead.objects.get(pk=cast.next_door.held.pk).state == "waiting"


def test_discarded_ones_can_be_put_back_for_a_week(cast: Cast, agnes: Client) -> None:
    act(agnes, "discard", cast.acme.held)
    page = read(agnes, f"{PAGE}?state=discarded")
    assert "discarded just now by agnes@example.com · deleted in 6 days" in page.text
    assert "Put back" in page.text
    act(agnes, "restore", one=cast.acme.held.public_id)
    assert states(cast) == ["waiting"]


def test_released_ones_lead_to_their_leads(cast: Cast, agnes: Client) -> None:
    act(agnes, "release", cast.acme.held)
    page = read(agnes, f"{PAGE}?state=released")
    made = Lead.objects.get(public_id=cast.acme.held.public_id)
    assert f'href="/w/acme/leads/{made.public_id}/"' in page.html
    assert "released just now by agnes@example.com" in page.text
    delete_lead(made)
    assert "The lead was deleted" in read(agnes, f"{PAGE}?state=released").text


@pytest.mark.parametrize("name", ["release", "discard", "restore"])
@pytest.mark.parametrize("ids", [[], ["nonsense"], ["'; --"], ["00000000-0000-0000-0000-000000000000"]])
def test_ids_that_are_none_change_nothing_and_break_nothing(
    cast: Cast, agnes: Client, name: str, ids: list[str]
) -> None:
    page = send(agnes, f"{PAGE}{name}/", held=ids)
    assert (page.status, states(cast)) == (200, ["waiting"])
    assert "Nothing was changed" in page.text


def test_what_is_next_door_is_out_of_reach(cast: Cast, agnes: Client, as_user: AsUser) -> None:
    act(agnes, "release", cast.next_door.held)
    act(agnes, "discard", cast.next_door.held)
    assert HeldLead.objects.get(pk=cast.next_door.held.pk).state == "waiting"
    made = Lead.objects.create(**lead_of(cast))
    HeldLead.objects.filter(pk=cast.acme.held.pk).update(state="released", settled_at=now_ms(), lead_id=made.pk)
    assert str(made.public_id) not in read(agnes, f"{PAGE}?state=released").html


def lead_of(cast: Cast) -> dict[str, Any]:
    """A lead of next door, to which a row of Acme's is made to point."""
    there = cast.next_door
    row = {field: getattr(there.held, field) for field in ("public_id", "name", "phone", "email", "lead_type")}
    return {**row, "workspace": there.workspace, "stage": there.types[0].stages.get(position=0), "created_at": 1}


def test_a_viewer_sees_them_and_no_buttons(cast: Cast, as_user: AsUser) -> None:
    page = read(as_user(cast.vera), PAGE)
    assert "Spammy Sam" in page.text
    assert "Release" not in page.text.replace("Released", "")


def test_enter_in_a_checkbox_releases_nothing(cast: Cast, agnes: Client) -> None:
    """Enter presses the first submit button of a form; where that is disabled, none (HTML, section 4.10.22.2)."""
    form = read(agnes, PAGE).html.partition('action="/w/acme/leads/held/discard/"')[2]
    first = form[form.index("<button") :].partition(">")[0]
    assert first == '<button type="submit" hidden disabled'


def test_older_ones_are_a_page_away(cast: Cast, agnes: Client) -> None:
    for number in range(60):
        held(cast.acme, name=f"Bot-{number}-")
    first = read(agnes, PAGE)
    assert "Bot-59-" in first.text
    assert "Bot-9-" not in first.text
    query = first.html.partition(">Older<")[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = read(agnes, f"{PAGE}{query}")
    assert "Bot-9-" in second.text
    assert "Discard all" not in second.text


@pytest.mark.parametrize("query", ["state=x", "state=released&before=x", "before=99999999999999999999"])
def test_a_query_that_nobody_sends_breaks_nothing(cast: Cast, agnes: Client, query: str) -> None:
    assert read(agnes, f"{PAGE}?{query}").status == 200


def test_a_long_page_asks_the_database_no_more_than_a_short_one(
    cast: Cast, agnes: Client, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    read(agnes, PAGE)
    with django_assert_max_num_queries(11) as few:
        read(agnes, PAGE)
    for _ in range(40):
        held(cast.acme, lead_type=cast.acme.types[1], attribution={"utm_source": "x"})
    with django_assert_num_queries(len(few)):
        read(agnes, PAGE)
