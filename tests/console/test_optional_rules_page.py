"""The folded sections of the Stagewise API page: forwarding, CAPTCHA, holding rules, hosted form."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import User
from stagewise.endpoints import queries
from stagewise.endpoints.actions import RuleChanges, save_rules
from stagewise.endpoints.models import Endpoint
from stagewise.leads.models import HeldLead
from tests.console.pages import Page, read, send
from tests.support.cast import Cast, held

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
DAY_MS = 86_400_000
KEYS = {"captcha_provider": "turnstile", "captcha_site_key": "0x4AAA", "captcha_secret": "top-secret-1"}


@pytest.fixture
def adam(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.adam)


def path(cast: Cast, act: str = "") -> str:
    return f"/w/acme/integration/api/{cast.acme.endpoint.pk}/{act}"


def saved(cast: Cast) -> Endpoint:
    return Endpoint.objects.get(pk=cast.acme.endpoint.pk)


def save(cast: Cast, browser: Client, **fields: str) -> Page:
    """Send the page's form: what it shows now, with ``fields`` in place of it; an empty field unchecks a box."""
    page = read(browser, path(cast))
    shown = {name: value for name, value in page.values.items() if name not in BOXES}
    shown |= dict.fromkeys(page.checked, "on")
    shown |= {name: chosen(page, name) for name in CHOICES}
    return send(browser, path(cast), **{name: value for name, value in {**shown, **fields}.items() if value})


BOXES = ("allow_all_ips", "forwarding", "holding_honeypot", "form_enabled", "form_ask_lead_type")
CHOICES = ("over_limit", "captcha_provider", "captcha_if_failed", "captcha_if_down")


def chosen(page: Page, name: str) -> str:
    options = re.search(rf'<select id="{name}".*?</select>', page.html, re.DOTALL)
    assert options
    found = re.search(r'value="([^"]*)"\s+selected', options[0])
    return found[1] if found else ""


def section(page: Page, name: str) -> str:
    """The start tag of a folded section."""
    found = re.search(rf'<details class="fold"\s+id="{name}"[^>]*>', page.html)
    assert found
    return found[0]


def test_the_sections_are_folded_and_say_that_they_are_off(cast: Cast, adam: Client) -> None:
    page = read(adam, path(cast))
    for name in ("forwarding-section", "captcha", "holding", "form"):
        assert "open" not in section(page, name)
    for words in (
        "Forwarding by your server: off",
        "CAPTCHA: off",
        "Hold suspicious leads: off",
        "Hosted form: off",
    ):
        assert words in page.text


def test_saving_the_page_as_it_is_changes_nothing(cast: Cast, adam: Client) -> None:
    everything = RuleChanges(
        allow_all_ips=True,
        allowed_ips=["203.0.113.7"],
        max_leads_per_ip=5,
        forwarding=True,
        server_ceiling=None,
        over_limit="hold",
        captcha={"provider": "recaptcha_v3", "site_key": "k", "secret": "s", "min_score": 0.3, "if_down": "admit"},
        holding={"honeypot": True, "max_links": 0, "words": ["casino", "buy now"], "domains": ["spam.example"]},
        form={"enabled": True, "intro": "One\nTwo", "ask_lead_type": True},
    )
    before = save_rules(cast.acme.endpoint, everything)
    assert "Saved." in save(cast, adam).text
    assert saved(cast).version == before.version


def test_everything_can_be_set_on_the_page(cast: Cast, adam: Client) -> None:
    page = save(
        cast,
        adam,
        forwarding="on",
        server_ceiling="5,000",
        over_limit="hold",
        captcha_provider="altcha",
        captcha_if_down="admit",
        holding_honeypot="on",
        holding_min_seconds="3",
        holding_max_links="0",
        holding_repeated="4",
        holding_words="Casino\r\nbuy now, poker",
        holding_domains="*.Spam.example",
        form_enabled="on",
        form_title="Write to us",
    )
    assert "Saved. It holds for the next call." in page.text
    assert "“*.Spam.example” is kept as spam.example." in page.text
    now = saved(cast)
    assert (now.forwarding, now.server_ceiling, now.over_limit) == (True, 5000, "hold")
    assert now.captcha == {"provider": "altcha", "if_down": "admit"}
    assert now.holding == {
        "honeypot": True,
        "min_seconds": 3,
        "max_links": 0,
        "repeated": 4,
        "words": ["casino", "buy now", "poker"],
        "domains": ["spam.example"],
    }
    assert now.form == {"enabled": True, "title": "Write to us"}
    for words in (
        "Forwarding by your server: on, up to 5,000 leads a day for each server",
        "CAPTCHA: ALTCHA",
        "honeypot, sent within 3 s, more than 0 links, the same message 4 times, 3 blocked words, 1 blocked domain",
        "Hosted form: on",
    ):
        assert words in page.text


def test_who_sends_only_the_four_old_settings_leaves_the_others(cast: Cast, adam: Client) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(forwarding=True, holding={"honeypot": True}))
    send(adam, path(cast), version=str(saved(cast).version), allowed_ips="203.0.113.7")
    now = saved(cast)
    assert (now.allowed_ips, now.forwarding, now.holding) == (["203.0.113.7"], True, {"honeypot": True})


def test_a_mistake_opens_its_section_and_keeps_what_was_typed(cast: Cast, adam: Client) -> None:
    page = save(
        cast,
        adam,
        server_ceiling="0",
        captcha_provider="altcha",
        captcha_min_score="high",
        holding_min_seconds="soon",
        form_enabled="on",
        form_next_url="javascript:alert(1)",
    )
    assert page.status == 422
    assert "Not saved yet" in page.text
    for name in ("captcha", "holding"):
        assert "open" in section(page, name)
    for said in ("Choose a score from 0 to 1", "“soon” is no whole number"):
        assert said in page.text
    assert page.values["form_next_url"] == "javascript:alert(1)"
    assert page.values["holding_min_seconds"] == "soon"
    page = save(cast, adam, server_ceiling="0", form_enabled="on", form_next_url="javascript:alert(1)")
    assert "0 would refuse every lead of your server" in page.text
    assert "This is no address of a page" in page.text
    for name in ("forwarding-section", "form"):
        assert "open" in section(page, name)
    assert saved(cast).version == cast.acme.endpoint.version


# CAPTCHA


def test_the_secret_is_never_on_the_page_and_an_empty_field_keeps_it(cast: Cast, adam: Client) -> None:
    page = save(cast, adam, **KEYS)
    assert saved(cast).captcha["secret"] == "top-secret-1"
    assert "top-secret" not in page.html
    assert "A key is saved" in page.html
    save(cast, adam, captcha_hostnames="yoursite.com")
    assert saved(cast).captcha["secret"] == "top-secret-1"


def test_a_secret_that_was_not_saved_must_be_typed_again_and_the_page_says_so(cast: Cast, adam: Client) -> None:
    page = save(cast, adam, **KEYS, holding_repeated="1")
    assert page.status == 422
    assert "top-secret" not in page.html
    assert "Type the secret key again." in page.text
    assert "open" in section(page, "captcha")


def test_the_keys_that_lack_are_asked_for(cast: Cast, adam: Client) -> None:
    page = save(cast, adam, captcha_provider="hcaptcha")
    assert "hCaptcha needs its site key" in page.text
    assert "hCaptcha needs its secret key" in page.text


# Forwarding


def test_one_server_with_a_low_limit_is_offered_forwarding_with_one_click(cast: Cast, adam: Client) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7"], max_leads_per_ip=10))
    assert "Turn forwarding on" in read(adam, path(cast)).text
    page = send(adam, path(cast, "forwarding/"), forwarding="on")
    assert saved(cast).forwarding
    assert "Forwarding is on" in page.text
    assert "Undo" in page.text
    assert "share its limit" not in page.text
    page = send(adam, path(cast, "forwarding/"), forwarding="off")
    assert not saved(cast).forwarding
    assert "share its limit" in page.text


def test_a_viewer_reads_the_warning_without_the_button(cast: Cast, as_user: AsUser) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7"], max_leads_per_ip=10))
    page = read(as_user(cast.vera), path(cast))
    assert "share its limit" in page.text
    assert "Turn forwarding on</button>" not in page.html


# Held leads and the form


def test_held_leads_that_nobody_looks_at_are_pointed_out(cast: Cast, adam: Client) -> None:
    assert "Look at held leads" not in read(adam, path(cast)).text
    held(cast.acme, at=now_ms() - 9 * DAY_MS)
    page = read(adam, path(cast))
    assert "2 held leads wait, the oldest for 9 days." in page.text
    assert "Look at held leads" in page.text


def test_a_full_house_of_held_leads_is_said(cast: Cast, adam: Client) -> None:
    row = HeldLead.objects.get(pk=cast.acme.held.pk)
    for _ in range(999):
        row.pk, row.public_id = None, held(cast.next_door).public_id
        HeldLead.objects.filter(public_id=row.public_id).delete()
        row.save(force_insert=True)
    assert "1,000 held leads wait. No more fit" in read(adam, path(cast)).text


def test_the_form_has_its_link_and_the_line_to_embed_it(cast: Cast, adam: Client) -> None:
    key = queries.key_of(cast.acme.endpoint)
    page = save(cast, adam, form_enabled="on")
    assert f'href="http://127.0.0.1:8000/form/{key}"' in page.html
    assert f'data-endpoint="http://127.0.0.1:8000/public/v1/leads/{key}"' in page.text
    assert "takes leads from its hosted form only" in page.text
    assert "Nobody can send leads" not in page.text


@pytest.mark.parametrize("name", ["captcha", "holding", "form", "forwarding"])
def test_a_link_can_open_a_section(cast: Cast, adam: Client, name: str) -> None:
    page = read(adam, f"{path(cast)}?open={name}")
    assert "open" in section(page, "forwarding-section" if name == "forwarding" else name)


def test_of_two_who_save_at_once_the_second_reads_what_is_saved(cast: Cast, adam: Client) -> None:
    seen = str(saved(cast).version)
    save_rules(cast.acme.endpoint, RuleChanges(forwarding=True, holding={"honeypot": True}))
    page = send(adam, path(cast), version=seen, optional="on", over_limit="hold", captcha_provider="", **TYPED)
    assert page.status == 409
    assert "on, up to 2,000 leads a day for each server" in page.text
    assert page.values["holding_words"] == "casino"


TYPED = {
    "holding_words": "casino",
    "captcha_min_score": "0.5",
    "captcha_if_failed": "refuse",
    "captcha_if_down": "hold",
}
