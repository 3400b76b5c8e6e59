"""The page of one lead: its timeline, hostile texts, who may only look; and what becomes of a deleted one."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Member, User
from stagewise.leads import merging, notes, tags, tasks, working
from stagewise.leads.models import DeletedLead, Lead, LeadActivity, LeadNote, LeadRepeat
from tests.console.pages import Page, read, send, undo
from tests.support import cast as casting
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

DAY = 86_400_000


AsUser = Callable[[User], Client]


def path(of: Lead, act: str = "") -> str:
    return f"/w/acme/leads/{of.public_id}/{act}"


def member(user: User) -> Member:
    return Member.objects.select_related("user").get(user=user)


# Deleting


def test_a_deleted_lead_comes_back_with_undo(cast: Cast, as_user: AsUser) -> None:
    agnes = as_user(cast.agnes)
    page = send(agnes, path(cast.acme.lead, "delete/"))
    assert "“Grace Hopper” was deleted." in page.text
    assert not Lead.objects.filter(pk=cast.acme.lead.pk).exists()
    assert "“Grace Hopper” is back." in undo(agnes, page).text
    assert Lead.objects.filter(pk=cast.acme.lead.pk).exists()


def test_the_address_of_a_deleted_lead_says_what_became_of_it(cast: Cast, as_user: AsUser) -> None:
    working.delete_lead(cast.acme.lead, "adam@example.com")
    page = read(as_user(cast.vera), path(cast.acme.lead))
    assert page.status == 410
    assert "“Grace Hopper” was deleted adam@example.com deleted it just now" in page.text
    assert "Put it back" not in page.text
    assert "Put it back" in read(as_user(cast.agnes), path(cast.acme.lead)).text
    assert read(as_user(cast.stan), path(cast.acme.lead)).status == 404


def test_the_address_of_a_merged_lead_leads_to_the_one_that_is_left(cast: Cast, as_user: AsUser) -> None:
    other = lead(cast.acme)
    merging.merge(cast.acme.lead, other, "adam@example.com")
    page = read(as_user(cast.agnes), path(other))
    assert "adam@example.com merged it into another lead of the same person" in page.text
    assert path(cast.acme.lead) in page.html
    assert "Part the two again" in page.text


def test_what_was_deleted_waits_in_a_list_and_is_put_back_from_there(cast: Cast, as_user: AsUser) -> None:
    agnes = as_user(cast.agnes)
    assert "Nothing was deleted lately" in read(agnes, "/w/acme/leads/deleted/").text
    working.delete_lead(cast.acme.lead, "adam@example.com")
    working.delete_lead(cast.next_door.lead)
    page = read(agnes, "/w/acme/leads/deleted/")
    assert "Grace Hopper just now adam@example.com goes for good in 29 days" in page.text
    assert page.text.count("Put back") == 1
    assert "Put back" not in read(as_user(cast.vera), "/w/acme/leads/deleted/").text
    page = send(agnes, f"/w/acme/leads/deleted/{cast.acme.lead.public_id}/restore/")
    assert "“Grace Hopper” is back." in page.text
    again = send(agnes, f"/w/acme/leads/deleted/{cast.acme.lead.public_id}/restore/")
    assert "This lead is gone for good." in again.text


def test_the_list_of_deleted_leads_goes_on_over_pages(cast: Cast, as_user: AsUser) -> None:
    for number in range(51):
        working.delete_lead(lead(cast.acme, name=f"Ada {number}"))
    first = read(as_user(cast.vera), "/w/acme/leads/deleted/")
    assert "Ada 50" in first.text
    assert "Ada 0 " not in first.text
    query = re.search(r'href="\?(before=\d+)"', first.html)
    assert query
    assert "Ada 0 " in read(as_user(cast.vera), f"/w/acme/leads/deleted/?{query[1]}").text


def test_deleting_for_good_asks_by_naming_the_lead(cast: Cast, as_user: AsUser) -> None:
    agnes, url = as_user(cast.agnes), f"/w/acme/leads/deleted/{cast.acme.lead.public_id}/"
    assert read(agnes, url).status == 404
    working.delete_lead(cast.acme.lead)
    page = read(agnes, url)
    assert "Delete for good: Grace Hopper" in page.text
    assert "Keep it" in page.text
    assert "“Grace Hopper” is deleted for good." in send(agnes, url).text
    assert not DeletedLead.objects.exists()
    assert read(agnes, path(cast.acme.lead)).status == 404


# The timeline


def test_everything_that_happened_is_told_in_a_line(cast: Cast, as_user: AsUser) -> None:
    made, agnes = cast.acme.lead, "agnes@example.com"
    cast.agnes.name = "Agnes"
    cast.agnes.save()
    told = casting.delivery(casting.channel(cast.acme), lead_id=made.pk)
    LeadRepeat.objects.create(
        lead=made, workspace_id=made.workspace_id, count=2, first_at=made.created_at, last_at=made.created_at + 1
    )
    working.set_stage(made, made.lead_type.stages.get(name="Won"), agnes, reason="The price")
    working.assign(made, member(cast.adam), agnes)
    working.edit(made, {"email": "grace@navy.example", "message": "Hello"}, agnes)
    working.set_lead_type(made, cast.acme.types[1], agnes)
    tags.untag(made, tags.tag(made, "VIP", agnes), agnes)
    tasks.finish(tasks.add_task(made, None, "Call", now_ms() + 3 * DAY, agnes), agnes)
    working.delete_lead(made, agnes)
    working.restore(cast.acme.workspace, made.public_id, agnes)
    page = read(as_user(cast.vera), path(made))
    for line in (
        "came in by My website",
        "the same came 2 more times; no second lead was made",
        "Sales team · A lead came in · Waiting",
        "Agnes · New to Won “The price”",
        "Agnes · given to adam@example.com",
        "the e-mail address: grace@example.com to grace@navy.example",
        "the message: show what it said before Please call me back.",
        "the lead type: General to Sales",
        "Agnes · tagged VIP",
        "Agnes · took away the tag VIP",
        "Agnes · planned Call due in 2 days",
        "Agnes · done: Call",
        "Agnes · put back after it had been deleted",
    ):
        assert line in page.text, line
    assert f"/deliveries/{told.pk}/" in page.html


def test_a_long_story_is_cut_and_shown_whole_on_demand_in_as_many_queries(cast: Cast, as_user: AsUser) -> None:
    made, agnes = cast.acme.lead, as_user(cast.agnes)
    read(agnes, path(made))  # what is asked once for all pages is in memory

    def opened(query: str = "") -> tuple[Page, int]:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = read(agnes, path(made, query))
        return page, len(queries)

    _short, few = opened()
    began, ours = made.created_at, {"lead": made, "workspace_id": made.workspace_id}
    LeadActivity.objects.bulk_create(
        LeadActivity(**ours, kind="tags", at=began + each, data={"added": [f"tag {each}"]}) for each in range(1, 150)
    )
    LeadNote.objects.bulk_create(
        LeadNote(**ours, member=member(cast.adam), text=f"note {each}", at=began + each) for each in range(150, 260)
    )
    for name in ("a", "b", "c"):
        tasks.add_task(made, member(cast.adam), name, now_ms())
        tags.tag(made, name)
    cut, many = opened()
    assert many <= few + 1  # who is mentioned is asked for as soon as there are notes
    assert "note 259" in cut.text
    assert "tag 1 " not in cut.text
    assert "Show all of it" in cut.text
    whole, for_all = opened("?all=1")
    assert for_all == many
    assert "tag 1 " in whole.text
    assert "Show all of it" not in whole.text


def test_texts_of_visitors_and_colleagues_are_text_and_nothing_else(cast: Cast, as_user: AsUser) -> None:
    hostile = "<script>alert(1)</script>"
    made = lead(cast.acme, name=hostile, message=hostile, origin=hostile, user_agent=hostile)
    notes.add_note(made, member(cast.agnes), f"{hostile} @adam@example.com")
    tags.tag(made, hostile)
    tasks.add_task(made, None, hostile, now_ms())
    working.set_stage(made, made.lead_type.stages.get(name="Lost"), reason=hostile)
    for query in ("", "?edit=1"):
        assert hostile not in read(as_user(cast.agnes), path(made, query)).html
    working.delete_lead(made)
    for url in (path(made), "/w/acme/leads/deleted/", f"/w/acme/leads/deleted/{made.public_id}/"):
        assert hostile not in read(as_user(cast.agnes), url).html


def test_a_viewer_sees_all_of_it_and_is_offered_nothing(cast: Cast, as_user: AsUser) -> None:
    made = cast.acme.lead
    notes.add_note(made, member(cast.agnes), "Called")
    tags.tag(made, "VIP")
    tasks.add_task(made, None, "Call", now_ms() + DAY)
    working.assign(made, member(cast.agnes))
    page = read(as_user(cast.vera), path(made, "?edit=1&note=1"))
    for shown in ("Called", "VIP", "Call tomorrow", "agnes@example.com"):
        assert shown in page.text
    main = page.html.partition("<main")[2].partition("</main>")[0]
    assert "<form" not in main
    assert "<textarea" not in main


def test_a_query_that_nobody_sends_breaks_nothing(cast: Cast, as_user: AsUser) -> None:
    for query in ({"note": "x"}, {"note": "9" * 30}, {"all": "\0"}, {"edit": ""}):
        assert read(as_user(cast.agnes), path(cast.acme.lead, f"?{urlencode(query)}")).status == 200
