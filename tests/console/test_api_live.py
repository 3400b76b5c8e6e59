"""Integration → Stagewise API: calls as they come in, the server that is looked for, the checklist, the notes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import User
from stagewise.console import find_server
from stagewise.endpoints import queries
from stagewise.endpoints.actions import RuleChanges, add_endpoint, save_rules
from tests.console.api_page import part, path, post, saved
from tests.console.pages import Page, read, send
from tests.support.cast import Cast, attempt

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
BODY = '{"name": "Ada", "phone": "+44 20 7946 0958", "email": "ada@example.com"}'


@pytest.fixture
def adam(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.adam)


def search(cast: Cast, browser: Client) -> str:
    """Begin to look for the server; returns the name that its program is to bear."""
    found = re.search(r"curl -A (stagewise-find-\w+) -X POST (\S+)", part(cast, browser, "find/").text)
    assert found
    assert found[2] == queries.url_of(cast.acme.endpoint)
    return found[1]


def test_the_call_of_the_line_shows_the_servers_address_and_offers_to_allow_it(cast: Cast, adam: Client) -> None:
    program = search(cast, adam)
    assert "Waiting for the call." in read(adam, path(cast)).text
    attempt(cast.acme, "ip_not_allowed", 403, address="203.0.113.50", user_agent=program)
    for page in (read(adam, path(cast)), read(adam, path(cast, "live/?after=0"))):
        assert "The call came from 203.0.113.50" in page.text
        assert "Read from the connection itself." in page.text
        assert "Allow 203.0.113.50" in page.text
        assert "hardly your server's own IP" not in page.text
    page = send(adam, path(cast, "allow/"), allowed_ips="203.0.113.50")
    assert "203.0.113.50 may send leads to “My website” now." in page.text
    assert "Undo" in page.text
    assert "It is on the list." in page.text


def test_allowing_it_keeps_what_was_typed_and_puts_it_on_the_typed_list_too(cast: Cast, adam: Client) -> None:
    typed = {"allowed_ips": "198.51.100.1\n", "max_leads_per_ip": "7", "add_allowed_ips": "203.0.113.50"}
    page = post(cast, adam, "allow/", **typed)
    assert saved(cast).allowed_ips == ["203.0.113.50"]
    assert "198.51.100.1\n203.0.113.50</textarea>" in page.html
    assert page.values["max_leads_per_ip"] == "7"
    assert page.values["version"] == str(saved(cast).version)
    assert "Undo" in page.text


def test_allowing_does_not_hide_what_somebody_else_saved_in_between(cast: Cast, adam: Client) -> None:
    seen = str(saved(cast).version)
    save_rules(cast.acme.endpoint, RuleChanges(max_leads_per_ip=99))
    page = send(adam, path(cast, "allow/"), version=seen, max_leads_per_ip="7", add_allowed_ips="203.0.113.50")
    assert page.values["version"] == seen
    assert send(adam, path(cast), version=seen, max_leads_per_ip="7").status == 409


@pytest.mark.parametrize(
    "fields",
    [
        {"address": "127.0.0.1", "note": "untrusted_proxy"},
        {"address": None, "note": "unreadable_address"},
        {"address": "10.1.2.3", "address_from": "X-Forwarded-For"},
    ],
)
def test_the_address_of_a_proxy_comes_with_what_to_do(
    cast: Cast, adam: Client, fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "public_base", lambda: "https://leads.example.com")
    program = search(cast, adam)
    attempt(cast.acme, "ip_not_allowed", 403, user_agent=program, **fields)
    page = read(adam, path(cast))
    assert "hardly your server's own IP" in page.text
    assert "STAGEWISE_TRUSTED_PROXIES" in page.text
    assert ("Allow 10.1.2.3" in page.text) == (fields["address"] == "10.1.2.3")
    assert "Allow 127.0.0.1" not in page.text


def test_a_mark_belongs_to_its_session_its_endpoint_and_its_quarter_of_an_hour(
    cast: Cast, adam: Client, as_user: AsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = search(cast, adam)
    attempt(cast.acme, "ip_not_allowed", 403, address="203.0.113.50", user_agent=program)
    assert "The call came from" not in read(as_user(cast.adam), path(cast)).text
    shop = add_endpoint(cast.acme.workspace, "Shop")
    assert "The call came from" not in read(adam, f"/w/acme/integration/api/{shop.pk}/").text
    assert "The call came from" in read(adam, path(cast)).text
    later = now_ms() + find_server.HOLDS_MS + 1
    monkeypatch.setattr(find_server, "now_ms", lambda: later)
    assert "The call came from" not in read(adam, path(cast)).text


def test_a_call_from_before_the_mark_was_made_is_not_taken_for_it(cast: Cast, adam: Client) -> None:
    program = search(cast, adam)
    attempt(cast.acme, "ip_not_allowed", 403, user_agent=program)
    assert search(cast, adam) != program
    assert "Waiting for the call." in read(adam, path(cast)).text


def cursor(page: Page) -> int:
    found = re.search(r'data-after="(\d+)"', page.html)
    assert found
    return int(found[1])


def test_the_tail_brings_only_calls_that_came_since(cast: Cast, adam: Client) -> None:
    old = attempt(cast.acme, "created", 201, at=now_ms() - 60_000)
    after = cursor(read(adam, path(cast)))
    assert after == old.pk
    assert adam.get(path(cast, f"live/?after={after}")).status_code == 204
    attempt(cast.next_door, "created", 201)
    assert adam.get(path(cast, f"live/?after={after}")).status_code == 204
    fresh = attempt(cast.acme, "rate_limited", 429)
    page = read(adam, path(cast, f"live/?after={after}"))
    assert f'id="call-{fresh.pk}"' in page.html
    assert f'id="call-{old.pk}"' not in page.html
    assert "Too Many Requests" in page.text
    # It is too young to be sure that none with a lower id is still being written.
    assert cursor(page) == old.pk


def test_each_call_has_its_mend_and_its_row_in_logs(cast: Cast, adam: Client, as_user: AsUser) -> None:
    row = attempt(cast.acme, "ip_not_allowed", 403, address="198.51.100.1")
    attempt(cast.acme, "rate_limited", 429, address="198.51.100.1")
    page = read(adam, path(cast))
    assert "Allow 198.51.100.1" in page.text
    assert f"?request={row.request_id}" in page.html
    assert 'href="/w/acme/integration/api/' in page.html
    assert "Allow 198.51.100.1" not in read(as_user(cast.vera), path(cast)).text


def test_the_checklist_ticks_itself(cast: Cast, adam: Client) -> None:
    before = read(adam, path(cast))
    for words in ("Valid data", "Missing fields", "Invalid e-mail", "Rate limit", "Another IP", "CORS"):
        assert words in before.text
    assert "Stagewise-Test: unavailable" in before.text
    row = attempt(cast.acme, "unavailable", 503, note="test")
    page = read(adam, path(cast, "live/?after=0"))
    assert "Stagewise-Test: unavailable" not in page.text
    assert f"?request={row.request_id}" in page.html


def test_allowed_addresses_have_notes_and_say_when_they_were_last_seen(cast: Cast, adam: Client) -> None:
    page = post(cast, adam, "", allowed_ips="203.0.113.7  # web server\n10.0.0.0/8", max_leads_per_ip="10")
    assert page.status == 200
    assert saved(cast).ip_notes == {"203.0.113.7": "web server"}
    assert page.values["allowed_ips"] == "203.0.113.7  # web server\n10.0.0.0/8"
    attempt(cast.acme, "created", 201, address="10.9.8.7", at=now_ms() - 3 * 60_000)
    page = read(adam, path(cast))
    assert "203.0.113.7 web server not among the last 200 calls" in page.text
    assert "10.0.0.0/8 last seen 3 minutes ago" in page.text


def test_addresses_that_reached_the_limit_are_counted(cast: Cast, adam: Client) -> None:
    for address in ("198.51.100.1", "198.51.100.1", "198.51.100.2"):
        attempt(cast.acme, "rate_limited", 429, address=address)
    attempt(cast.acme, "rate_limited", 429, address="198.51.100.3", at=now_ms() - 90_000_000)
    assert "2 IPs were refused by the limit in the last 24 hours." in read(adam, path(cast)).text
