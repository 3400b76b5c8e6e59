"""The story in a real browser: set up the owner, change the configuration, and see what websites send."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.corpus.rows import ROWS
from tests.support.installation import LEAD, Installation
from tests.support.visit import PASSWORD, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: Posts a lead from a process of its own and prints the status: argv is URL, body, and an Origin (or nothing).
POST = """
import sys, urllib.error, urllib.request
headers = {"Content-Type": "application/json"} | ({"Origin": sys.argv[3]} if sys.argv[3] else {})
request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), headers)
try:
    print(urllib.request.urlopen(request, timeout=15).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


#: Opens each menu of the page by itself; the words on those that do not fit on the screen.
MENUS = """async () => {
  const wide = [];
  for (const menu of document.querySelectorAll("main details.drop")) {
    menu.open = true;
    await new Promise((done) => setTimeout(() => requestAnimationFrame(done)));
    if (document.documentElement.scrollWidth > innerWidth) {
      wide.push(menu.querySelector("summary").innerText);
    }
    menu.open = false;
  }
  return wide;
}"""


@pytest.fixture
def visit(installation: Installation, chromium: Browser) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, permissions=["clipboard-write"])
    yield Visit(installation.serve(), context)
    context.close()


def post(url: str, origin: str = "", **fields: str) -> int:
    """Post a lead as a website's server does: from another process."""
    body = json.dumps({**LEAD, **fields})
    done = subprocess.run(
        [sys.executable, "-c", POST, url, body, origin], capture_output=True, text=True, timeout=30, check=True
    )
    return int(done.stdout)


def test_an_owner_sets_up_configures_and_sees_what_comes(visit: Visit) -> None:
    visit.set_up()
    the_link_works_once(visit)
    url = the_owner_configures(visit)
    assert post(url, message="Please call me back.\nThank you") == 201
    the_lead_is_seen_and_worked(visit)
    assert post(url, "https://www.yoursite.com") == 403
    the_refusal_is_mended_with_one_click(visit)
    assert post(url, "https://www.yoursite.com", name="Grace Hopper") == 201
    assert [post(url), post(url)] == [201, 429]
    the_owner_searches_and_finds_the_limit(visit)
    the_owner_logs_out_and_in(visit)
    assert visit.complaints == []


def the_link_works_once(visit: Visit) -> None:
    link = re.search(r"http://\S+/setup/\S+", visit.server.output)
    assert link
    used = visit.page.goto(link[0])
    assert used is not None
    assert used.status == 410
    visit.complaints.clear()  # the browser reports the 410 itself
    visit.page.goto(f"{visit.base}/")


def the_owner_configures(visit: Visit) -> str:
    page = visit.page
    visit.go("Stagewise API")
    url = page.locator("#url").inner_text()
    page.locator("[data-copy=url]").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.get_by_label("Allowed CORS origins").fill("https://YourSite.com/")
    page.get_by_label("Maximum leads per IP").fill("3")
    page.get_by_role("button", name="Save Config").click()
    expect(page.get_by_text("Saved. It holds for the next call.")).to_be_visible()
    expect(page.get_by_label("Allowed CORS origins")).to_have_value("https://yoursite.com")
    return url


def the_lead_is_seen_and_worked(visit: Visit) -> None:
    page = visit.page
    visit.go("Leads")
    visit.reload_until("1 is new")
    page.get_by_role("link", name="Ada Lovelace").click()
    for shown in ("ada@example.com", "+44 20 7946 0958", "127.0.0.1", "My website"):
        expect(page.get_by_text(shown).first).to_be_visible()
    page.get_by_role("button", name="Contacted").click()
    expect(page.get_by_text("Now in “Contacted”.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts").get_by_text("Now in “New”.")).to_be_visible()
    visit.go("Logs")
    visit.reload_until("The lead was stored.")
    expect(page.get_by_role("link", name="Open the lead")).to_be_visible()


def the_refusal_is_mended_with_one_click(visit: Visit) -> None:
    visit.reload_until("The page's origin is not on the list of allowed CORS origins.")
    visit.page.get_by_role("button", name="Allow https://www.yoursite.com").click()
    expect(visit.page.get_by_text("https://www.yoursite.com may send leads to “My website” now.")).to_be_visible()


def the_owner_searches_and_finds_the_limit(visit: Visit) -> None:
    page = visit.page
    visit.go("Leads")
    page.get_by_label("Search name, e-mail, phone or message").fill("hopper")
    expect(page.get_by_role("link", name="Grace Hopper")).to_be_visible()
    expect(page.get_by_role("link", name="Ada Lovelace")).to_have_count(0)
    visit.go("Logs")
    visit.reload_until("The address has used all its leads of the last 24 hours.")
    page.get_by_role("button", name="Raise the limit to 10").click()
    expect(page.get_by_role("button", name="Raise the limit to 20")).to_be_visible()


def the_owner_logs_out_and_in(visit: Visit) -> None:
    page = visit.page
    page.get_by_text("olga@example.com").first.click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("E-mail address").fill("olga@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


@pytest.mark.parametrize("engine", ["sqlite"])
def test_nothing_that_visitors_send_runs_in_the_browser(visit: Visit) -> None:
    page = visit.page
    visit.set_up()
    page.get_by_label("Maximum leads per IP").fill("")
    page.get_by_role("button", name="Save Config").click()
    hostile = [row for row in ROWS if row.accepted and row.body and re.search(r"[<\"'{(`]", str(row.payload))]
    bodies = [row.body for row in hostile if row.body and not row.rule("allowed_origins")]
    taken = sum(visit.server.post(body).status == 201 for body in bodies)
    assert taken > 20
    page.goto(f"{visit.base}/w/main/leads/")
    links = [link.get_attribute("href") for link in page.locator("a.title").all()]
    for link in links:
        page.goto(f"{visit.base}{link}")
    page.goto(f"{visit.base}/w/main/logs/")
    assert page.evaluate("window.__xss") is None
    assert visit.complaints == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_no_page_is_wider_than_the_screen(visit: Visit) -> None:
    page = visit.page
    visit.set_up()
    long = f"{'e' * 60}@{'d' * 60}.example.com"
    assert visit.server.post_lead(name="N" * 200, email=long, message="M" * 5000).status == 201
    assert visit.server.post_lead(name="Ada", origin="x", lead_type_name="No such type").status == 422
    page.goto(f"{visit.base}/w/main/logs/")
    visit.reload_until("lead_type_name named no lead type in use.")
    page.goto(f"{visit.base}/w/main/leads/")
    lead = page.locator("a.title").get_attribute("href")
    work = ("overview", "leads", "leads/add", "leads/deleted", "leads/export", "leads/import", "board", "lead-types")
    watch = ("integration/api", "channels", "monitoring", "alerts", "logs")
    mine = ("settings", "settings/team", "settings/tokens", "settings/audit")
    helps = ("help", "help/guide/setup", "help/samples", "help/testing", "help/api", "help/errors/captcha_failed")
    paths = [f"/w/main/{name}/" for name in (*work, *watch, *mine, *helps)]
    for path in [*paths, lead, "/account/", "/password/change/"]:
        page.goto(f"{visit.base}{path}")
        page.evaluate("document.querySelectorAll('main details:not(.drop)').forEach(each => { each.open = true })")
        for width in (390, 768, 1440):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.evaluate(MENUS) == [], (path, width)
    assert visit.complaints == []
