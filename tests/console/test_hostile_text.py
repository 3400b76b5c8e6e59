"""What visitors send is text: the whole corpus, on every page that shows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from html import unescape

import pytest
from django.test import Client

from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import User
from stagewise.leads import notes, tags, tasks, working
from stagewise.leads.actions import add_lead_type, add_stage
from stagewise.leads.models import LeadAttribution
from stagewise.notify.models import Channel, DeliveryTry
from tests.console.pages import Page, read
from tests.corpus import rows
from tests.support.cast import Cast, alert, attempt, channel, delivery, held, lead

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
FIELDS = ("name", "phone", "email", "message")

#: Elements that our own pages are made of; nothing of a visitor's may add one.
OURS = {
    *("html", "head", "meta", "title", "link", "script", "body", "header", "nav", "main", "section", "div", "svg"),
    *("rect", "circle", "a", "span", "bdi", "code", "strong", "time", "h1", "h2", "h3", "p", "ul", "ol", "li", "dl"),
    *("dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "form", "label", "input"),
    *("button", "select", "option", "path", "fieldset", "legend", "use", "dialog", "hr", "br"),
    *("b", "textarea", "datalist", "progress", "ins", "del"),
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
    assert page.html.count("<script") == page.html.count('<script src="/static/')


@pytest.mark.slow
def test_leads_are_shown_as_text(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.olga)
    made = [lead(cast.acme, **sent) for sent in hostile()]
    assert len(made) > 100
    for each in made:
        page = read(browser, f"/w/acme/leads/{each.public_id}/")
        assert_text(page)
        assert " ".join(each.name.split()) in page.text
        assert " ".join((each.message or "").split()) in page.text
    path = "/w/acme/leads/"
    shown = 0
    while path:
        page = read(browser, path)
        assert_text(page)
        shown += page.html.count('class="title cut"')
        following = re.search(r'href="(\?[^"]*)" rel="next"', page.html)
        path = f"/w/acme/leads/{unescape(following[1])}" if following else ""
    assert shown == len(made) + 1
    for path in ("overview/", "board/", "board/?show=all", "leads/?q=%3Cscript", "leads/export/"):
        assert_text(read(browser, f"/w/acme/{path}"))


@pytest.mark.slow
def test_what_people_write_about_a_lead_is_shown_as_text(cast: Cast, as_user: AsUser) -> None:
    browser, me = as_user(cast.olga), cast.acme.workspace.members.get(user=cast.olga)
    for number, sent in enumerate(hostile()):
        text = " ".join(sent.get("message", sent.get("name", "")).split())[:60].strip()
        made = lead(cast.acme, name=text[:50] or "x")
        with suppress(ActionError):
            notes.add_note(made, me, f"@olga@example.com {text}")
            tasks.add_task(made, me, text or "x", now_ms())
            tags.tag(made, text)
            working.set_stage(made, made.lead_type.stages.get(name="Lost"), text[:254], reason=text)
        assert_text(read(browser, f"/w/acme/leads/{made.public_id}/"))
        if number % 3 == 0:
            working.delete_lead(made, text[:254])
    for path in ("leads/", "leads/deleted/", "board/", "overview/", "settings/audit/", "settings/audit/?about=leads"):
        assert_text(read(browser, f"/w/acme/{path}"))


def test_what_callers_say_of_themselves_is_shown_as_text(cast: Cast, as_user: AsUser) -> None:
    for sent in hostile():
        text = sent.get("message", sent.get("name", ""))[:300]
        attempt(cast.acme, "origin_not_allowed", 403, origin=text, user_agent=text, request_id=text[:32])
    assert_text(read(as_user(cast.olga), "/w/acme/logs/"))


@pytest.mark.slow
def test_held_leads_and_where_leads_came_from_are_shown_as_text(cast: Cast, as_user: AsUser) -> None:
    browser, shown = as_user(cast.olga), [sent.get("message", sent.get("name", ""))[:900] for sent in hostile()]
    for sent, text in zip(hostile(), shown, strict=True):
        known = {"utm_source": text[:200], "utm_campaign": text[:200], "click_ids": {"gclid": text[:200]}}
        held(cast.acme, **sent, origin=text, user_agent=text, attribution={"page_url": f"https://{text}", **known})
        made = lead(cast.acme)
        LeadAttribution.objects.create(
            lead=made, workspace_id=cast.acme.workspace.pk, referrer=f"https://{text}", **known
        )
        assert_text(read(browser, f"/w/acme/leads/{made.public_id}/"))
    path, seen = "/w/acme/leads/held/", 0
    while path:
        page = read(browser, path)
        assert_text(page)
        seen += page.html.count('name="held"')
        query = page.html.partition(">Older<")[0].rpartition('href="')[2].partition('"')[0]
        path = f"/w/acme/leads/held/{query}" if ">Older<" in page.html else ""
    assert seen == len(shown) + 1
    assert_text(read(browser, "/w/acme/leads/"))


def test_what_receivers_answer_and_callers_are_is_shown_as_text(cast: Cast, as_user: AsUser) -> None:
    browser, to = as_user(cast.olga), channel(cast.acme, "<b>Sales</b>", target='"><script>alert(1)</script>')
    told = delivery(to, tries=1)
    for number, sent in enumerate(hostile()):
        text = sent.get("message", sent.get("name", ""))[:300]
        attempt(cast.acme, "origin_not_allowed", 403, origin=text[:200])
        alert(cast.acme, "one_origin", subject=str(number), data={"value": text, "calls": 9, "of": 9, "percent": 100})
        fields = {"at": told.at, "took_ms": 1, "status": 500, "problem": text, "answer": text}
        DeliveryTry.objects.create(delivery=told, **fields)
    Channel.objects.filter(pk=to.pk).update(paused_at=1, paused_because="<b>Gone</b>")
    channel_page = f"/w/acme/channels/{to.pk}/"
    for path in ("/w/acme/channels/", channel_page, f"{channel_page}edit/", "/w/acme/monitoring/", "/w/acme/alerts/"):
        page = read(browser, path)
        page.tags.discard("textarea")
        assert_text(page)
    assert_text(read(browser, f"/w/acme/channels/deliveries/{told.pk}/"))


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


@pytest.mark.parametrize(
    "query",
    ["q={}", "type={}", "before={}", "outcome={}", "endpoint={}", "source={}", "campaign={}", "test={}", "period={}"],
)
def test_queries_come_back_as_text(cast: Cast, as_user: AsUser, query: str) -> None:
    browser = as_user(cast.olga)
    for evil in ("%3Cscript%3Ealert(1)%3C/script%3E", "%22%20onfocus=%22x", "{{7*7}}", "%27--"):
        for page in ("leads", "logs", "monitoring", "alerts"):
            assert_text(read(browser, f"/w/acme/{page}/?{query.format(evil)}"))
