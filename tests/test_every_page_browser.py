"""Every page of the console in a real browser: for everybody to use, in both themes, on a laptop and on a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error

from tests.support import installation as installations
from tests.support import shared
from tests.support.visit import LAPTOP, PHONE, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = shared.ROOT / "node_modules" / "axe-core" / "axe.min.js"
#: What WCAG asks for up to level AA, and what axe itself thinks good practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["cat.color"]
#: What lies below a bar that sticks to the bottom is not too small: it scrolls.
RUN = """async ([tags]) => {
  const found = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  const below = (rule, node) => rule.id === "target-size" && node.failureSummary.includes("obscured");
  return found.violations
    .filter((rule) => ["serious", "critical"].includes(rule.impact))
    .map((rule) => [rule.id, rule.nodes.filter((node) => !below(rule, node)).map((node) => node.target.join(" "))])
    .filter(([, nodes]) => nodes.length)
    .map(([id, nodes]) => `${id}: ${nodes.slice(0, 3).join(" | ")}`);
}"""


@pytest.fixture
def visit(studio: installations.Server, chromium: Browser) -> Iterator[Visit]:
    # Without motion: what is measured in the middle of a change of colours means nothing.
    context = chromium.new_context(viewport=LAPTOP, reduced_motion="reduce", color_scheme="light")
    visit = Visit(studio, context)
    yield visit
    context.close()


def opened(visit: Visit, path: str) -> bool:
    """Open what is at the path; False for a file, and for a part that another page swaps in."""
    try:
        answer = visit.page.goto(f"{visit.base}{path}")
    except Error as error:
        if "Download is starting" in error.message:
            return False
        raise
    assert answer is not None
    assert answer.status < 500, path
    if answer.status >= 400:  # which the browser itself reports
        visit.complaints[:] = [each for each in visit.complaints if not each.startswith("Failed to load resource")]
    return bool(visit.page.evaluate("document.doctype !== null"))


def mistakes(visit: Visit, path: str) -> list[str]:
    """What is wrong with the page that is open, in either theme and at either width."""
    page = visit.page
    found = []
    page.evaluate(AXE.read_text(encoding="utf-8"))
    # Themes differ in colours alone, and colours do not know how wide a page is.
    for size, theme, rules in ((LAPTOP, "light", RULES), (LAPTOP, "dark", COLOURS), (PHONE, "dark", RULES)):
        page.set_viewport_size(size)
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        found += [f"{path} {size['width']} {theme}: {each}" for each in page.evaluate(RUN, [rules])]
        if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
            found.append(f"{path} {size['width']}: wider than the screen")
    return found


def tour(visit: Visit, who: str) -> tuple[int, list[str]]:
    """How many pages there are for a member, or for anybody, and what is wrong with them."""
    count, found = 0, []
    for path in json.loads(visit.server.installation.helper("every_page"))[who]:
        visit.page.set_viewport_size(LAPTOP)
        if opened(visit, path):
            count += 1
            found += mistakes(visit, path)
    return count, found + visit.complaints


def test_every_page_of_a_member_can_be_used_by_everybody(visit: Visit) -> None:
    visit.enter()
    count, found = tour(visit, "member")
    assert count > 25
    assert found == []


def test_every_page_without_a_login_can_be_used_by_everybody(visit: Visit) -> None:
    count, found = tour(visit, "anybody")
    assert count > 8
    assert found == []


def test_the_check_finds_what_nobody_could_use(visit: Visit) -> None:
    """The negative control."""
    visit.page.goto(f"{visit.base}/login/")
    visit.page.evaluate("document.querySelectorAll('label').forEach(each => each.remove())")
    visit.page.evaluate(AXE.read_text(encoding="utf-8"))
    assert any(each.startswith("label: ") for each in visit.page.evaluate(RUN, [RULES]))
