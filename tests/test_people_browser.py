"""The team, one's account and the audit, in a real browser: links that let somebody in, codes, passkeys, going back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import installation as installations
from tests.support import shared
from tests.support.installation import Installation, Server
from tests.support.visit import LAPTOP, PASSWORD, PHONE, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = shared.ROOT / "node_modules" / "axe-core" / "axe.min.js"
WRONG = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .filter((rule) => ["serious", "critical"].includes(rule.impact))
  .map((rule) => `${rule.id}: ${rule.nodes.map((node) => node.target.join(" ")).join(" | ")}`)"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made: Installation = installations.make(tmp_path_factory.mktemp("people") / "data", "sqlite")
    yield made.serve()
    installations.remove(made)


@pytest.fixture(params=["laptop", "phone"])
def visit(request: pytest.FixtureRequest, chromium: Browser, server: Server) -> Iterator[Visit]:
    """Olga, on a laptop and on a phone."""
    size = LAPTOP if request.param == "laptop" else PHONE
    context = chromium.new_context(viewport=size, has_touch=request.param == "phone", reduced_motion="reduce")
    made = Visit(server, context)
    made.log_in()
    yield made
    assert made.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert made.complaints == []
    context.close()


@pytest.fixture
def by_name(chromium: Browser, server: Server) -> Iterator[Visit]:
    """A person of their own who opens the console by a name, as passkeys want it, with a device that has passkeys."""
    context = chromium.new_context(viewport=LAPTOP, reduced_motion="reduce")
    made = Visit(server, context)
    made.base = f"http://localhost:{server.console_port}"
    session = context.new_cdp_session(made.page)
    session.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    yield made
    assert made.complaints == []
    context.close()


def add(server: Server, email: str, role: str = "agent") -> None:
    server.installation.stagewise("user", "add", email, "--role", role, "--password-stdin", stdin=PASSWORD)


def log_in(visit: Visit, email: str) -> None:
    page = visit.page
    page.goto(f"{visit.base}/login/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def log_out(visit: Visit) -> None:
    visit.page.goto(f"{visit.base}/logout/")
    visit.page.get_by_role("main").get_by_role("button", name="Log out").click()
    expect(visit.page.get_by_role("heading", name="Log in")).to_be_visible()


def prove(page: Page) -> None:
    expect(page.get_by_role("heading", name="Is it still you?")).to_be_visible()
    usable(page)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()


def usable(page: Page) -> None:
    """For everybody, says axe."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(WRONG) == []


def code_of(secret: str) -> str:
    """The six digits of now (RFC 6238)."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def test_somebody_comes_in_by_a_link_gets_another_role_is_put_out_and_let_in_again(
    visit: Visit, chromium: Browser
) -> None:
    page = visit.page
    width = page.evaluate("innerWidth")
    page.goto(f"{visit.base}/w/main/settings/team/")
    page.get_by_label("Or make a link to hand over").select_option(label="Viewer")
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("#link").inner_text()
    usable(page)

    context = chromium.new_context(viewport=PHONE, reduced_motion="reduce")
    ines = Visit(visit.server, context)
    ines.page.goto(link)
    usable(ines.page)
    ines.page.get_by_label("E-mail address").fill(f"ines{width}@example.com")
    ines.page.get_by_label("Your name").fill("Inès de la Cruz")
    ines.page.get_by_label("Password", exact=True).fill(PASSWORD)
    ines.page.get_by_label("The same password again").fill(PASSWORD)
    ines.page.get_by_role("button", name="Join").click()
    expect(ines.page.get_by_text("Welcome to My workspace!")).to_be_visible()

    page.get_by_role("link", name="I have copied it").click()
    row = page.get_by_role("listitem").filter(has_text=f"ines{width}@example.com")
    row.locator("summary").click()
    row.get_by_role("button", name="Agent").click()
    expect(page.locator("#toasts")).to_contain_text("Inès de la Cruz has the role Agent now.")
    row.locator("summary").click()
    usable(page)
    row.get_by_role("button", name="Deactivate").click()
    expect(page.locator("#toasts")).to_contain_text("Inès de la Cruz is out")
    ines.page.reload()
    expect(ines.page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("Inès de la Cruz is in again, with the role Agent.")
    ines.page.reload()
    expect(ines.page.get_by_role("heading", name="Overview")).to_be_visible()
    context.close()


def test_a_change_of_an_endpoint_is_reverted_and_undo_makes_it_again(visit: Visit) -> None:
    page, installation = visit.page, visit.server.installation
    limit = page.evaluate("innerWidth")
    installation.set_endpoint(max_leads_per_ip=limit)
    page.goto(f"{visit.base}/w/main/settings/audit/")
    usable(page)
    page.get_by_role("link", name="Endpoints", exact=True).click()
    page.get_by_role("listitem").filter(has_text=str(limit)).first.get_by_role("button", name="Revert").click()
    expect(page.locator("#toasts")).to_contain_text("“My website” is as before: Maximum leads per IP.")
    assert installation.json("endpoint", "list")[0]["max_leads_per_ip"] != limit
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("is as before")
    assert installation.json("endpoint", "list")[0]["max_leads_per_ip"] == limit


def test_a_person_is_chosen_without_a_button_and_the_field_keeps_the_focus(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.base}/w/main/settings/audit/")
    page.get_by_label("By", exact=True).focus()
    page.get_by_label("By", exact=True).select_option(label="olga@example.com")
    expect(page).to_have_url(re.compile("person=olga"))
    expect(page.get_by_label("By", exact=True)).to_be_focused()


def test_an_authenticator_app_is_set_up_from_the_picture_or_its_key_and_then_asked_for(
    by_name: Visit, server: Server
) -> None:
    add(server, "app@example.com")
    page = by_name.page
    log_in(by_name, "app@example.com")
    page.goto(f"{by_name.base}/account/")
    usable(page)
    page.get_by_role("link", name="Set up an app").click()
    prove(page)
    picture = page.get_by_alt_text("The key below, as a picture")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    usable(page)
    page.get_by_text("Type the key instead").click()
    secret = page.locator("#key").inner_text()
    page.get_by_label("The six digits").fill(code_of(secret))
    page.get_by_role("button", name="Set up").click()
    recovery = page.locator("#codes li").first.inner_text()
    usable(page)
    log_out(by_name)
    log_in(by_name, "app@example.com")
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    usable(page)
    page.get_by_label("Code from your app").fill(recovery)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_passkey_is_added_logs_in_by_itself_and_is_the_second_factor(by_name: Visit, server: Server) -> None:
    add(server, "keys@example.com")
    page = by_name.page
    log_in(by_name, "keys@example.com")
    page.goto(f"{by_name.base}/account/")
    page.get_by_role("link", name="Add a passkey").click()
    prove(page)
    page.get_by_label("What to call it").fill("Laptop")
    usable(page)
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("link", name="Rename Laptop")).to_be_visible()
    usable(page)

    log_out(by_name)
    page.goto(f"{by_name.base}/login/?next=/w/main/leads/")
    page.get_by_role("button", name="Log in with a passkey").click()
    expect(page.get_by_role("heading", name="Leads", exact=True)).to_be_visible()

    log_out(by_name)
    log_in(by_name, "keys@example.com")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    page.goto(f"{by_name.base}/account/")
    page.get_by_role("link", name="Remove Laptop").click()
    page.get_by_role("link", name="use a passkey").click()
    usable(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Remove “Laptop”?")).to_be_visible()
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("guarded by a password alone")).to_be_visible()


def test_under_a_bare_address_the_page_says_why_there_are_no_passkeys(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.base}/login/")
    expect(page.get_by_role("button", name="Log in with a passkey")).to_be_hidden()
    page.goto(f"{visit.base}/account/passkeys/add/")
    prove(page)
    expect(page.get_by_text("This browser has no passkeys here.")).to_be_visible()
    expect(page.get_by_role("button", name="Add it")).to_be_hidden()
