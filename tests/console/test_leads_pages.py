from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from stagewise.accounts.models import User
from stagewise.leads import actions, working
from stagewise.leads.models import Lead
from tests.console.pages import read, send
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


def test_a_leads_page_shows_all_that_is_known(cast: Cast, as_user: AsUser) -> None:
    made = lead(
        cast.acme,
        message="Line one\nLine two",
        origin="https://yoursite.com",
        phone="(202) 555-0123",
        phone_valid=False,
    )
    page = read(as_user(cast.vera), f"/w/acme/leads/{made.public_id}/")
    for shown in (
        "Grace Hopper",
        "grace@example.com",
        "(202) 555-0123",
        "(+12025550123)",
        "May not be a real number",
        "Line one Line two",
        "General",
        "My website",
        "203.0.113.7",
        "https://yoursite.com",
        "curl/8",
        str(made.request_id),
        str(made.public_id),
    ):
        assert shown in page.text, shown


def test_times_are_shown_in_the_workspaces_zone(cast: Cast, as_user: AsUser) -> None:
    made = lead(cast.acme, created_at=1_767_225_600_000)
    send(as_user(cast.olga), "/w/acme/settings/", name="Acme", time_zone="Asia/Tokyo", default_region="")
    page = read(as_user(cast.vera), f"/w/acme/leads/{made.public_id}/")
    assert "1 January 2026, 09:00:00 JST" in page.text


def test_a_stage_is_changed_with_one_click_and_undone_with_another(cast: Cast, as_user: AsUser) -> None:
    agnes, won = as_user(cast.agnes), cast.acme.types[0].stages.get(name="Won")
    path = f"/w/acme/leads/{cast.acme.lead.public_id}/stage/"
    page = send(agnes, path, stage=won.pk)
    assert "Now in “Won”." in page.text
    assert f'action="{path}"' in page.html
    assert "Undo" in page.text
    send(agnes, path, stage=cast.acme.lead.stage_id)
    assert Lead.objects.get(pk=cast.acme.lead.pk).stage.name == "New"


def test_an_archived_stage_is_refused_with_words(cast: Cast, as_user: AsUser) -> None:
    archived = actions.archive_stage(cast.acme.types[0].stages.get(name="Won"))
    page = send(as_user(cast.agnes), f"/w/acme/leads/{cast.acme.lead.public_id}/stage/", stage=archived.pk)
    assert "is archived. Choose another one." in page.text


def test_deleting_asks_by_naming_the_lead(cast: Cast, as_user: AsUser) -> None:
    agnes, path = as_user(cast.agnes), f"/w/acme/leads/{cast.acme.lead.public_id}/delete/"
    page = read(agnes, path)
    assert "Delete “ Grace Hopper ”?" in page.text
    assert "Keep it" in page.text
    assert "“Grace Hopper” was deleted." in send(agnes, path).text
    assert not Lead.objects.filter(pk=cast.acme.lead.pk).exists()
    assert read(agnes, path).status == 404


def test_a_toast_is_shown_once(cast: Cast, as_user: AsUser) -> None:
    agnes, won = as_user(cast.agnes), cast.acme.types[0].stages.get(name="Won")
    path = f"/w/acme/leads/{cast.acme.lead.public_id}/"
    assert "Now in" in send(agnes, f"{path}stage/", stage=won.pk).text
    assert "Now in" not in read(agnes, path).text
