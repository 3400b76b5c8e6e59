"""What visitors send is text: the whole corpus, on every page that shows it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import User
from stagewise.leads.actions import add_lead_type, add_stage
from tests.console.pages import Page, read
from tests.corpus import rows
from tests.support.cast import Cast, attempt, lead

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
FIELDS = ("name", "phone", "email", "message")

#: Elements that our own pages are made of; nothing of a visitor's may add one.
OURS = {
    *("html", "head", "meta", "title", "link", "script", "body", "header", "nav", "main", "section", "div", "svg"),
    *("rect", "circle", "a", "span", "bdi", "code", "strong", "time", "h1", "h2", "h3", "p", "ul", "ol", "li", "dl"),
    *("dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "form", "label", "input"),
    *("button", "select", "option"),
}


def hostile() -> list[dict[str, str]]:
    """What the lane stores of the accepted rows, and what was sent in the refused ones, as far as a table takes it."""
    found = []
    for row in rows.ROWS:
        payload = row.payload if isinstance(row.payload, dict) else {}
        sent = row.stored() if row.accepted else payload
        texts = {field: value for field in FIELDS if isinstance(value := sent.get(field), str)}
        if texts and not any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in "".join(texts.values())):
            found.append(texts)
    return found


def assert_text(page: Page) -> None:
    assert page.status == 200
    assert page.tags <= OURS, page.tags - OURS
    assert page.html.count("<script") == 1


def test_leads_are_shown_as_text(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.olga)
    made = [lead(cast.acme, **sent) for sent in hostile()]
    assert len(made) > 100
    for each in made:
        page = read(browser, f"/w/acme/leads/{each.public_id}/")
        assert_text(page)
        assert " ".join(each.name.split()) in page.text
        assert " ".join((each.message or "").split()) in page.text
        assert_text(read(browser, f"/w/acme/leads/{each.public_id}/delete/"))
    path = "/w/acme/leads/"
    shown = 0
    while path:
        page = read(browser, path)
        assert_text(page)
        shown += page.html.count('class="title cut"')
        query = page.html.partition(">Older<")[0].rpartition('href="')[2].partition('"')[0]
        path = f"/w/acme/leads/{query}" if ">Older<" in page.html else ""
    assert shown == len(made) + 1


def test_what_callers_say_of_themselves_is_shown_as_text(cast: Cast, as_user: AsUser) -> None:
    for sent in hostile():
        text = sent.get("message", sent.get("name", ""))[:300]
        attempt(cast.acme, "origin_not_allowed", 403, origin=text, user_agent=text, request_id=text[:32])
    assert_text(read(as_user(cast.olga), "/w/acme/logs/"))


def test_names_that_the_team_gives_are_shown_as_text(cast: Cast, as_user: AsUser) -> None:
    browser, kept = as_user(cast.olga), 0
    for sent in hostile():
        try:
            lead_type = add_lead_type(cast.acme.workspace, sent.get("name", "")[:100])
            add_stage(lead_type, f"{lead_type.name}!"[:100])
        except ActionError:
            continue
        kept += 1
    assert kept > 20
    for path in ("/w/acme/lead-types/", "/w/acme/leads/"):
        assert_text(read(browser, path))


@pytest.mark.parametrize("query", ["q={}", "type={}", "before={}", "outcome={}", "endpoint={}"])
def test_queries_come_back_as_text(cast: Cast, as_user: AsUser, query: str) -> None:
    browser = as_user(cast.olga)
    for evil in ("%3Cscript%3Ealert(1)%3C/script%3E", "%22%20onfocus=%22x", "{{7*7}}", "%27--"):
        for page in ("leads", "logs"):
            assert_text(read(browser, f"/w/acme/{page}/?{query.format(evil)}"))
