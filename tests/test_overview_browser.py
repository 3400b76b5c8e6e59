"""From nothing to the first lead on the overview, and mending a refusal in Logs: on a laptop and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.support import installation as installations
from tests.support.installation import Server
from tests.support.visit import LAPTOP, PASSWORD, PHONE, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(params=[LAPTOP, PHONE], ids=["laptop", "phone"], scope="module")
def size(request: pytest.FixtureRequest) -> ViewportSize:
    found: ViewportSize = request.param
    return found


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """An installation that Olga owns, and that nobody may call."""
    made = installations.make(folder / "data", "sqlite")
    made.stagewise("user", "add", "olga@example.com", "--role", "owner", "--password-stdin", stdin=PASSWORD)
    made.save_rules(allowed_ips=[], max_leads_per_ip=1)
    yield made.serve()
    installations.remove(made)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, size: ViewportSize) -> Iterator[Server]:
    """One that was called: refused while nobody might, and with a lead since the machine itself may."""
    with serving(tmp_path_factory.mktemp("overview")) as made:
        assert made.post_lead().status == 403
        made.installation.save_rules(allowed_ips=["127.0.0.1", "::1"], max_leads_per_ip=1)
        assert made.post_lead().status == 201
        yield made


@contextmanager
def visiting(server: Server, chromium: Browser, size: ViewportSize) -> Iterator[Visit]:
    context = chromium.new_context(viewport=size, permissions=["clipboard-read", "clipboard-write"])
    made = Visit(server, context)
    made.enter()
    yield made
    assert made.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert made.complaints == []
    context.close()


@pytest.fixture
def visit(server: Server, chromium: Browser, size: ViewportSize) -> Iterator[Visit]:
    with visiting(server, chromium, size) as made:
        yield made


@pytest.fixture
def first_visit(tmp_path: Path, chromium: Browser, size: ViewportSize) -> Iterator[Visit]:
    with serving(tmp_path) as server, visiting(server, chromium, size) as made:
        yield made


def toast(page: Page, text: str) -> Locator:
    return page.locator("#toasts").get_by_text(text)


def test_the_way_to_the_first_lead_ticks_itself(first_visit: Visit) -> None:
    visit, page = first_visit, first_visit.page
    expect(page.get_by_text("Three steps to the first lead.")).to_be_visible()
    page.locator("#first-copy").get_by_role("button", name="Copy").click()
    assert "/public/v1/leads/" in page.evaluate("navigator.clipboard.readText()")
    expect(page.locator("#first-copy h2")).to_have_class("state good")
    assert visit.server.post_lead().status == 403
    # Nobody reloads: the refusal comes by itself, with what mends it.
    last = page.locator("#first-last")
    expect(last).to_contain_text("IP not allowed")
    expect(page.locator("#first-copy h2")).to_have_class("state good")
    last.get_by_role("button", name="Allow 127.0.0.1").click()
    expect(toast(page, "127.0.0.1 may send leads to “My website” now.")).to_be_visible()
    expect(page.locator("#first-allow h2")).to_have_class("state good")
    assert visit.server.post_lead(name="Grace Hopper").status == 201
    expect(page.get_by_role("link", name="Grace Hopper")).to_be_visible()
    expect(page.get_by_text("1 lead today")).to_be_visible()
    the_chart_is_drawn_and_is_a_table_too(page)


def the_chart_is_drawn_and_is_a_table_too(page: Page) -> None:
    expect(page.locator("#days-plot canvas")).to_be_visible()
    table = page.locator("#days-plot table")
    expect(table.get_by_role("columnheader", name="General")).to_be_attached()
    page.get_by_role("button", name="As a table").click()
    expect(table.get_by_role("rowheader").first).to_be_in_viewport()
    page.get_by_role("button", name="As a table").click()
    page.get_by_role("link", name="7 days").click()
    expect(table.locator("tbody tr")).to_have_count(7)
    expect(page.locator("#days-plot canvas")).to_be_visible()
    expect(page.get_by_role("link", name="7 days")).to_be_focused()


def test_a_refusal_in_logs_opens_and_is_mended_where_it_stands(visit: Visit) -> None:
    assert visit.server.post_lead(lead_type_name="Roofs").status == 422
    assert visit.server.post_lead().status == 429
    page = visit.page
    page.goto(f"{visit.base}/w/main/logs/")
    visit.reload_until("The address has used all its leads of the last 24 hours.")
    line = page.locator(".call", has_text="Too Many Requests").first
    line.locator("summary").click()
    expect(line.get_by_text("Limit", exact=True)).to_be_visible()
    line.get_by_role("button", name="Raise the limit to 10").click()
    expect(toast(page, "“My website” takes 10 leads from an IP in 24 hours now.")).to_be_visible()
    # The page was brought up to date around it: what was open stays open.
    expect(line.get_by_text("Limit", exact=True)).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(toast(page, "“My website” takes 1 leads from an IP in 24 hours now.")).to_be_visible()
    page.get_by_role("button", name="Add the lead type “Roofs”").click()
    expect(toast(page, "“Roofs” is a lead type now.")).to_be_visible()
    assert visit.server.post_lead(lead_type_name="roofs").status == 429


def test_logs_are_narrowed_by_a_bar_and_by_fields(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.base}/w/main/logs/")
    visit.reload_until("The lead was stored.")
    page.locator("#hours a.hour").last.click()
    expect(page.locator("#hours a.hour.chosen")).to_have_count(1)
    page.get_by_label("Outcome").focus()
    page.get_by_label("Outcome").select_option("refused")
    expect(page.get_by_role("link", name="All refused take away")).to_be_visible()
    expect(page.locator(".call", has_text="Created")).to_have_count(0)
    expect(page.get_by_label("Outcome")).to_be_focused()
    page.get_by_text("More filters").click()
    page.get_by_label("IP address").fill("192.0.2.1")
    page.get_by_label("IP address").press("Enter")
    expect(page.get_by_role("heading", name="No call matches")).to_be_visible()
    expect(page.get_by_label("IP address")).to_have_value("192.0.2.1")
    page.get_by_role("link", name="Show all calls").click()
    expect(page.locator(".call").first).to_be_visible()


def test_both_pages_are_whole_without_script(server: Server, chromium: Browser, size: ViewportSize) -> None:
    context = chromium.new_context(viewport=size, java_script_enabled=False)
    page = context.new_page()
    base = f"http://127.0.0.1:{server.console_port}"
    page.goto(f"{base}/login/")
    page.get_by_label("E-mail address").fill("olga@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#days-plot table").get_by_role("columnheader", name="General")).to_be_visible()
    page.goto(f"{base}/w/main/logs/")
    page.get_by_label("Outcome").select_option("refused")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".call", has_text="IP not allowed").first).to_be_visible()
    expect(page.locator(".call", has_text="Created")).to_have_count(0)
    page.locator(".call summary").first.click()
    expect(page.locator(".decided").first).to_be_visible()
    context.close()
