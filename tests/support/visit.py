"""A person with a browser in front of the console."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.support.installation import Server

PASSWORD = "correct horse battery staple"
LAPTOP: Final[ViewportSize] = {"width": 1440, "height": 900}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: As root there is no sandbox to be had; the rest keeps the browser from talking to anybody but us.
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's Chromium."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, "install Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=OPTIONS)
        yield launched
        launched.close()


class Visit:
    """A person in front of the console; everything that a page did and should not have done is remembered."""

    def __init__(self, server: Server, context: BrowserContext) -> None:
        self.server = server
        self.base = f"http://127.0.0.1:{server.console_port}"
        self.complaints: list[str] = []
        context.set_default_timeout(15_000)
        context.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error('CSP ' + e.violatedDirective))"
        )
        self.page: Page = context.new_page()
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        self.page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.text} {message.location.get('url', '')}".strip())

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith(self.base):
            self.complaints.append(f"asked {request.url}")

    def set_up(self) -> None:
        """Open the printed link and become the owner."""
        self.server.wait_for_output("Try it:")
        link = re.search(r"http://\S+/setup/\S+", self.server.output)
        assert link, self.server.output
        self.page.goto(link[0])
        self.page.get_by_label("E-mail address").fill("olga@example.com")
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_label("The same password again").fill(PASSWORD)
        self.page.get_by_role("button", name="Create my account").click()
        expect(self.page.get_by_role("heading", name="Stagewise API")).to_be_visible()

    def log_in(self) -> None:
        """Make an owner on the command line and log in as them."""
        self.server.installation.stagewise(
            "user", "add", "olga@example.com", "--role", "owner", "--password-stdin", stdin=PASSWORD
        )
        self.enter()

    def enter(self) -> None:
        """Log in as Olga, whom there is already."""
        self.page.goto(f"{self.base}/login/")
        self.page.get_by_label("E-mail address").fill("olga@example.com")
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()

    def go(self, name: str) -> None:
        """Go by the navigation; on a phone most of it is behind More."""
        navigation = self.page.get_by_role("navigation", name="Main")
        link, more = navigation.get_by_role("link", name=name, exact=True), navigation.get_by_text("More", exact=True)
        if more.is_visible() and not link.is_visible():
            more.click()
        link.click()
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()

    def reload_until(self, text: str) -> None:
        """Reload until the page says so: refusals may be answered before their row is in the journal."""
        end = time.monotonic() + 15
        while time.monotonic() < end and self.page.get_by_text(text).count() == 0:
            self.page.reload()
        expect(self.page.get_by_text(text).first).to_be_visible()
