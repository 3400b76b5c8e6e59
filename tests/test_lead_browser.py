"""The page of one lead in a real browser: by keys and by thumbs, with and without script, two people at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support import installation as installations
from tests.support.installation import Server
from tests.support.visit import LAPTOP, PASSWORD, PHONE, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running installation with Olga and Agnes; each test brings leads of its own."""
    made = installations.make(tmp_path_factory.mktemp("lead") / "data", "sqlite")
    made.save_rules(max_leads_per_ip=None)
    for name, role in (("olga", "owner"), ("agnes", "agent")):
        made.stagewise("user", "add", f"{name}@example.com", "--role", role, "--password-stdin", stdin=PASSWORD)
    yield made.serve()
    installations.remove(made)


@pytest.fixture(params=["laptop", "phone"])
def visit(request: pytest.FixtureRequest, chromium: Browser, server: Server) -> Iterator[Visit]:
    """Olga, at either width."""
    size = LAPTOP if request.param == "laptop" else PHONE
    context = chromium.new_context(viewport=size, has_touch=size is PHONE, reduced_motion="reduce")
    made = Visit(server, context)
    made.enter()
    yield made
    assert made.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert [each for each in made.complaints if not each.startswith("Failed to load resource")] == []
    context.close()


_numbers = itertools.count(1000)


def posted(visit: Visit, name: str, **fields: str) -> str:
    """A new lead of somebody who never wrote before; its address."""
    number = next(_numbers)
    values: dict[str, Any] = {"email": f"{number}@example.net", "phone": f"+4930{number}00", **fields}
    answer = visit.server.post_lead(name=name, **values)
    assert answer.status == 201
    return f"{visit.base}/w/main/leads/{answer.json()['id']}/"


def open_lead(visit: Visit, name: str, **fields: str) -> Page:
    visit.page.goto(posted(visit, name, **fields))
    expect(visit.page.get_by_role("heading", name=name, level=1)).to_be_visible()
    return visit.page


def said(page: Page, words: str) -> None:
    expect(page.locator("#toasts").get_by_text(words)).to_be_visible()


def undo(page: Page) -> None:
    page.get_by_role("button", name="Undo").last.click()


def part(page: Page, heading: str) -> Locator:
    return page.get_by_role("region", name=heading)


def test_a_note_names_a_colleague_and_the_field_is_empty_for_the_next_one(visit: Visit) -> None:
    page = open_lead(visit, "Noted")
    field = page.get_by_role("textbox", name="Note")
    field.press_sequentially("Ask @ag")
    offered = page.get_by_role("listbox", name="Whom to mention").get_by_role("option")
    expect(offered).to_be_visible()
    if page.viewport_size == PHONE:
        offered.tap()
    else:
        page.keyboard.press("Enter")
    expect(field).to_have_value("Ask @agnes@example.com ")
    field.press_sequentially("to call")
    page.keyboard.press("Control+Enter")
    story = part(page, "What happened")
    expect(story.get_by_text("Ask @agnes@example.com to call")).to_be_visible()
    expect(story.locator(".mention")).to_have_text("@agnes@example.com")
    expect(page.get_by_role("textbox", name="Note")).to_have_value("")
    expect(page.get_by_role("textbox", name="Note")).to_be_focused()
    installation = visit.server.installation
    assert installation.count("lead_mention", "lead_id = (SELECT max(id) FROM lead)") == 1


def test_what_one_is_typing_stays_whatever_else_one_does(visit: Visit) -> None:
    page = open_lead(visit, "Typed")
    page.get_by_role("textbox", name="Note").fill("Half a sentence")
    part(page, "Stage").get_by_role("button", name="Contacted").click()
    said(page, "Now in “Contacted”.")
    page.get_by_placeholder("Add a tag").fill("VIP")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Take away the tag VIP")).to_be_visible()
    expect(page.get_by_placeholder("Add a tag")).to_have_value("")
    expect(page.get_by_placeholder("Add a tag")).to_be_focused()
    expect(page.get_by_role("textbox", name="Note")).to_have_value("Half a sentence")


def test_a_lead_is_lost_for_a_reason_and_found_again(visit: Visit) -> None:
    page = open_lead(visit, "Lost one")
    stage = part(page, "Stage")
    stage.locator("summary", has_text="Lost").click()
    stage.get_by_label("Why? (optional)").locator("visible=true").fill("Too far away")
    stage.get_by_role("button", name="Move to “Lost”").click()
    said(page, "Now in “Lost”.")
    expect(stage.get_by_text("“Too far away”")).to_be_visible()
    expect(part(page, "What happened").get_by_text("“Too far away”")).to_be_visible()
    undo(page)
    said(page, "Now in “New”.")
    expect(part(page, "Stage").locator(".here")).to_have_text("New")


def test_who_comes_second_is_told_in_place_and_may_insist(visit: Visit) -> None:
    page = open_lead(visit, "Two at once")
    other = visit.page.context.new_page()
    other.goto(page.url)
    part(other, "Stage").get_by_role("button", name="Contacted").click()
    said(other, "Now in “Contacted”.")
    part(page, "Stage").get_by_role("button", name="Qualified").click()
    expect(
        page.locator("main").get_by_text("olga@example.com moved it to “Contacted” in the meantime.")
    ).to_be_visible()
    page.get_by_role("button", name="Move it to “Qualified” all the same").click()
    said(page, "Now in “Qualified”.")
    other.close()


def test_a_follow_up_is_planned_done_and_not_done_after_all(visit: Visit) -> None:
    page = open_lead(visit, "Planned")
    tasks = part(page, "Follow-up")
    tasks.get_by_label("What is to be done").fill("Call again")
    tasks.get_by_role("button", name="Tomorrow", exact=True).first.click()
    expect(tasks.get_by_text("tomorrow · yours")).to_be_visible()
    expect(tasks.get_by_label("What is to be done")).to_have_value("")
    tasks.get_by_role("button", name="Done: Call again").click()
    said(page, "Done: Call again")
    expect(tasks.get_by_text("done just now")).to_be_visible()
    undo(page)
    expect(part(page, "Follow-up").get_by_text("tomorrow · yours")).to_be_visible()


def test_two_leads_of_a_person_become_one_and_two_again(visit: Visit) -> None:
    email = f"twice{next(_numbers)}@example.net"
    posted(visit, "First letter", email=email, message="My first letter")
    page = open_lead(visit, "Second letter", email=email)
    visit.reload_until("One more lead of this person")
    others = part(page, "One more lead of this person")
    others.get_by_text("Merge the two").click()
    others.get_by_role("button", name="Merge it into this lead").click()
    said(page, "The other lead of First letter is part of this one now.")
    page.get_by_text("What it said").click()
    expect(page.get_by_text("My first letter")).to_be_visible()
    undo(page)
    expect(part(page, "One more lead of this person").get_by_role("link", name="First letter")).to_be_visible()


def test_a_deleted_lead_comes_back_with_undo_and_from_the_list(visit: Visit) -> None:
    page = open_lead(visit, "Deleted")
    page.get_by_role("button", name="Delete this lead").click()
    said(page, "“Deleted” was deleted.")
    undo(page)
    said(page, "“Deleted” is back.")
    page.get_by_role("button", name="Delete this lead").click()
    said(page, "“Deleted” was deleted.")
    page.goto(f"{visit.base}/w/main/leads/deleted/")
    page.get_by_role("button", name="Put back Deleted").first.click()
    said(page, "“Deleted” is back.")


def test_an_edit_that_is_refused_keeps_what_was_typed_and_where_one_is(visit: Visit) -> None:
    page = open_lead(visit, "Edited")
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("E-mail", exact=True).fill("no address")
    page.get_by_label("Name", exact=True).fill("Edited twice")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This is no valid e-mail address.")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Edited twice")
    page.get_by_label("E-mail", exact=True).fill("edited@example.net")
    page.get_by_role("button", name="Save").click()
    said(page, "Saved.")
    expect(page.get_by_role("heading", name="Edited twice", level=1)).to_be_visible()


def test_without_script_the_page_works_by_forms_alone(server: Server, chromium: Browser) -> None:
    context = chromium.new_context(viewport=LAPTOP, java_script_enabled=False)
    visit = Visit(server, context)
    visit.enter()
    page = open_lead(visit, "Plain")
    page.get_by_role("textbox", name="Note").fill("Ask @agnes@example.com")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".story .mention")).to_have_text("@agnes@example.com")
    page.locator("#owner-menu").click()
    page.locator("#owner-menu + .menu").get_by_role("button", name="agnes@example.com").click()
    expect(page.locator("#owner-menu")).to_contain_text("agnes@example.com")
    page.get_by_placeholder("Add a tag").fill("VIP")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Take away the tag VIP")).to_be_visible()
    context.close()
