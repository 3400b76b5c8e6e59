"""What stands around every page, as people use it: keys, menus, theme, toasts, swaps, a phone, no script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.support import installation as installations
from tests.support.installation import Server
from tests.support.studio import PASSWORD
from tests.support.visit import LAPTOP, PHONE, Visit
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = installations.make(tmp_path_factory.mktemp("frame") / "data", "sqlite")
    made.stagewise("user", "add", "olga@example.com", "--role", "owner", "--password-stdin", stdin=PASSWORD)
    yield made.serve()
    installations.remove(made)


@pytest.fixture(scope="module")
def logged_in(server: Server, chromium: Browser) -> StorageState:
    context = chromium.new_context()
    Visit(server, context).enter()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def visit(server: Server, chromium: Browser, logged_in: StorageState) -> Iterator[Visit]:
    context = chromium.new_context(viewport=LAPTOP, color_scheme="light", storage_state=logged_in)
    yield Visit(server, context)
    context.close()


def here(visit: Visit, path: str) -> Page:
    visit.page.goto(f"{visit.base}/w/main/{path}")
    return visit.page


def swap(page: Page, url: str, style: str = "outerHTML") -> None:
    """What any part of a page does that htmx swaps: here the whole of it."""
    page.evaluate(
        "([url, style]) => htmx.ajax('GET', url, { target: '#main', select: '#main', swap: style })", [url, style]
    )


def test_a_question_mark_lists_the_keys_and_two_of_them_go_somewhere(visit: Visit) -> None:
    page = here(visit, "settings/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog.get_by_text("Monitoring")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page.get_by_role("heading", name="Monitoring", level=1)).to_be_visible()
    assert visit.complaints == []


def test_keys_are_letters_while_one_types_and_can_be_switched_off(visit: Visit) -> None:
    page = here(visit, "settings/")
    page.get_by_label("Name").fill("")
    page.get_by_label("Name").press_sequentially("g m?")
    expect(page.get_by_label("Name")).to_have_value("g m?")
    page.get_by_text("olga@example.com").first.click()
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Keys work on this device").uncheck()
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert visit.complaints == []


def test_a_menu_works_with_the_keyboard_alone(visit: Visit) -> None:
    page = here(visit, "settings/")
    opener = page.locator(".switcher summary")
    opener.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".switcher .menu a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    expect(page.locator(".switcher .menu")).to_be_hidden()
    page.keyboard.press("ArrowDown")
    page.locator("h1").click()
    expect(page.locator(".switcher .menu")).to_be_hidden()
    assert visit.complaints == []


def test_the_theme_is_chosen_in_the_menu_and_stays(visit: Visit) -> None:
    page = here(visit, "settings/")
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_label("Name").fill("Not saved yet")
    page.get_by_text("olga@example.com").first.click()
    with page.expect_response("**/account/theme/"):  # it shows before the server has kept it
        page.get_by_role("button", name="Dark").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(paper) != light
    # Nothing is lost by it.
    expect(page.get_by_label("Name")).to_have_value("Not saved yet")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_text("olga@example.com").first.click()
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="System").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "")
    assert visit.complaints == []


def test_a_swap_keeps_the_focus_and_the_caret(visit: Visit) -> None:
    page = here(visit, "settings/")
    name = page.get_by_label("Name")
    name.focus()
    page.evaluate("document.activeElement.setSelectionRange(2, 4)")
    page.evaluate("window.before = document.activeElement")
    swap(page, "/w/main/settings/")
    page.wait_for_function("!window.before.isConnected")
    expect(name).to_be_focused()
    assert page.evaluate("[document.activeElement.selectionStart, document.activeElement.selectionEnd]") == [2, 4]
    # What had the focus is gone: the new part has it, not the body.
    swap(page, "/w/main/monitoring/")
    expect(page.get_by_role("heading", name="Monitoring", level=1)).to_be_visible()
    expect(page.locator("#main")).to_be_focused()
    assert visit.complaints == []


def test_a_swap_that_fails_says_why_and_leaves_the_page_alone(visit: Visit) -> None:
    page = here(visit, "settings/")
    page.get_by_label("Name").fill("Typed")
    swap(page, "/w/main/nothing/")
    toast = page.locator(".toasts li")
    expect(toast).to_contain_text("There is nothing here. The link may be old")
    page.context.clear_cookies()
    swap(page, "/w/main/monitoring/")
    expect(page.get_by_text("You are logged out. What you typed is still here.")).to_be_visible()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Typed")
    assert [each for each in visit.complaints if "404" not in each] == []


def test_who_is_offline_is_told_and_that_it_is_over(visit: Visit) -> None:
    page = here(visit, "settings/")
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    swap(page, "/w/main/monitoring/")
    expect(page.locator(".toasts li")).to_contain_text("The console cannot be reached.")
    page.context.set_offline(False)
    expect(page.get_by_text("You are offline.")).to_be_hidden()


def test_a_toast_goes_after_ten_seconds_but_not_while_somebody_reads_it(visit: Visit) -> None:
    page = visit.page
    page.clock.install()
    here(visit, "settings/")
    page.get_by_role("button", name="Save settings").click()
    toast = page.locator(".toasts li")
    expect(toast).to_contain_text("Saved.")
    toast.hover()
    page.clock.fast_forward(60_000)
    expect(toast).to_be_visible()
    page.mouse.move(0, 0)

    def gone_after_a_while() -> bool:
        page.clock.fast_forward(11_000)
        return toast.count() == 0

    # The page may learn a moment later that the mouse has left.
    eventually(gone_after_a_while)
    assert visit.complaints == []


def test_times_stay_true_while_the_page_is_open(visit: Visit) -> None:
    page = visit.page
    page.clock.install()
    assert visit.server.post_lead(name="Ada Lovelace").status == 201
    here(visit, "leads/")
    time = page.locator("time.when").first
    expect(time).to_have_text("just now")
    page.clock.fast_forward("02:05:00")
    expect(time).to_have_text("2 hours ago")
    assert visit.complaints == []


def test_a_phone_has_tabs_at_the_bottom_and_the_rest_in_a_sheet(visit: Visit) -> None:
    visit.page.set_viewport_size(PHONE)
    page = here(visit, "leads/")
    tabs = page.get_by_role("navigation", name="Main")
    expect(tabs.get_by_role("link", name="Leads", exact=True)).to_be_visible()
    expect(tabs.get_by_role("link", name="Monitoring")).to_be_hidden()
    tabs.get_by_text("More", exact=True).click()
    for target in tabs.locator("a:visible, summary:visible").all():
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 44, target.inner_text()
    tabs.get_by_role("link", name="Monitoring").click()
    expect(page.get_by_role("heading", name="Monitoring", level=1)).to_be_visible()
    assert visit.complaints == []


def test_in_a_bar_of_icons_the_words_are_tooltips(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 800, "height": 900})
    page = here(visit, "leads/")
    page.get_by_role("link", name="Monitoring", exact=True).hover()
    expect(page.locator(".tip")).to_have_text("Monitoring")
    page.keyboard.press("Escape")
    expect(page.locator(".tip")).to_have_count(0)
    assert visit.complaints == []


def test_everything_around_a_page_works_without_script(
    server: Server, chromium: Browser, logged_in: StorageState
) -> None:
    context = chromium.new_context(viewport=PHONE, java_script_enabled=False, storage_state=logged_in)
    page = here(Visit(server, context), "settings/")
    page.locator(".account summary").click()
    page.get_by_role("button", name="Light").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.get_by_text("More", exact=True).click()
    page.locator(".sheet").get_by_role("link", name="Monitoring").click()
    expect(page.get_by_role("heading", name="Monitoring", level=1)).to_be_visible()
    context.close()
