"""The script in a real browser, on a website of another origin that has a strict Content-Security-Policy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from stagewise_client import captcha

from tests.forms.servers import Double, Website, refused

pytestmark = [pytest.mark.browser, pytest.mark.slow]

KEY = "a key of the tests"

#: A website's own form: labels around fields, labels beside fields, a field that Stagewise does not know.
OWN = """
<form action="{action}" method="post" data-stagewise-form {more}>
  <label>Your name <input name="name" required></label>
  <label for="p">Phone</label> <input id="p" name="phone" type="tel" required aria-describedby="hint">
  <p id="hint">With the area code, please.</p>
  <label>E-mail <input name="email" type="email" required></label>
  <label>Message <textarea name="message"></textarea></label>
  <label><input type="checkbox" name="agreed" value="yes" required> I agree</label>
  <button>Go</button>
</form>
<script src="{script}"></script>
"""
BOX = '<div data-stagewise-form data-endpoint="{endpoint}" {more}></div><script src="{script}" defer></script>'


class Visitor:
    """Somebody who fills in the form."""

    def __init__(self, page: Page, website: Callable[..., Website], double: Double) -> None:
        self.page = page
        self.double = double
        self._website = website

    def open(self, html: str = BOX, more: str = "", path: str = "", **pages: str) -> Website:
        """Open a website with this form."""
        action = f"{self.double.url}/form/{'k' * 32}"
        filled = html.replace("{endpoint}", self.double.endpoint).replace("{action}", action).replace("{more}", more)
        site = self._website(index=filled, **pages)
        self.page.goto(f"{site.url}/{path}")
        return site

    def field(self, name: str) -> Locator:
        return self.page.locator(f"[name={name}]")

    def fill(self, **values: str) -> None:
        """Fill in a good lead, with these values instead."""
        good = {"name": "Ada Lovelace", "phone": "+44 20 7946 0958", "email": "ada@example.com", "message": "Hello"}
        for name, value in {**good, **values}.items():
            self.field(name).fill(value)

    def send(self) -> None:
        self.page.get_by_role("button").click()

    @property
    def status(self) -> Locator:
        return self.page.get_by_role("status")


@pytest.fixture
def visitor(page: Page, website: Callable[..., Website], double: Double) -> Visitor:
    return Visitor(page, website, double)


def test_a_box_becomes_a_form_that_sends_a_lead(visitor: Visitor) -> None:
    site = visitor.open()
    visitor.page.get_by_label("Name").fill("Ada Lovelace")
    visitor.page.get_by_label("Phone").fill("+44 20 7946 0958")
    visitor.page.get_by_label("E-mail").fill("ada@example.com")
    visitor.page.get_by_label("Message (optional)").fill("Line one\nline two")
    visitor.send()
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")
    expect(visitor.status).to_be_focused()
    (call,) = visitor.double.posts
    assert call.path == f"/public/v1/leads/{'k' * 32}"
    assert call.headers["origin"] == site.url
    assert call.headers["content-type"] == "application/json"
    assert len(call.headers["idempotency-key"]) == 32
    sent = call.json()
    assert sent.pop("_elapsed_ms") >= 0
    assert sent == {
        "name": "Ada Lovelace",
        "phone": "+44 20 7946 0958",
        "email": "ada@example.com",
        "message": "Line one\nline two",
        "_gotcha": "",
        "page_url": f"{site.url}/",
    }


def test_a_websites_own_form_goes_to_the_endpoint_that_its_action_belongs_to(visitor: Visitor) -> None:
    visitor.open(OWN)
    visitor.fill()
    visitor.page.get_by_label("I agree").check()
    visitor.send()
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")
    (call,) = visitor.double.posts
    assert call.path == f"/public/v1/leads/{'k' * 32}"
    assert call.json()["agreed"] == "yes"
    expect(visitor.field("name")).to_have_value("")


def test_without_a_script_the_same_form_is_posted_plainly(
    chromium: object, page: Page, website: Callable[..., Website], double: Double
) -> None:
    context = page.context.browser.new_context(java_script_enabled=False) if page.context.browser else None
    assert context is not None
    visitor = Visitor(context.new_page(), website, double)
    visitor.open(OWN)
    visitor.fill()
    visitor.page.get_by_label("I agree").check()
    visitor.send()
    visitor.page.wait_for_url(f"{double.url}/**")
    (call,) = double.posts
    assert call.path == f"/form/{'k' * 32}"
    assert b"name=Ada+Lovelace&phone=%2B44" in call.body
    context.close()


def test_a_form_may_go_to_a_relay_of_the_website(visitor: Visitor) -> None:
    visitor.double.challenge = captcha.altcha_challenge(KEY)
    visitor.open(OWN.replace("{action}", f"{visitor.double.url}/contact/"), more='data-captcha="altcha"')
    visitor.fill()
    visitor.page.get_by_label("I agree").check()
    visitor.send()
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")
    assert visitor.double.posts[0].path == "/contact/"
    assert {call.path for call in visitor.double.calls if call.method == "GET"} == {"/contact/challenge"}


def test_mistakes_are_said_beside_the_fields_and_nothing_is_sent(visitor: Visitor) -> None:
    visitor.open(OWN)
    visitor.fill(name="", email="ada at example")
    visitor.send()
    name, email = visitor.field("name"), visitor.field("email")
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description("Please fill this in.")
    expect(email).to_have_accessible_description("This is no valid e-mail address.")
    expect(visitor.field("agreed")).to_have_accessible_description("Please fill this in.")
    expect(visitor.status).to_have_text("Not sent yet: please look at the marked fields.")
    name.fill("Ada")
    expect(name).not_to_have_attribute("aria-invalid", "true")
    expect(visitor.page.get_by_text("Please fill this in.")).to_have_count(1)
    assert visitor.double.posts == []


def test_what_the_endpoint_finds_wrong_is_said_beside_the_fields_too(visitor: Visitor) -> None:
    visitor.open(OWN)
    visitor.double.answers = [
        refused("invalid_fields", 422, ("phone", "invalid_phone", "This is no valid phone number."))
    ]
    visitor.fill(phone="12")
    visitor.page.get_by_label("I agree").check()
    visitor.send()
    phone = visitor.field("phone")
    expect(phone).to_be_focused()
    expect(phone).to_have_accessible_description("With the area code, please. This is no valid phone number.")
    expect(visitor.field("message")).to_have_value("Hello")
    phone.fill("+44 20 7946 0958")
    expect(phone).to_have_accessible_description("With the area code, please.")
    visitor.send()
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")
    first, second = visitor.double.posts
    assert first.headers["idempotency-key"] != second.headers["idempotency-key"]


def test_it_can_be_filled_in_and_sent_with_the_keyboard_alone(visitor: Visitor) -> None:
    visitor.open()
    keyboard = visitor.page.keyboard
    for text in ("Ada Lovelace", "+44 20 7946 0958", "ada@example.com", "Hello"):
        keyboard.press("Tab")
        keyboard.type(text)
    keyboard.press("Tab")
    expect(visitor.page.get_by_role("button", name="Send")).to_be_focused()
    keyboard.press("Enter")
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")
    assert visitor.double.posts[0].json()["_gotcha"] == ""


def test_the_trap_is_out_of_sight_for_everybody(visitor: Visitor) -> None:
    visitor.open()
    trap = visitor.field("_gotcha")
    expect(trap).to_be_hidden()
    expect(trap).to_have_attribute("tabindex", "-1")
    expect(trap).to_have_attribute("autocomplete", "off")
    assert visitor.page.get_by_role("textbox").count() == 4
    trap.evaluate("field => { field.value = 'https://spam.example' }")
    visitor.fill()
    visitor.send()
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")
    assert visitor.double.posts[0].json()["_gotcha"] == "https://spam.example"


def test_trouble_is_met_with_the_same_key_until_it_is_over(visitor: Visitor) -> None:
    visitor.open()
    visitor.double.answers = [None, refused("unavailable", 503, retry_after="1")]
    visitor.fill()
    visitor.send()
    expect(visitor.status).to_have_text("No answer yet. Trying again…")
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")
    assert len(visitor.double.posts) >= 3  # a browser repeats a request on a connection that broke by itself, too
    assert len({call.headers["idempotency-key"] for call in visitor.double.posts}) == 1
    assert len({call.body for call in visitor.double.posts}) == 1


def test_after_the_last_try_the_text_is_still_there_and_the_key_is_kept(visitor: Visitor) -> None:
    visitor.open()
    visitor.double.answers = [refused("unavailable", 503, retry_after="1")] * 3
    visitor.fill()
    visitor.send()
    expect(visitor.status).to_contain_text("This could not be sent. Your text is still here")
    expect(visitor.status).to_be_focused()
    expect(visitor.field("message")).to_have_value("Hello")
    visitor.page.evaluate("localStorage.setItem('stagewise-sent', '[]')")
    visitor.send()
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")
    assert len(visitor.double.posts) == 4
    assert len({call.headers["idempotency-key"] for call in visitor.double.posts}) == 1


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "origin_not_allowed", "This form cannot be used from here."),
        (410, "endpoint_disabled", "This form is no longer in use."),
        (429, "rate_limited", "Too many messages came from your connection. Please try again later."),
        (422, "idempotency_mismatch", "Refused: idempotency_mismatch."),
        (503, "holding_full", "This could not be sent. Your text is still here: please try again in a moment."),
    ],
)
def test_a_refusal_is_said_in_the_visitors_words(visitor: Visitor, status: int, code: str, words: str) -> None:
    visitor.open()
    visitor.double.answers = [refused(code, status, retry_after="3600")]
    visitor.fill()
    visitor.send()
    expect(visitor.status).to_have_text(words)
    assert len(visitor.double.posts) == 1
    expect(visitor.field("message")).to_have_value("Hello")


def test_somebody_who_sends_twice_within_seconds_is_asked_to_wait(visitor: Visitor) -> None:
    visitor.open()
    visitor.fill()
    visitor.send()
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")
    visitor.page.reload()
    visitor.fill(message="And another thing")
    visitor.send()
    expect(visitor.status).to_contain_text("Please wait")
    expect(visitor.field("message")).to_have_value("And another thing")
    assert len(visitor.double.posts) == 1


def test_five_an_hour_are_enough(visitor: Visitor) -> None:
    visitor.open()
    earlier = "[1, 2, 3, 4, 5].map((minutes) => Date.now() - minutes * 60000)"
    visitor.page.evaluate(f"localStorage.setItem('stagewise-sent', JSON.stringify({earlier}))")
    visitor.fill()
    visitor.send()
    expect(visitor.status).to_have_text("You have sent 5 messages within an hour. Please try again later.")
    assert visitor.double.posts == []
    visitor.page.evaluate("localStorage.setItem('stagewise-sent', JSON.stringify([Date.now() - 3700000]))")
    visitor.send()
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")


def test_pressing_twice_sends_once(visitor: Visitor) -> None:
    visitor.open()
    visitor.fill()
    visitor.page.get_by_role("button").dblclick()
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")
    assert len(visitor.double.posts) == 1


def test_where_the_visit_began_is_remembered_until_the_form_is_sent(visitor: Visitor) -> None:
    landing = '<a href="/">to the form</a><script src="{script}"></script>'
    elsewhere = visitor._website(index='<a href="">to the website</a>')
    site = visitor.open(path="landing?utm_source=news&utm_campaign=spring&gclid=abc#top", landing=landing)
    visitor.page.goto(f"{elsewhere.url}/")
    visitor.page.evaluate(f"document.links[0].href = '{site.url}/landing?utm_source=news&gclid=abc#top'")
    visitor.page.get_by_role("link").click()
    visitor.page.get_by_role("link", name="to the form").click()
    visitor.page.wait_for_url(f"{site.url}/")
    visitor.fill()
    visitor.send()
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")
    sent = visitor.double.posts[0].json()
    assert {"utm_source": "news", "gclid": "abc", "page_url": f"{site.url}/"}.items() <= sent.items()
    assert sent["referrer"] == f"{elsewhere.url}/"
    assert "utm_campaign" not in sent


def test_a_proof_of_work_is_done_and_accepted(visitor: Visitor) -> None:
    visitor.double.challenge = captcha.altcha_challenge(KEY)
    visitor.open(more='data-captcha="altcha"')
    visitor.fill()
    visitor.send()
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")
    token = visitor.double.posts[0].json()["captcha_token"]
    assert captcha.provider("altcha", secret=KEY).verify(token).ok
    assert [call.path for call in visitor.double.calls if call.method == "GET"] == [
        f"/public/v1/leads/{'k' * 32}/challenge"
    ]


def test_an_endpoint_that_begins_to_ask_for_a_proof_gets_one(visitor: Visitor) -> None:
    visitor.double.challenge = captcha.altcha_challenge(KEY)
    visitor.double.answers = [
        refused("captcha_failed", 422, ("captcha_token", "captcha_failed", "The CAPTCHA was not solved."))
    ]
    visitor.open()
    visitor.fill()
    visitor.send()
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")
    first, second = visitor.double.posts
    assert "captcha_token" not in first.json()
    assert captcha.provider("altcha", secret=KEY).verify(second.json()["captcha_token"]).ok
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


def test_the_token_of_another_captchas_widget_goes_along(visitor: Visitor) -> None:
    widget = '<input type="hidden" name="cf-turnstile-response" value="their token">'
    visitor.open(OWN.replace("<button>", f"{widget}<button>"))
    visitor.fill()
    visitor.page.get_by_label("I agree").check()
    visitor.send()
    expect(visitor.status).to_have_text("Thank you. Your message has arrived.")
    assert visitor.double.posts[0].json()["captcha_token"] == "their token"


def test_every_text_can_be_the_websites_own(visitor: Visitor) -> None:
    visitor.open(
        more='data-text-name="Ihr Name" data-text-send="Absenden" data-text-required="Bitte ausfüllen."'
        ' data-text-thanks="Danke!" data-text-invalid-phone="Keine Telefonnummer." data-lead-types="Verkauf, Service"'
    )
    visitor.double.answers = [refused("invalid_fields", 422, ("phone", "invalid_phone", "No valid phone number."))]
    visitor.page.get_by_role("button", name="Absenden").click()
    expect(visitor.page.get_by_label("Ihr Name")).to_have_accessible_description("Bitte ausfüllen.")
    visitor.fill(phone="12")
    visitor.field("lead_type_name").select_option("Service")
    visitor.send()
    expect(visitor.field("phone")).to_have_accessible_description("Keine Telefonnummer.")
    assert visitor.double.posts[0].json()["lead_type_name"] == "Service"
    visitor.field("phone").fill("+44 20 7946 0958")
    visitor.send()
    expect(visitor.status).to_have_text("Danke!")


def test_the_page_hears_what_became_of_it_and_may_take_over(visitor: Visitor) -> None:
    visitor.open()
    visitor.page.evaluate(
        "addEventListener('stagewise:sent', (e) => { e.preventDefault(); document.title = e.detail.id; })"
    )
    visitor.fill()
    visitor.send()
    expect(visitor.page).to_have_title("1")


def test_after_sending_the_visitor_is_taken_to_the_next_page(visitor: Visitor) -> None:
    site = visitor.open(more='data-next="/thanks"', thanks="<h1>Merci</h1>")
    visitor.fill()
    visitor.send()
    expect(visitor.page.get_by_role("heading", name="Merci")).to_be_visible()
    assert visitor.page.url == f"{site.url}/thanks"
