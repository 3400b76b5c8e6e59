"""The list of leads in a real browser: search as one types, keys, marks, a swipe, and going back where one was."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support import installation as installations
from tests.support.installation import Server
from tests.support.visit import LAPTOP, PASSWORD, PHONE, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PEOPLE = ("Ada Lovelace", "Grace Hopper", "Alan Turing", "Barbara Liskov", "Edsger Dijkstra")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running installation with Olga and 55 leads: five people, and fifty that fill the first page."""
    made = installations.make(tmp_path_factory.mktemp("leads") / "data", "sqlite")
    made.save_rules(max_leads_per_ip=None)
    made.stagewise("user", "add", "olga@example.com", "--role", "owner", "--password-stdin", stdin=PASSWORD)
    running = made.serve()
    for number, name in enumerate([*PEOPLE, *(f"{'Guest' if n < 10 else 'Visitor'} {n:02}" for n in range(50))]):
        email, phone = f"{number}@example.net", f"+4930{1000 + number}00"
        assert running.post_lead(name=name, message=f"Line {number}", email=email, phone=phone).status == 201
    yield running
    installations.remove(made)


@pytest.fixture(params=["laptop", "phone"])
def visit(request: pytest.FixtureRequest, chromium: Browser, server: Server) -> Iterator[Visit]:
    """Olga, at either width, in front of the list."""
    size = LAPTOP if request.param == "laptop" else PHONE
    context = chromium.new_context(viewport=size, has_touch=size is PHONE, reduced_motion="reduce")
    made = Visit(server, context)
    made.enter()
    made.page.goto(f"{made.base}/w/main/leads/")
    yield made
    assert made.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    # What is refused is told to the person, and the browser notes it.
    assert [each for each in made.complaints if "422" not in each] == []
    context.close()


@pytest.fixture
def laptop(chromium: Browser, server: Server) -> Iterator[Visit]:
    made = Visit(server, chromium.new_context(viewport=LAPTOP, reduced_motion="reduce"))
    made.enter()
    made.page.goto(f"{made.base}/w/main/leads/")
    yield made
    assert made.complaints == []
    made.page.context.close()


def rows(page: Page) -> Locator:
    return page.locator("[data-row]")


def row(page: Page, name: str) -> Locator:
    return rows(page).filter(has_text=name)


def look_for(page: Page, words: str) -> Locator:
    field = page.get_by_role("searchbox")
    field.fill(words)
    return field


def said(page: Page, words: str) -> None:
    expect(page.locator("#toasts").get_by_text(words)).to_be_visible()


def test_the_list_follows_while_one_types_and_the_address_can_be_sent_to_somebody(visit: Visit) -> None:
    page = visit.page
    field = look_for(page, "grace")
    expect(rows(page)).to_have_count(1)
    expect(field).to_be_focused()
    expect(page).to_have_url(re.compile(r"\?q=grace$"))
    look_for(page, "+49 (30) 1001")
    expect(row(page, "Grace Hopper")).to_be_visible()
    look_for(page, "nobody at all")
    expect(page.get_by_role("heading", name="No lead matches")).to_be_visible()
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("nobody at all")
    page.get_by_role("link", name="Show all leads").click()
    expect(rows(page)).to_have_count(50)
    expect(page.get_by_role("searchbox")).to_have_value("")


def test_pages_go_on_and_the_way_back_from_a_lead_ends_where_it_began(visit: Visit) -> None:
    page = visit.page
    expect(rows(page)).to_have_count(50)
    page.get_by_role("link", name="Next").click()
    expect(row(page, "Ada Lovelace")).to_be_visible()
    row(page, "Ada Lovelace").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Ada Lovelace", level=1)).to_be_visible()
    page.go_back()
    expect(row(page, "Ada Lovelace")).to_be_visible()


def test_marked_leads_are_moved_and_one_click_takes_it_back(visit: Visit) -> None:
    page = visit.page
    look_for(page, "guest")
    expect(rows(page)).to_have_count(10)
    for name in ("Guest 03", "Guest 04"):
        page.get_by_role("checkbox", name=f"Mark {name}").check()
    expect(page.get_by_text("2 marked")).to_be_visible()
    page.locator(".picked").get_by_text("Move", exact=True).click()
    page.locator(".picked").get_by_role("button", name="Contacted").click()
    said(page, "2 leads")
    expect(row(page, "Guest 03")).to_contain_text("Contacted")
    expect(page).to_have_url(re.compile("q=guest"))
    page.get_by_role("button", name="Undo").last.click()
    expect(row(page, "Guest 03").locator(".of-stage")).to_contain_text("New")


def test_filters_are_chips_and_a_view_of_them_becomes_a_tab(laptop: Visit) -> None:
    page = laptop.page
    page.get_by_text("Owner", exact=True).first.click()
    page.get_by_role("link", name="Nobody").click()
    expect(page).to_have_url(re.compile("owner=nobody"))
    page.locator("summary").filter(has_text="Save view").click()
    page.get_by_label("Name of the view").fill("Free")
    page.get_by_role("button", name="Save view").click()
    said(page, "“Free” is a tab now.")
    page.get_by_role("link", name="All", exact=True).click()
    expect(page).not_to_have_url(re.compile("owner"))
    page.get_by_role("link", name="Free").click()
    expect(page.get_by_role("link", name="Free")).to_have_attribute("aria-current", "true")
    expect(page).to_have_url(re.compile("owner=nobody"))


def test_keys_walk_mark_move_and_open(laptop: Visit) -> None:
    page = laptop.page
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("guest")
    expect(rows(page)).to_have_count(10)
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = rows(page).nth(1)
    expect(second.get_by_role("link").first).to_be_focused()
    page.keyboard.press("x")
    expect(second.get_by_role("checkbox")).to_be_checked()
    page.keyboard.press("x")
    page.keyboard.press("k")
    name = rows(page).first.get_by_role("link").first.inner_text()
    page.keyboard.press("e")
    said(page, "Contacted")
    expect(row(page, name)).to_contain_text("Contacted")
    row(page, name).get_by_role("link").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_columns_are_chosen_and_stay(laptop: Visit) -> None:
    page = laptop.page
    page.locator(".leads-head summary").click()
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="Phone").check()
    page.get_by_role("button", name="Show these").click()
    expect(page.get_by_role("columnheader", name="Phone")).to_be_visible()
    page.reload()
    expect(page.get_by_role("columnheader", name="Phone")).to_be_visible()


def test_a_lead_is_added_by_hand_and_what_is_wrong_stands_beside_its_field(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("link", name="Add a lead").click()
    page.get_by_label("Name").fill("Katherine Johnson")
    page.get_by_label("Phone").fill("123")
    page.get_by_label("E-mail").fill("katherine@example.org")
    page.get_by_role("button", name="Add the lead").first.click()
    expect(page.get_by_label("Phone")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name")).to_have_value("Katherine Johnson")
    page.get_by_label("Phone").fill("+49 30 901820")
    page.get_by_role("button", name="Add the lead").first.click()
    expect(page.get_by_role("heading", name="Katherine Johnson", level=1)).to_be_visible()
    page.get_by_role("button", name="Undo").last.click()
    said(page, "Katherine Johnson")


def test_without_script_the_list_is_searched_filtered_and_worked(chromium: Browser, server: Server) -> None:
    made = Visit(server, chromium.new_context(viewport=LAPTOP, java_script_enabled=False))
    made.enter()
    page = made.page
    page.goto(f"{made.base}/w/main/leads/")
    field = look_for(page, "liskov")
    field.press("Enter")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("checkbox", name="Mark Barbara Liskov").check()
    page.get_by_text("Assign", exact=True).click()
    page.locator(".picked").get_by_role("button", name="Me").click()
    said(page, "1 lead")
    expect(page.get_by_role("searchbox")).to_have_value("liskov")
    page.context.close()
