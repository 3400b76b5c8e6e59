"""Visitors in a real browser, and a real lane: our page, and websites of other origins."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.forms.servers import Website
from tests.forms.test_routes import Lane
from tests.support.installation import LEAD, Installation
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.parametrize("engine", ["sqlite"])]

THANKS = "Thank you. Your message has arrived."
DOCS = Path(__file__).parent.parent.parent / "docs" / "form.md"


@pytest.fixture
def lane(shared_installation: Installation) -> Lane:
    made = Lane(shared_installation.running_intake)
    made.set(form={"enabled": True}, max_leads_per_ip=None)
    return made


def fill(page: Page, **values: str) -> None:
    for name, value in {**LEAD, **values}.items():
        page.locator(f"[name={name}]").fill(value)


def send(page: Page) -> None:
    page.get_by_role("button", name="Send").click()


def examples(lane: Lane) -> list[str]:
    """The HTML of docs/form.md, with this lane's address and key in it."""
    found = re.findall(r"```html\n(.+?)```", DOCS.read_text(), re.DOTALL)
    return [
        each.replace("https://leads.example.com", lane.origin).replace("<key>", lane.installation.key) for each in found
    ]


def without_script(browser: Browser) -> Page:
    return browser.new_context(java_script_enabled=False).new_page()


def test_the_documented_examples_work_as_pasted(lane: Lane, page: Page, website: Callable[..., Website]) -> None:
    own, built, *_rest = examples(lane)
    site = website(own=own, built=built)
    lane.set(form={}, allow_all_ips=True, allowed_ips=[], allowed_origins=[site.url])
    for path in ("own", "built"):
        page.goto(f"{site.url}/{path}?utm_source=news#form")
        page.evaluate("localStorage.clear()")
        fill(page, message=f"From {path}", email="ada@example")
        send(page)
        expect(page.locator("[name=email]")).to_have_accessible_description("This is no valid e-mail address.")
        page.get_by_label("E-mail").fill("ada@example.com")
        send(page)
        expect(page.get_by_role("status")).to_have_text(THANKS)
    assert [lead[3] for lead in lane.leads()] == ["From own", "From built"]
    assert lane.installation.sql("SELECT DISTINCT origin FROM lead") == [(site.url,)]
    kept = lane.installation.sql("SELECT page_url, utm_source FROM lead_attribution ORDER BY lead_id")
    assert kept == [(f"{site.url}/{path}?utm_source=news", "news") for path in ("own", "built")]


def test_the_first_example_works_without_a_script_and_returns_to_the_website(
    lane: Lane, chromium: Browser, website: Callable[..., Website]
) -> None:
    site = website(index=examples(lane)[0], thanks="<h1>Merci</h1>")
    lane.set(form={"next_url": f"{site.url}/thanks"}, allow_all_ips=True, allowed_ips=[], allowed_origins=[site.url])
    page = without_script(chromium)
    page.goto(site.url)
    fill(page, phone="12")
    send(page)
    expect(page.get_by_text("This is no valid phone number.")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Message")).to_have_value("Hello")
    page.get_by_label("Phone").fill("+44 20 7946 0958")
    send(page)
    expect(page.get_by_role("heading", name="Merci")).to_be_visible()
    assert len(lane.leads()) == 1


def test_a_website_that_is_not_allowed_is_told_so_in_the_console_of_its_developer(
    lane: Lane, page: Page, website: Callable[..., Website]
) -> None:
    lane.set(form={}, allow_all_ips=True, allowed_ips=[], allowed_origins=["https://www.yoursite.com"])
    site = website(index=examples(lane)[0])
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(site.url)
    fill(page)
    send(page)
    expect(page.get_by_role("status")).to_contain_text("Your text is still here", timeout=15_000)
    assert any(f"is {site.url} an allowed origin there?" in each for each in said)
    assert lane.leads() == []


def test_our_page_takes_a_lead_with_a_proof_of_work(lane: Lane, page: Page) -> None:
    lane.set(form={"enabled": True, "thanks": "We will call you."}, captcha={"provider": "altcha"})
    page.goto(f"{lane.origin}{lane.path}")
    fill(page, email="ada@example")
    send(page)
    expect(page.locator("[name=email]")).to_be_focused()
    expect(page.locator("[name=email]")).to_have_accessible_description("This is no valid e-mail address.")
    page.get_by_label("E-mail").fill("ada@example.com")
    send(page)
    expect(page.get_by_role("status")).to_have_text("We will call you.")
    expect(page.get_by_label("Message")).to_be_hidden()
    assert len(lane.leads()) == 1


def test_a_websites_form_passes_the_endpoints_altcha(lane: Lane, page: Page, website: Callable[..., Website]) -> None:
    own, built, *_rest = examples(lane)
    site = website(own=own, built=built.replace("<div ", '<div data-captcha="altcha" '))
    lane.set(form={}, allow_all_ips=True, allowed_ips=[], allowed_origins=[site.url], captcha={"provider": "altcha"})
    for path in ("own", "built"):
        page.goto(f"{site.url}/{path}")
        page.evaluate("localStorage.clear()")
        fill(page, message=path)
        send(page)
        expect(page.get_by_role("status")).to_have_text(THANKS)
    assert [lead[3] for lead in lane.leads()] == ["own", "built"]
    # The journal is written a moment later.
    eventually(lambda: lane.installation.count("attempt", "outcome = 'captcha_failed'") == 1)


def test_our_page_works_without_a_script(lane: Lane, chromium: Browser, website: Callable[..., Website]) -> None:
    site = website(index="<h1>Merci</h1>")
    lane.set(form={"enabled": True, "ask_lead_type": True, "next_url": f"{site.url}/"})
    page = without_script(chromium)
    page.goto(f"{lane.origin}{lane.path}?utm_source=card")
    fill(page, phone="12", message="\n <b>Hello</b>")
    page.get_by_label("Subject").select_option("Support")
    send(page)
    expect(page.get_by_role("alert")).to_contain_text("This is no valid phone number.")
    expect(page.get_by_label("Phone")).to_be_focused()
    expect(page.get_by_label("Message")).to_have_value("\n <b>Hello</b>")
    expect(page.get_by_label("Subject")).to_have_value("Support")
    page.keyboard.press("Control+A")
    page.keyboard.type("+44 20 7946 0958")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Merci")).to_be_visible()
    assert [lead[3] for lead in lane.leads()] == ["<b>Hello</b>"]
    assert lane.installation.sql("SELECT utm_source FROM lead_attribution") == [("card",)]


def test_going_back_and_sending_again_makes_no_second_lead(lane: Lane, chromium: Browser) -> None:
    page = without_script(chromium)
    page.goto(f"{lane.origin}{lane.path}")
    fill(page)
    send(page)
    expect(page.get_by_role("heading", name=THANKS)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name=THANKS)).to_be_visible()
    assert len(lane.leads()) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_the_screen_and_targets_are_large_enough(
    lane: Lane, chromium: Browser, scheme: Any
) -> None:
    lane.set(form={"enabled": True, "title": "W" * 100, "intro": "w" * 300, "button": "b" * 60, "ask_lead_type": True})
    page = chromium.new_page(color_scheme=scheme)
    for path in (f"{lane.path}/thanks", f"/form/{'x' * 32}", lane.path):
        page.goto(f"{lane.origin}{path}")
        for width in (320, 390, 1440):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            for target in page.locator("button, input:visible, select").all():
                box = target.bounding_box()
                assert box is not None
                assert box["height"] >= 44
    page.close()
