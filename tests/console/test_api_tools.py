"""Integration → Stagewise API: what helps to set an endpoint up, and changes nothing by itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import AuditEntry, User
from stagewise.console import try_it
from stagewise.endpoints import queries
from stagewise.endpoints.actions import RuleChanges, add_endpoint, save_rules
from stagewise.endpoints.models import Attempt, AttemptCounter, Endpoint
from stagewise.leads.models import Lead
from stagewise.notify import own_url
from stagewise.notify.outbound import Answer, OutboundError
from stagewise.options.canary import Canaries
from tests.console.api_page import part, path, post, saved
from tests.console.pages import Page, read
from tests.support.cast import Cast, attempt

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
BODY = '{"name": "Ada", "phone": "+44 20 7946 0958", "email": "ada@example.com"}'


@pytest.fixture
def adam(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.adam)


def settings_of(cast: Cast) -> object:
    """All settings of all endpoints, and what the audit knows of them."""
    return list(Endpoint.objects.values()), AuditEntry.objects.count(), Attempt.objects.count(), Lead.objects.count()


def test_every_endpoint_is_listed_with_its_state_in_words(cast: Cast, adam: Client) -> None:
    shop = add_endpoint(cast.acme.workspace, "Shop")
    save_rules(shop, RuleChanges(enabled=False))
    save_rules(cast.acme.endpoint, RuleChanges(allow_all_ips=True))
    minute = now_ms() // 60_000 * 60_000 - 12 * 60_000
    AttemptCounter.objects.create(
        workspace_id=cast.acme.workspace.pk, endpoint_id=cast.acme.endpoint.pk, minute=minute, outcome="created",
        process=1, count=1, detailed=1,
    )  # fmt: skip
    page = read(adam, path(cast))
    assert "My website last lead 12 minutes ago" in page.text
    assert "Shop switched off: every call is refused" in page.text
    assert "“Shop” switched off" in read(adam, f"/w/acme/integration/api/{shop.pk}/").text


def test_calling_from_a_server_sets_what_the_guide_says_and_saves_nothing(cast: Cast, adam: Client) -> None:
    before = settings_of(cast)
    page = post(cast, adam, "preset/server/", allow_all_ips="on", allowed_ips="203.0.113.7 # web", max_leads_per_ip="5")
    assert page.status == 200
    assert "allow_all_ips" not in page.checked
    assert page.values["max_leads_per_ip"] == "20"
    assert page.values["allowed_ips"] == "203.0.113.7 # web"
    assert "Nothing is saved yet." in page.text
    assert settings_of(cast) == before


@pytest.mark.parametrize(
    ("way", "typed", "kept"),
    [
        ("server", "10", "10"), ("server", "500", "500"), ("server", "", "20"), ("server", "x", "20"),
        ("browser", "5", "5"), ("browser", "10", "10"), ("browser", "20", "10"), ("browser", "", "10"),
        ("browser", "1", "10"),
    ],
)  # fmt: skip
def test_a_limit_that_the_guide_recommends_stays(cast: Cast, adam: Client, way: str, typed: str, kept: str) -> None:
    page = post(cast, adam, f"preset/{way}/", max_leads_per_ip=typed)
    assert page.values["max_leads_per_ip"] == kept
    assert ("allow_all_ips" in page.checked) == (way == "browser")
    assert ("any Origin it likes" in page.text) == (way == "browser")


def test_there_is_no_third_way(cast: Cast, adam: Client) -> None:
    assert post(cast, adam, "preset/magic/").status == 404


def test_what_saving_would_change_is_listed_call_by_call(cast: Cast, adam: Client) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7"]))
    attempt(cast.acme, "created", 201, address="203.0.113.7")
    attempt(cast.acme, "ip_not_allowed", 403, address="198.51.100.1")
    before = settings_of(cast)
    for ask in (post, part):
        page = ask(cast, adam, "preview/", allowed_ips="198.51.100.1", max_leads_per_ip="10")
        assert page.status == 200
        assert "Would refuse 1 of the last 2 calls that was accepted" in page.text
        assert "Would let in 1 of the last 2 that was refused" in page.text
        assert "was: IP not allowed" in page.text
        assert "nothing is said about fields" in page.text
    assert settings_of(cast) == before


def test_a_whole_page_keeps_what_was_typed_and_says_that_it_is_not_saved(cast: Cast, adam: Client) -> None:
    page = post(cast, adam, "preview/", allowed_ips="198.51.100.1", max_leads_per_ip="10")
    assert page.values["allowed_ips"] == "198.51.100.1"
    assert page.values["version"] == str(saved(cast).version)
    assert "data-typed" in page.html
    assert "data-typed" not in read(adam, path(cast)).html


def test_settings_that_cannot_be_saved_are_told_instead(cast: Cast, adam: Client) -> None:
    page = part(cast, adam, "preview/", allowed_ips="nonsense", max_leads_per_ip="x")
    assert "2 settings cannot be saved as they are." in page.text or "One setting cannot be saved" in page.text
    assert "no whole number" in page.text


def test_without_calls_there_is_nothing_to_weigh(cast: Cast, adam: Client) -> None:
    assert "no calls yet" in part(cast, adam, "preview/", allowed_ips="198.51.100.1").text


def explain(cast: Cast, browser: Client, ask: Callable[..., Page] = part, /, **fields: Any) -> Page:
    return ask(cast, browser, "explain/", **{"explain_address": "203.0.113.7", "explain_body": BODY, **fields})


def test_a_call_is_explained_by_the_saved_settings_and_by_those_as_typed(cast: Cast, adam: Client) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7"]))
    typed = {"allowed_ips": "198.51.100.1", "max_leads_per_ip": "10"}
    by_saved = explain(cast, adam, part, explain_by="saved", **typed)
    assert by_saved.status == 200
    assert "201 Created by the saved settings" in by_saved.text
    assert "203.0.113.7 is on the list." in by_saved.text
    by_typed = explain(cast, adam, part, explain_by="typed", **typed)
    assert "403 IP not allowed by the settings as typed" in by_typed.text
    assert "not reached" in by_typed.text
    assert '"code": "ip_not_allowed"' in by_typed.text


def test_without_script_the_explanation_stands_on_the_page_and_nothing_typed_is_lost(cast: Cast, adam: Client) -> None:
    typed = {"allowed_ips": "198.51.100.1", "max_leads_per_ip": "7", "explain_by": "typed"}
    page = explain(cast, adam, post, **typed)
    assert "403 IP not allowed" in page.text
    assert (page.values["allowed_ips"], page.values["max_leads_per_ip"]) == ("198.51.100.1", "7")
    assert (page.values["explain_address"], page.values["explain_body"]) == ("203.0.113.7", BODY)


@pytest.mark.parametrize(("typed", "fine"), [("[2001:db8::1]:443", True), ("::ffff:192.0.2.1", True), ("web1", False)])
def test_an_address_may_be_typed_as_it_stands_in_a_log(cast: Cast, adam: Client, typed: str, fine: bool) -> None:
    page = explain(cast, adam, explain_address=typed)
    assert (page.status == 200) == fine
    assert ("This is no IP address" in page.text) != fine


def test_typed_settings_that_cannot_be_used_are_said_to_be_so(cast: Cast, adam: Client) -> None:
    page = explain(cast, adam, explain_by="typed", allowed_ips="nonsense")
    assert page.status == 422
    assert "cannot be used as they are" in page.text


def test_a_viewer_explains_by_the_saved_settings_whatever_is_sent(cast: Cast, as_user: AsUser) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7"], max_leads_per_ip=10))
    page = explain(cast, as_user(cast.vera), post, explain_by="typed", allowed_ips="198.51.100.1", optional="on")
    assert "201 Created by the saved settings" in page.text
    assert page.values["allowed_ips"] == "203.0.113.7"


def answered(monkeypatch: pytest.MonkeyPatch, status: int, body: str, **headers: str) -> list[dict[str, Any]]:
    """Our own URL answers so; what was sent to it is returned."""
    sent: list[dict[str, Any]] = []

    def answer(url: str, given: dict[str, str], content: bytes) -> Answer:
        sent.append({"url": url, "headers": given, "body": content.decode()})
        return Answer(status, {"content-type": "application/json", **headers}, body.encode(), 12)

    monkeypatch.setattr(own_url, "post", answer)
    monkeypatch.setattr(try_it, "PATIENCE_S", 0)
    return sent


def test_a_test_lead_is_sent_and_everything_that_was_said_is_shown(
    cast: Cast, adam: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = attempt(cast.acme, "test_created", 201, lead_id=cast.acme.lead.pk)
    sent = answered(monkeypatch, 201, '{"test": true}', **{"x-request-id": row.request_id})
    page = part(cast, adam, "try/", try_body=BODY, try_origin="https://yoursite.com")
    assert sent == [
        {
            "url": queries.url_of(cast.acme.endpoint),
            "headers": {
                "Content-Type": "application/json", "User-Agent": "Stagewise (Try it)",
                "Origin": "https://yoursite.com", "Stagewise-Test": "1",
            },
            "body": BODY,
        }
    ]  # fmt: skip
    assert "A test lead was stored" in page.text
    assert "201 Created content-type: application/json x-request-id: " in page.text
    assert '{"test": true}' in page.text
    assert f"/w/acme/leads/{cast.acme.lead.public_id}/" in page.html
    assert f"?request={row.request_id}" in page.html


def test_rules_that_refuse_the_console_are_told_and_a_token_can_stand_for_an_allowed_ip(
    cast: Cast, adam: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = attempt(cast.acme, "ip_not_allowed", 403, address="192.0.2.77")
    answered(monkeypatch, 403, "{}", **{"x-request-id": row.request_id})
    page = part(cast, adam, "try/", try_body=BODY)
    assert "Your rules refuse the console's own IP, 192.0.2.77." in page.text
    assert "Send it as an allowed IP" in page.text
    sent = answered(monkeypatch, 201, "{}")
    page = post(cast, adam, "try/", try_body=BODY, try_as="allowed")
    token = sent[0]["headers"]["Stagewise-Canary"]
    from django.conf import settings

    assert Canaries(settings.SECRET_KEY).is_ours(token, queries.key_of(cast.acme.endpoint))
    assert "Stagewise-Test" not in sent[0]["headers"]
    assert token not in page.html
    assert "A test lead was stored" in page.text
    assert page.values["try_body"] == BODY


def test_an_answer_that_did_not_come_is_told_in_words(
    cast: Cast, adam: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Answer:
        raise OutboundError("leads.example.com refused the connection.")

    monkeypatch.setattr(own_url, "post", refuse)
    assert "leads.example.com refused the connection." in part(cast, adam, "try/", try_body=BODY).text
    assert "Browsers send an origin in ASCII" in part(cast, adam, "try/", try_body=BODY, try_origin="https://ä").text
    assert "more than 65,536 bytes" in part(cast, adam, "try/", try_body="x" * 70_000).text


@pytest.mark.parametrize(
    ("name", "said"),
    [("curl", "curl --config"), ("flask", "Flask"), ("node", "http"), ("php", "<?php"), ("browser", "fetch(")],
)
def test_programs_stand_in_tabs_with_the_real_url(cast: Cast, adam: Client, name: str, said: str) -> None:
    page = read(adam, path(cast, f"?sample={name}"))
    assert said in page.text
    code = page.html.partition('id="sample-code">')[2].partition("</code>")[0]
    assert queries.url_of(cast.acme.endpoint) in code
    assert re.findall(r'id="sample-(\w+)"[^>]*aria-current="true"', page.html) == [name]


def test_the_browsers_program_comes_first_for_who_calls_from_the_browser(cast: Cast, adam: Client) -> None:
    assert "curl --config" in read(adam, path(cast)).text
    save_rules(cast.acme.endpoint, RuleChanges(allow_all_ips=True))
    assert "fetch(" in read(adam, path(cast)).text


def test_looking_changes_nothing_and_calls_of_others_are_not_shown(cast: Cast, adam: Client) -> None:
    attempt(cast.next_door, "created", 201, address="192.0.2.200")
    before = Attempt.objects.count()
    assert "192.0.2.200" not in read(adam, path(cast)).text
    assert Attempt.objects.count() == before
