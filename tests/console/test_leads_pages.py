from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from stagewise.accounts.models import User
from stagewise.leads import working
from tests.console.pages import read
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]


def test_an_empty_list_says_what_to_do_first(cast: Cast, as_user: AsUser) -> None:
    working.delete_lead(cast.acme.lead)
    page = read(as_user(cast.olga), "/w/acme/leads/")
    assert "No leads yet" in page.text
    assert "Open the Stagewise API page" in page.text


def test_the_list_shows_the_newest_first_with_type_and_stage(cast: Cast, as_user: AsUser) -> None:
    lead(
        cast.acme, name="Ada Lovelace", message="\n\n First line\nSecond line", lead_type=cast.acme.types[1], test=True
    )
    page = read(as_user(cast.vera), "/w/acme/leads/")
    assert page.text.index("Ada Lovelace") < page.text.index("Grace Hopper")
    assert "Ada Lovelace First line Sales Test New just now" in page.text
    assert "Second line" not in page.text


def test_a_search_that_finds_nothing_offers_the_way_back(cast: Cast, as_user: AsUser) -> None:
    page = read(as_user(cast.olga), "/w/acme/leads/?q=nobody")
    assert "No lead matches" in page.text
    assert page.values["q"] == "nobody"
    assert "Show all leads" in page.text


def test_a_search_keeps_its_type_and_goes_on_over_pages(cast: Cast, as_user: AsUser) -> None:
    for number in range(60):
        lead(cast.acme, name=f"Ada {number}", lead_type=cast.acme.types[1])
    browser = as_user(cast.olga)
    first = read(browser, f"/w/acme/leads/?q=ada&type={cast.acme.types[1].pk}")
    assert "Ada 59" in first.text
    assert "Ada 9 " not in first.text
    query = first.html.partition(">Older<")[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = read(browser, f"/w/acme/leads/{query}")
    assert "Ada 9 " in second.text
    assert "Grace Hopper" not in second.text
    assert "Newest" in second.text


@pytest.mark.parametrize("query", ["before=x", "before=-1", "before=99999999999999999999", "type=x", "q=%00", "q=%FF"])
def test_a_query_that_nobody_sends_breaks_nothing(cast: Cast, as_user: AsUser, query: str) -> None:
    assert read(as_user(cast.olga), f"/w/acme/leads/?{query}").status == 200
