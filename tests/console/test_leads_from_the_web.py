"""What a lead's page shows of attribution, forwarding, repeats and tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from stagewise.accounts.models import User
from stagewise.leads import notes, tags
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
    assert "the same came 3 more times; no second lead was made just now" in read(vera, f"{PAGE}{made.public_id}/").text


def test_a_test_lead_is_marked_and_says_when_it_goes(cast: Cast, vera: Client) -> None:
    made = lead(cast.acme, test=True)
    assert "Test deleted after 7 days" in read(vera, f"{PAGE}{made.public_id}/").text


def test_a_leads_page_asks_the_database_no_more_for_a_long_story_than_for_a_short_one(
    cast: Cast, vera: Client, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    made = from_web(cast.acme, known={"utm_source": "news"})

    def work(times: int) -> None:
        for number in range(times):
            tags.tag(made, f"tag {number}", "agnes@example.com")
            notes.add_note(made, cast.acme.workspace.members.get(user=cast.agnes), f"Called {number} times")

    work(1)
    read(vera, f"{PAGE}{made.public_id}/")
    with django_assert_max_num_queries(30) as few:
        read(vera, f"{PAGE}{made.public_id}/")
    work(12)
    with django_assert_num_queries(len(few)):
        read(vera, f"{PAGE}{made.public_id}/")
