"""Integration → Stagewise API in a real browser: an endpoint is set up with what the page has at hand."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support import installation as installations
from tests.support.installation import LEAD, Server
from tests.support.visit import LAPTOP, PHONE, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running installation; each test adds an endpoint of its own."""
    made = installations.make(tmp_path_factory.mktemp("api") / "data", "sqlite")
    yield made.serve()
    installations.remove(made)


@pytest.fixture(params=[LAPTOP, PHONE], ids=["laptop", "phone"])
def visit(request: pytest.FixtureRequest, server: Server, chromium: Browser) -> Iterator[Visit]:
    context = chromium.new_context(viewport=request.param, permissions=["clipboard-read", "clipboard-write"])
    made = Visit(server, context)
    made.log_in()
    page = made.page
    page.goto(f"{made.base}/w/main/integration/api/")
    page.get_by_label("Name of the new endpoint").fill(f"Shop {request.node.name}"[:100])
    page.get_by_role("button", name="Add endpoint").click()
    expect(said(page, "It refuses everybody until you say who may call.")).to_be_visible()
    yield made
    assert page.evaluate("document.documentElement.scrollWidth") <= request.param["width"]
    assert made.complaints == []
    context.close()


def call(url: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
    """Call as a program on a server does; status and what was said."""
    content = json.dumps(LEAD).encode() if body is None else body
    given = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, content, given), timeout=15) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def said(page: Page, words: str) -> Locator:
    """A message at the bottom."""
    return page.locator("#toasts").get_by_text(words)


def url_of(page: Page) -> str:
    return page.locator("#url").inner_text()


def test_an_owner_sets_an_endpoint_up_with_what_the_page_has_at_hand(visit: Visit) -> None:
    page = visit.page
    expect(page.locator(".head").get_by_text("refusing everything: the IP list is empty")).to_be_visible()
    the_way_of_calling_sets_the_fields(page)
    the_server_is_found_and_allowed(page)
    page.get_by_role("button", name="Save Config").click()
    expect(said(page, "Saved. It holds for the next call.")).to_be_visible()
    expect(page.get_by_label("Maximum leads per IP")).to_have_value("20")
    a_test_lead_gets_through(page)
    a_call_appears_and_saving_is_weighed_with_it(page)
    assert visit.complaints == ["dialog "], "the browser asks before typed settings are left"
    visit.complaints.clear()
    a_call_is_explained(page)


def the_way_of_calling_sets_the_fields(page: Page) -> None:
    everybody = page.get_by_label("Allow from all IPs")
    page.get_by_role("button", name="From the browser").click()
    expect(everybody).to_be_checked()
    expect(page.get_by_label("Maximum leads per IP")).to_have_value("10")
    page.get_by_label("Maximum leads per IP").fill("3")
    page.get_by_role("button", name="From your server").click()
    expect(everybody).not_to_be_checked()
    expect(page.get_by_label("Maximum leads per IP")).to_have_value("20")
    expect(page.get_by_text("Nothing is saved yet.")).to_be_visible()
    expect(page.get_by_role("button", name="From your server")).to_be_focused()


def the_server_is_found_and_allowed(page: Page) -> None:
    page.get_by_text("Find my server's address").click()
    page.get_by_role("button", name="Show me the line").click()
    line = page.locator("#find-line").inner_text().split()
    assert line[:2] == ["curl", "-A"]
    assert call(line[-1], User_Agent=line[2])[0] == 403
    expect(page.get_by_text("The call came from 127.0.0.1")).to_be_visible()
    page.get_by_role("button", name="Allow 127.0.0.1").first.click()
    expect(said(page, "127.0.0.1 may send leads to")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(page.get_by_label("Allowed IPs", exact=True)).to_have_value("127.0.0.1")


def a_test_lead_gets_through(page: Page) -> None:
    page.get_by_text("Try it: send a test lead").click()
    page.get_by_role("button", name="Send a test lead").click()
    expect(page.get_by_text("A test lead was stored", exact=True)).to_be_visible()
    expect(page.locator("#tried .answer").first).to_contain_text("201 Created")
    expect(page.locator("#checklist li").filter(has_text="Valid data").get_by_text("seen")).to_be_visible()


def a_call_appears_and_saving_is_weighed_with_it(page: Page) -> None:
    assert call(url_of(page))[0] == 201
    rows = page.locator("#tail-rows > li")
    created = rows.filter(has_text="Created")
    expect(created).to_have_count(1)
    created.locator("summary").click()
    expect(created.get_by_role("link", name="Open the lead")).to_be_visible()
    page.get_by_label("Allowed IPs", exact=True).fill("203.0.113.9")
    expect(page.locator("#changes").get_by_text("Would refuse 1 of the last 2 calls that was accepted")).to_be_visible()
    page.locator("#changes summary").click()
    expect(page.locator(".turned").get_by_text("IP not allowed")).to_be_visible()
    expect(created.locator("details")).to_have_attribute("open", "")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Go on")).to_have_attribute("aria-pressed", "true")
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.get_by_label("Allowed IPs", exact=True)).to_have_value("127.0.0.1")


def a_call_is_explained(page: Page) -> None:
    page.get_by_text("Explain a call").click()
    page.get_by_label("IP address", exact=True).fill("198.51.100.1")
    page.get_by_role("button", name="Explain", exact=True).click()
    expect(page.get_by_text("403 IP not allowed by the saved settings")).to_be_visible()
    page.get_by_label("IP address", exact=True).fill("127.0.0.1")
    page.keyboard.press("Enter")
    expect(page.locator("#explained").get_by_text("1 of 20 used in the last 24 hours")).to_be_visible()


#: Calls by a name: the body, and an Origin.
CALLS: dict[str, tuple[bytes, str]] = {
    "good": (json.dumps(LEAD).encode(), ""),
    "the same again": (json.dumps(LEAD).encode(), ""),
    "from another website": (json.dumps(LEAD).encode(), "https://other.example"),
    "cut": (b'{"name": "Ada"', ""),
    "a name twice": (b'{"name": "Ada", "na\\u006de": "Grace"}', ""),
    "a list": (b"[1]", ""),
    "nothing in it": (b"{}", "https://yoursite.com"),
    "no e-mail address": (json.dumps({**LEAD, "email": "ada"}).encode(), ""),
    "an odd type": (json.dumps({**LEAD, "lead_type_name": "Rockets"}).encode(), ""),
    "suspicious": (json.dumps({**LEAD, "message": "A casino"}).encode(), "https://yoursite.com"),
    "one too many": (json.dumps({**LEAD, "name": "Third"}).encode(), ""),
}


def test_what_is_explained_is_what_the_lane_says(server: Server, chromium: Browser) -> None:
    """Each call is explained first and made afterwards, so that both meet the same state."""
    server.installation.save_rules(
        allowed_ips=["127.0.0.1"],
        allowed_origins=["https://yoursite.com"],
        max_leads_per_ip=2,
        holding={"words": ["casino"]},
    )
    context = chromium.new_context(viewport=LAPTOP)
    visit = Visit(server, context)
    visit.log_in()
    page = visit.page
    page.goto(f"{visit.base}/w/main/integration/api/?open=explain")
    page.get_by_label("IP address", exact=True).fill("127.0.0.1")
    codes = []
    for name, (body, origin) in CALLS.items():
        page.get_by_label("Origin", exact=True).fill(origin)
        page.locator("#explain_body").fill(body.decode())
        with page.expect_response("**/explain/"):
            page.get_by_role("button", name="Explain", exact=True).click()
        status, answer = call(url_of(page), body, **({"Origin": origin} if origin else {}))
        told = page.locator("#explained .answer")
        expect(told, name).to_contain_text(re.compile(rf"^{status}\b"))
        for word in ("code", "held", "duplicate", "email"):
            if word in answer:
                expect(told, name).to_contain_text(f'"{word}": {json.dumps(answer[word])}')
        codes.append(str(answer.get("code", status)))
    assert codes == [
        "201", "201", "origin_not_allowed", "invalid_json", "invalid_json", "invalid_fields", "missing_fields",
        "invalid_fields", "unknown_lead_type", "202", "rate_limited",
    ]  # fmt: skip
    assert visit.complaints == []
    context.close()
