from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from stagewise.accounts.models import User
from stagewise.core.refusal import ACCEPTED, NOTES, REFUSALS
from stagewise.endpoints import actions
from stagewise.endpoints.actions import RuleChanges, save_rules
from stagewise.endpoints.models import AttemptCounter, Endpoint
from stagewise.leads.working import delete_lead
from tests.console.pages import read, send
from tests.support.cast import Cast, attempt, summary

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]


@pytest.fixture
def adam(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.adam)


def test_before_the_first_call_the_page_says_what_comes_here(adam: Client) -> None:
    assert "No calls yet" in read(adam, "/w/acme/logs/").text


@pytest.mark.parametrize("code", [*ACCEPTED, *REFUSALS])
def test_every_outcome_is_shown_with_its_reason_and_what_to_do(cast: Cast, adam: Client, code: str) -> None:
    attempt(cast.acme, code, 200)
    page = read(adam, f"/w/acme/logs/?outcome={code}")
    if code in ACCEPTED:
        assert ACCEPTED[code][1] in page.text
    else:
        assert f"{REFUSALS[code].title} just now from 203.0.113.9 {REFUSALS[code].in_words}" in page.text
        assert REFUSALS[code].mend in page.text


def test_a_call_that_made_a_lead_leads_to_it(cast: Cast, adam: Client) -> None:
    attempt(cast.acme, "created", 201, lead_id=cast.acme.lead.pk)
    page = read(adam, "/w/acme/logs/")
    assert f'href="/w/acme/leads/{cast.acme.lead.public_id}/"' in page.html
    delete_lead(cast.acme.lead)
    assert "The lead was deleted" in read(adam, "/w/acme/logs/").text


def test_a_row_of_acme_never_links_a_lead_of_next_door(cast: Cast, adam: Client) -> None:
    attempt(cast.acme, "created", 201, lead_id=cast.next_door.lead.pk)
    assert str(cast.next_door.lead.public_id) not in read(adam, "/w/acme/logs/").html


def test_the_fields_that_were_wrong_are_named_without_their_values(cast: Cast, adam: Client) -> None:
    attempt(cast.acme, "missing_fields", 422, field_errors="name:required,phone:invalid_phone,email:invalid_email")
    page = read(adam, "/w/acme/logs/")
    assert "name was missing, phone was no phone number, email was no e-mail address." in page.text


def test_a_refused_preflight_is_marked(cast: Cast, adam: Client) -> None:
    attempt(cast.acme, "origin_not_allowed", 403, preflight=True, origin="https://www.yoursite.com")
    assert "origin https://www.yoursite.com Preflight" in read(adam, "/w/acme/logs/").text


def test_a_summary_says_how_many_more(cast: Cast, adam: Client) -> None:
    summary(cast.acme, "ip_not_allowed", 403, count=12345, address="198.51.100.66")
    summary(cast.acme, "ip_not_allowed", 403, count=2, address="")
    page = read(adam, "/w/acme/logs/")
    assert "and 12,345 more like this within an hour:" in page.text
    assert "from 198.51.100.66" in page.text
    assert "many or unreadable IPs" in page.text
    assert "Allow 198.51.100.66" in page.text


@pytest.mark.parametrize("note", NOTES)
def test_a_note_is_explained(cast: Cast, adam: Client, note: str) -> None:
    attempt(cast.acme, "ip_not_allowed", 403, note=note)
    assert NOTES[note] in read(adam, "/w/acme/logs/").text


def test_the_head_counts_the_last_day(cast: Cast, adam: Client) -> None:
    at = attempt(cast.acme, "created", 201).at
    for outcome, count in (("created", 1), ("replayed", 2), ("rate_limited", 1500), ("ip_not_allowed", 2)):
        AttemptCounter.objects.create(
            workspace_id=cast.acme.workspace.pk,
            endpoint_id=cast.acme.endpoint.pk,
            minute=at - at % 60_000,
            outcome=outcome,
            process=1,
            count=count,
            detailed=count,
        )
    assert "3 calls taken and 1,502 refused in the last 24 hours" in read(adam, "/w/acme/logs/").text


def test_the_page_is_filtered_by_outcome_and_endpoint(cast: Cast, adam: Client) -> None:
    shop = actions.add_endpoint(cast.acme.workspace, "Shop")
    attempt(cast.acme, "created", 201, user_agent="first")
    attempt(cast.acme, "rate_limited", 429, user_agent="second", endpoint_id=shop.pk)

    def shown(query: str) -> list[str]:
        page = read(adam, f"/w/acme/logs/?{query}").text
        return [word for word in ("first", "second") if word in page]

    assert shown("outcome=created") == ["first"]
    assert shown("outcome=refused") == ["second"]
    assert shown(f"endpoint={shop.pk}") == ["second"]
    assert shown("outcome=timeout") == []
    assert shown("outcome=<script>&endpoint=x&before=y") == ["first", "second"]


def test_older_calls_are_a_page_away(cast: Cast, adam: Client) -> None:
    for number in range(60):
        attempt(cast.acme, "created", 201, user_agent=f"agent-{number}-")
    first = read(adam, "/w/acme/logs/?outcome=created")
    assert "agent-59-" in first.text
    assert "agent-9-" not in first.text
    query = first.html.partition(">Older<")[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "agent-9-" in read(adam, f"/w/acme/logs/{query}").text


# Mending with one click


def mends(cast: Cast, browser: Client, code: str, **fields: object) -> str:
    attempt(cast.acme, code, 403, **fields)
    return read(browser, f"/w/acme/logs/?outcome={code}").html


def test_a_refused_address_is_allowed_with_one_click_and_undone_with_another(cast: Cast, adam: Client) -> None:
    base = f"/w/acme/integration/api/{cast.acme.endpoint.pk}"
    html = mends(cast, adam, "ip_not_allowed", address="203.0.113.7")
    assert "Allow 203.0.113.7" in html
    assert f'action="{base}/allow/"' in html
    page = send(adam, f"{base}/allow/", allowed_ips="203.0.113.7", back="outcome=refused")
    assert Endpoint.objects.get(pk=cast.acme.endpoint.pk).allowed_ips == ["203.0.113.7"]
    assert "203.0.113.7 may send leads to “My website” now." in page.text
    assert "Undo" in page.text
    assert "Allowed now" in page.text
    assert "Allow 203.0.113.7" not in page.text
    page = send(adam, f"{base}/disallow/", allowed_ips="203.0.113.7", back="outcome=refused")
    assert Endpoint.objects.get(pk=cast.acme.endpoint.pk).allowed_ips == []
    assert "Allow 203.0.113.7" in page.text


@pytest.mark.parametrize(
    "back", ["", "outcome=refused&endpoint=1", "//evil.example", "x\r\nSet-Cookie: a=b", "é" * 900]
)
def test_the_way_back_is_always_a_page_of_logs(cast: Cast, adam: Client, back: str) -> None:
    path = f"/w/acme/integration/api/{cast.acme.endpoint.pk}/allow/"
    answer = adam.post(path, {"allowed_ips": "203.0.113.7", "back": back})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/w/acme/logs/?")
    assert "Set-Cookie: a" not in str(answer.headers)


def test_a_refused_origin_is_allowed_with_one_click(cast: Cast, adam: Client) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allow_all_ips=True, allowed_origins=["https://yoursite.com"]))
    html = mends(cast, adam, "origin_not_allowed", origin="https://www.yoursite.com")
    assert "Allow https://www.yoursite.com" in html


@pytest.mark.parametrize("origin", ["null", "file://", "\0", "", "javascript:alert(1)"])
def test_an_origin_that_nobody_can_allow_has_no_button(cast: Cast, adam: Client, origin: str) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allow_all_ips=True, allowed_origins=["https://yoursite.com"]))
    if origin == "\0":  # PostgreSQL keeps no NUL, so the lane writes none
        origin = ""
    assert "/allow/" not in mends(cast, adam, "origin_not_allowed", origin=origin)


def test_a_server_that_sends_no_origin_is_allowed_by_its_address(cast: Cast, adam: Client) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allow_all_ips=True, allowed_origins=["https://yoursite.com"]))
    assert "Allow 203.0.113.9" in mends(cast, adam, "origin_required")


def test_what_holds_already_is_not_offered_again(cast: Cast, adam: Client) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.0/24"]))
    html = mends(cast, adam, "ip_not_allowed")
    assert "Allowed now" in html
    assert "/allow/" not in html


@pytest.mark.parametrize(
    "fields", [{"address": None, "note": "unreadable_address"}, {"address": "127.0.0.1", "note": "untrusted_proxy"}]
)
def test_where_allowing_would_not_help_the_setting_is_named_instead(
    cast: Cast, adam: Client, fields: dict[str, object]
) -> None:
    html = mends(cast, adam, "ip_not_allowed", **fields)
    assert "/allow/" not in html
    assert "STAGEWISE_" in html


def test_other_refusals_lead_to_where_they_are_mended(cast: Cast, adam: Client) -> None:
    page = f"/w/acme/integration/api/{cast.acme.endpoint.pk}/"
    assert f'href="{page}#max_leads_per_ip"' in mends(cast, adam, "rate_limited")
    assert "Open lead types" in mends(cast, adam, "unknown_lead_type")
    assert "Show the current URL" in mends(cast, adam, "endpoint_disabled", note="key_retired")
    save_rules(cast.acme.endpoint, RuleChanges(enabled=False))
    assert "Switch it on" in mends(cast, adam, "endpoint_disabled")


@pytest.mark.parametrize(
    ("code", "word"),
    [("created", "Created"), ("duplicate", "Came again"), ("held", "Held"), ("test_created", "Test lead")],
)
def test_what_was_taken_is_said_in_a_word(cast: Cast, adam: Client, code: str, word: str) -> None:
    attempt(cast.acme, code, 201)
    assert f"{word} just now from 203.0.113.9 {ACCEPTED[code][1]}" in read(adam, f"/w/acme/logs/?outcome={code}").text


def test_the_server_that_named_the_visitor_stands_beside_the_address(cast: Cast, adam: Client) -> None:
    attempt(cast.acme, "created", 201, address="203.0.113.9", forwarded_by="198.51.100.7")
    assert "203.0.113.9 named by your server 198.51.100.7" in read(adam, "/w/acme/logs/").text


def test_a_repeat_leads_to_the_first_lead(cast: Cast, adam: Client) -> None:
    html = mends(cast, adam, "duplicate", lead_id=cast.acme.lead.pk)
    assert f'href="/w/acme/leads/{cast.acme.lead.public_id}/"' in html
    assert "Open the first lead" in html


def test_a_servers_ceiling_is_raised_where_it_is_set(cast: Cast, adam: Client) -> None:
    html = mends(cast, adam, "rate_limited", note="server_ceiling", forwarded_by="198.51.100.7")
    assert f'href="/w/acme/integration/api/{cast.acme.endpoint.pk}/?open=forwarding#server_ceiling"' in html
    assert "Raise the ceiling" in html


def test_what_concerns_captcha_and_held_leads_leads_there(cast: Cast, adam: Client, as_user: AsUser) -> None:
    for code in ("captcha_failed", "captcha_unavailable"):
        assert "?open=captcha#captcha" in mends(cast, adam, code)
    assert 'href="/w/acme/leads/held/">Look at held leads' in mends(cast, as_user(cast.vera), "holding_full")
    assert 'href="/w/acme/leads/held/">Look at held leads' in mends(cast, as_user(cast.vera), "held")


def test_an_ignored_visitors_address_is_mended_by_forwarding_with_one_click(cast: Cast, adam: Client) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.0/24"]))
    base = f"/w/acme/integration/api/{cast.acme.endpoint.pk}"
    html = mends(cast, adam, "created", note="visitor_ip_ignored", lead_id=cast.acme.lead.pk)
    assert f'action="{base}/forwarding/"' in html
    assert "Open the lead" in html
    page = send(adam, f"{base}/forwarding/", forwarding="on", back="outcome=created")
    assert Endpoint.objects.get(pk=cast.acme.endpoint.pk).forwarding
    assert "Forwarding is on now" in page.text
    assert "Undo" in page.text
    page = send(adam, f"{base}/forwarding/", forwarding="off", back="outcome=created")
    assert "Turn forwarding on" in page.text


def test_forwarding_is_not_offered_for_a_caller_that_nobody_trusts(cast: Cast, adam: Client) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allow_all_ips=True))
    html = mends(cast, adam, "rate_limited", note="visitor_ip_ignored")
    assert "/forwarding/" not in html
    assert "The address was ignored" in html


def test_a_test_calls_row_still_says_what_to_do(cast: Cast, adam: Client) -> None:
    attempt(cast.acme, "missing_fields", 422, note="test")
    page = read(adam, "/w/acme/logs/")
    assert NOTES["test"] in page.text
    assert REFUSALS["missing_fields"].mend in page.text


def test_a_row_of_an_endpoint_that_is_gone_is_still_shown(cast: Cast, adam: Client) -> None:
    html = mends(cast, adam, "ip_not_allowed", endpoint_id=999_999)
    assert "IP not allowed" in html
    assert "/allow/" not in html
