"""The board and the lead types, in a real browser: dragging, keys, thumbs, and two people at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.support import installation as installations
from tests.support.installation import Installation, Server
from tests.support.visit import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running installation; each test brings leads of its own."""
    made: Installation = installations.make(Path(tmp_path_factory.mktemp("board")) / "data", "sqlite")
    made.save_rules(max_leads_per_ip=None)
    yield made.serve()
    installations.remove(made)


def visit_at(width: int, chromium: Browser, server: Server) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": width, "height": 900}, has_touch=width < 640)
    made = Visit(server, context)
    made.log_in()
    yield made
    assert made.page.evaluate("document.documentElement.scrollWidth") <= width
    assert made.complaints == []
    context.close()


@pytest.fixture
def laptop(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit_at(1440, chromium, server)


@pytest.fixture
def phone(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit_at(390, chromium, server)


def column(page: Page, name: str) -> Locator:
    return page.locator(".column").filter(has=page.get_by_role("heading", name=name, exact=True))


def card(page: Page, name: str) -> Locator:
    return page.locator(".lead-card").filter(has_text=name)


def open_board(visit: Visit, name: str) -> Locator:
    assert visit.server.post_lead(name=name).status == 201
    visit.page.goto(f"{visit.base}/w/main/board/")
    return card(visit.page, name)


def stands_in(page: Page, name: str, stage: str) -> None:
    expect(column(page, stage).get_by_role("link", name=name, exact=True)).to_be_visible()


def said(page: Page, words: str) -> None:
    expect(page.locator("#toasts").get_by_text(words)).to_be_visible()


def test_a_card_is_dragged_into_another_column_and_undo_brings_it_back(laptop: Visit) -> None:
    page = laptop.page
    open_board(laptop, "Dragged").drag_to(column(page, "Contacted"))
    said(page, "Dragged: New → Contacted")
    page.reload()
    stands_in(page, "Dragged", "Contacted")
    column(page, "Contacted").get_by_role("link", name="Dragged", exact=True).focus()
    open_board(laptop, "Dragged too").drag_to(column(page, "Qualified"))
    page.get_by_role("button", name="Undo").last.click()
    stands_in(page, "Dragged too", "New")


def test_a_won_card_asks_why_and_may_be_left_where_it_was(laptop: Visit) -> None:
    page = laptop.page
    mine = open_board(laptop, "Closed")
    mine.drag_to(column(page, "Won"))
    page.get_by_role("button", name="Leave it where it was").click()
    stands_in(page, "Closed", "New")
    card(page, "Closed").drag_to(column(page, "Won"))
    page.get_by_label("Reason").fill("They liked the price")
    page.get_by_role("button", name="Move", exact=True).click()
    said(page, "Closed: New → Won")
    assert laptop.server.installation.sql("SELECT closed_reason FROM lead WHERE name = 'Closed'") == [
        ("They liked the price",)
    ]


def test_what_is_answered_while_a_card_is_in_the_hand_waits_until_it_is_let_go(laptop: Visit) -> None:
    page = laptop.page
    open_board(laptop, "Held")
    first = open_board(laptop, "Earlier")
    asked: list[Route] = []

    def keep(route: Route) -> None:
        asked.append(route)

    page.route("**/board/move/**", keep)
    first.drag_to(column(page, "Contacted"))
    card(page, "Held").hover()
    page.mouse.down()
    column(page, "Qualified").hover()
    asked[0].continue_()
    said(page, "Earlier: New → Contacted")
    page.unroute("**/board/move/**")
    column(page, "Qualified").hover(position={"x": 40, "y": 60})
    page.mouse.up()
    said(page, "Held: New → Qualified")
    stands_in(page, "Held", "Qualified")
    stands_in(page, "Earlier", "Contacted")


def test_keys_go_from_card_to_card_and_move_them(laptop: Visit) -> None:
    page = laptop.page
    open_board(laptop, "Below")
    link = open_board(laptop, "Keyed").get_by_role("link", name="Keyed", exact=True)
    link.focus()
    page.keyboard.press("ArrowDown")
    expect(card(page, "Below").get_by_role("link", name="Below", exact=True)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowRight")
    said(page, "Keyed: New → Contacted")
    stands_in(page, "Keyed", "Contacted")
    expect(card(page, "Keyed").get_by_role("link", name="Keyed", exact=True)).to_be_focused()
    page.keyboard.press("Shift+ArrowRight")
    stands_in(page, "Keyed", "Qualified")


def test_of_two_people_who_move_one_card_the_second_is_told(laptop: Visit, chromium: Browser) -> None:
    open_board(laptop, "Wanted")
    cookies = laptop.page.context.storage_state()
    other = Visit(laptop.server, chromium.new_context(viewport={"width": 1440, "height": 900}, storage_state=cookies))
    other.page.goto(f"{other.base}/w/main/board/")
    card(other.page, "Wanted").drag_to(column(other.page, "Qualified"))
    said(other.page, "Wanted: New → Qualified")
    card(laptop.page, "Wanted").drag_to(column(laptop.page, "Contacted"))
    said(laptop.page, "olga@example.com moved it to “Qualified” in the meantime.")
    stands_in(laptop.page, "Wanted", "Qualified")
    other.page.context.close()


def test_on_a_phone_a_card_is_moved_by_its_menu(phone: Visit) -> None:
    mine = open_board(phone, "Thumbed")
    mine.get_by_label("Move Thumbed").click()
    mine.get_by_role("button", name="Move to Contacted").click()
    said(phone.page, "Thumbed: New → Contacted")
    stands_in(phone.page, "Thumbed", "Contacted")


def test_lead_types_are_put_in_order_by_dragging(laptop: Visit) -> None:
    page = laptop.page
    page.goto(f"{laptop.base}/w/main/lead-types/")
    headings = page.locator("section.card[data-move] h2")
    expect(headings).to_have_text(["General", "Sales", "Support"])
    grips = page.locator("section.card[data-move] > .row .grip")
    grips.nth(2).drag_to(grips.nth(0), target_position={"x": 4, "y": 1})
    expect(headings).to_have_text(["Support", "General", "Sales"])
    page.get_by_label("Move Support down").click()
    page.get_by_label("Move Support down").click()
    expect(headings).to_have_text(["General", "Sales", "Support"])


def test_a_name_that_came_and_was_nobodys_becomes_a_lead_type_by_one_click(phone: Visit) -> None:
    def refused() -> int:
        return phone.server.post_lead(lead_type_name="Wholesale").status

    assert refused() == 422
    phone.page.goto(f"{phone.base}/w/main/lead-types/")
    phone.reload_until("Wholesale")
    phone.page.get_by_text("It means …").click()
    phone.page.get_by_role("button", name="Sales", exact=True).click()
    said(phone.page, "Calls that name “Wholesale” make leads of the type “Sales” now.")
    assert phone.server.post_lead(lead_type_name="wholesale").status == 201
    phone.page.get_by_role("button", name="Undo").click()
    said(phone.page, "Calls that name “Wholesale” are refused now.")
    assert refused() == 422
