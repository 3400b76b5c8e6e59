"""What the leads' pages show of attribution, forwarding, repeats and tests, and how the list is filtered by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from stagewise.accounts.models import User
from stagewise.leads.models import Lead, LeadAttribution, LeadRepeat
from tests.console.pages import read
from tests.support.cast import Cast, Place, lead

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
PAGE = "/w/acme/leads/"


@pytest.fixture
def vera(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.vera)


def from_web(there: Place, name: str = "Ada", known: dict[str, Any] | None = None, **fields: Any) -> Lead:
    made = lead(there, name=name, **fields)
    LeadAttribution.objects.create(lead=made, workspace_id=there.workspace.pk, **(known or {}))
    return made


def test_a_leads_page_shows_where_it_came_from(cast: Cast, vera: Client) -> None:
    known = {
        "page_url": "https://a.example/contact?x=<b>",
        "referrer": "https://search.example/",
        "utm_source": "news & more",
        "utm_medium": "email",
        "utm_campaign": "spring",
        "utm_term": "repairs",
        "utm_content": "button",
        "click_ids": {"gclid": "g-1", "fbclid": "f-1"},
    }
    made = from_web(cast.acme, known=known, forwarded_by="198.51.100.7")
    page = read(vera, f"{PAGE}{made.public_id}/")
    for words in (
        "203.0.113.7 by way of your server 198.51.100.7",
        "Page https://a.example/contact?x=<b>",
        "Page before https://search.example/",
        "Source news & more",
        "Medium email",
        "Campaign spring",
        "Search term repairs",
        "Content button",
        "Click id gclid g-1",
        "Click id fbclid f-1",
    ):
        assert words in page.text, words
    assert 'href="https://search.example/" rel="noopener noreferrer nofollow"' in page.html
    assert 'href="/w/acme/leads/?source=news%20%26%20more"' in page.html


def test_a_lead_of_which_nothing_is_known_shows_nothing_of_it(cast: Cast, vera: Client) -> None:
    page = read(vera, f"{PAGE}{cast.acme.lead.public_id}/")
    for words in ("by way of", "Campaign", "came again", "Test"):
        assert words not in page.text


def test_a_lead_that_came_again_says_how_often_and_when(cast: Cast, vera: Client) -> None:
    made = cast.acme.lead
    LeadRepeat.objects.create(
        lead=made,
        workspace_id=cast.acme.workspace.pk,
        count=3,
        first_at=made.created_at + 1,
        last_at=made.created_at + 2,
    )
    assert "The same came again 3 times · last just now" in read(vera, f"{PAGE}{made.public_id}/").text


def test_a_test_lead_is_marked_and_says_when_it_goes(cast: Cast, vera: Client) -> None:
    made = lead(cast.acme, test=True)
    assert "Test deleted after 7 days" in read(vera, f"{PAGE}{made.public_id}/").text


def test_without_anything_to_filter_by_there_is_no_filter(cast: Cast, vera: Client) -> None:
    page = read(vera, PAGE)
    assert 'aria-label="Filter"' not in page.html


def test_the_list_is_filtered_by_source_campaign_and_test(cast: Cast, vera: Client) -> None:
    from_web(cast.acme, "Ada", {"utm_source": "news", "utm_campaign": "spring"})
    from_web(cast.acme, "Bob", {"utm_source": "search"})
    lead(cast.acme, name="Tess", test=True)
    from_web(cast.next_door, "Eve", {"utm_source": "secret"})

    def shown(query: str) -> list[str]:
        page = read(vera, f"{PAGE}?{query}").text
        return [name for name in ("Ada", "Bob", "Tess", "Grace", "Eve") if name in page]

    assert shown("") == ["Ada", "Bob", "Tess", "Grace"]
    assert shown("test=hide") == ["Ada", "Bob", "Grace"]
    assert shown("test=only") == ["Tess"]
    assert shown("source=news&test=hide") == ["Ada"]
    assert shown("campaign=spring") == ["Ada"]
    assert shown("source=secret") == []
    assert shown("test=nonsense&source=%00") == []
    page = read(vera, PAGE).html
    assert '<option value="search"' in page
    assert "secret" not in page


def test_search_tabs_filters_and_pages_keep_each_other(cast: Cast, vera: Client) -> None:
    for number in range(60):
        from_web(cast.acme, f"Ada {number}", {"utm_source": "a&b"}, lead_type=cast.acme.types[1])
    page = read(vera, f"{PAGE}?q=ada&source=a%26b&type={cast.acme.types[1].pk}")
    assert page.values["q"] == "ada"
    assert page.values["source"] == "a&b"
    assert f"?q=ada&amp;source=a%26b&amp;type={cast.acme.types[0].pk}" in page.html
    assert 'value="a&amp;b" selected' in page.html
    older = page.html.partition(">Older<")[0].rpartition('href="')[2].partition('"')[0]
    assert "q=ada" in older
    assert "source=a%26b" in older
    assert "Ada 9 " in read(vera, PAGE + older.replace("&amp;", "&")).text


def test_a_long_list_asks_the_database_no_more_than_a_short_one(
    cast: Cast, vera: Client, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    from_web(cast.acme, known={"utm_source": "news"})
    read(vera, PAGE)
    with django_assert_max_num_queries(14) as few:
        read(vera, PAGE)
    for number in range(40):
        from_web(cast.acme, known={"utm_source": f"s{number}"}, lead_type=cast.acme.types[1], test=True)
    with django_assert_num_queries(len(few)):
        read(vera, PAGE)


def test_a_leads_page_asks_for_everything_at_once(cast: Cast, vera: Client, django_assert_num_queries: Any) -> None:
    made = from_web(cast.acme, known={"utm_source": "news"})
    read(vera, f"{PAGE}{made.public_id}/")
    with django_assert_num_queries(9):
        read(vera, f"{PAGE}{made.public_id}/")
