"""The console in a language that runs from right to left: every page lays out well, by wish or by choice."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.support import installation as installations
from tests.support import visit as visiting
from tests.support.visit import LAPTOP, PHONE, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: What is wrong with the open page: a way to write of its own, too wide, or words that run out of their buttons.
WRONG = """() => {
  const { documentElement: root } = document;
  const found = [];
  if (root.lang !== "ar" || root.dir !== "rtl") found.push(`${root.lang} ${root.dir}`);
  if (root.scrollWidth > innerWidth) found.push(`wide: ${root.scrollWidth}`);
  for (const each of document.querySelectorAll("main button, main .button, nav a")) {
    const words = each.innerText.trim();
    const shown = words && each.checkVisibility() && !each.matches(".hidden");
    if (shown && each.scrollWidth > each.clientWidth + 1) found.push(`cut: ${words}`);
  }
  return found;
}"""


@pytest.fixture
def visit(studio: installations.Server, chromium: Browser) -> Iterator[Visit]:
    """Olga, whose browser asks for Arabic."""
    made = Visit(studio, chromium.new_context(viewport=LAPTOP, locale="ar", reduced_motion="reduce"))
    page = made.page
    page.goto(f"{made.base}/login/")
    page.fill("[name=login]", "olga@example.com")
    page.fill("[name=password]", visiting.PASSWORD)
    page.locator("main [type=submit]").first.click()
    expect(page.locator("h1")).to_be_visible()
    yield made
    made.page.context.close()


def opened(page: Page, address: str) -> bool:
    try:
        page.goto(address)
    except Error as error:
        if "Download is starting" in error.message:
            return False
        raise
    return bool(page.evaluate("document.doctype !== null"))


def test_every_page_runs_from_right_to_left_and_fits(visit: Visit) -> None:
    page, wrong = visit.page, {}
    paths = json.loads(visit.server.installation.helper("every_page"))["member"]
    for path in paths:
        # Guides and the pages of errors are in English, and say so.
        if "/help/" in path or path == "/logout/" or not opened(page, f"{visit.base}{path}"):
            continue
        for size in (LAPTOP, PHONE):
            page.set_viewport_size(size)
            if found := page.evaluate(WRONG):
                wrong[f"{path} {size['width']}"] = found
    assert wrong == {}
    assert [each for each in visit.complaints if not each.startswith("Failed to load resource")] == []


def test_the_navigation_stands_on_the_right_and_names_keep_their_own_direction(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.base}/w/main/leads/?q=lovelace")
    bar, main = page.get_by_role("navigation").first.bounding_box(), page.get_by_role("main").bounding_box()
    assert bar
    assert main
    assert bar["x"] > main["x"] + main["width"] / 2
    name = page.get_by_role("link", name="Ada Lovelace")
    assert name.evaluate("each => getComputedStyle(each).direction") == "ltr"
    name.click()
    assert page.get_by_text("ada@example.com").first.evaluate("each => getComputedStyle(each).direction") == "ltr"


def test_who_chooses_a_language_gets_it_whatever_the_browser_asks_for(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.base}/account/")
    page.locator("[name=language]").select_option("en")
    page.locator("form:has([name=language]) [type=submit]").click()
    expect(page.locator("html")).to_have_attribute("dir", "ltr")
    expect(page.get_by_role("heading", name="Your account", exact=True)).to_be_visible()
    page.get_by_label("Language").select_option("")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
