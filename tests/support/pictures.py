"""Makes the pictures of the documentation anew: ``python -m tests.support.pictures``.

Starts an installation of its own in a temporary folder, fills it with what a small studio might have on a Tuesday, and
photographs the console into docs/images. Names, addresses and the endpoint's key are made up and always the same.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.support import shared
from tests.support.installation import Installation, Server, make, remove
from tests.support.processes import request

IMAGES = shared.ROOT / "docs" / "images"
PASSWORD = "correct horse battery staple"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
KEY = "Vn4tQ8sWz2LkR7cYb9HdXf3M"
SERVER, STRANGER = "203.0.113.7", "198.51.100.23"

#: Minutes ago, visitor's address, name, phone, e-mail, lead type, message.
LEADS = (
    (2, "192.0.2.11", "Grace Hopper", "+1 202 555 0119", "grace@example.com", "Support",
     "The invoice of last month shows the wrong address."),
    (34, "192.0.2.12", "Mary Jackson", "+1 757 555 0184", "mary@example.com", "General",
     "Could you call me back about the wind tunnel model?"),
    (75, "192.0.2.13", "Dorothy Vaughan", "+1 757 555 0131", "dorothy@example.com", "Sales",
     "We need twelve desks for a new office by March."),
    (190, "192.0.2.14", "Katherine Johnson", "+1 757 555 0172", "katherine@example.com", "General",
     "I would like an appointment on Tuesday or Wednesday."),
    (410, "192.0.2.15", "Annie Easley", "+1 216 555 0143", "annie@example.com", "Sales",
     "Please send me your price list for standing desks."),
    (1500, "192.0.2.16", "Ada Lovelace", "+44 20 7946 0018", "ada@example.com", "Sales",
     "Is the oak table in your window still for sale?"),
)  # fmt: skip
#: What a bot leaves behind.
HELD = (
    {"name": "Frank Miller", "phone": "12025550100", "email": "frank@example.org", "_gotcha": "x",
     "message": "I saw your website and can bring you to the first page of every search engine."},
    {"name": "Best Deals", "phone": "12025550101", "email": "deals@example.net",
     "message": "Look: www.example.net/one www.example.net/two www.example.net/three"},
)  # fmt: skip


def send(server: Server, peer: str, visitor: str, lead: dict[str, str]) -> int:
    """Post a lead as if from ``peer``; the status."""
    headers = {"Content-Type": "application/json", "X-Forwarded-For": peer, "Stagewise-Visitor-IP": visitor}
    return request(server.port, "POST", f"/public/v1/leads/{KEY}", json.dumps(lead).encode(), headers).status


def fill(made: Installation, server: Server) -> None:
    """The leads, each at its time, and one call from an address that is not allowed."""
    for minutes, visitor, name, phone, email, lead_type, message in reversed(LEADS):
        lead = {"name": name, "phone": phone, "email": email, "lead_type_name": lead_type, "message": message}
        assert send(server, SERVER, visitor, lead) == 201, name
        for table, column, where in (("lead", "created_at", "email = ?"), ("attempt", "at", "address = ?")):
            moment = int(time.time() * 1000) - minutes * 60_000
            made.sql(f"UPDATE {table} SET {column} = ? WHERE {where}", moment, email if table == "lead" else visitor)
    assert [send(server, SERVER, "192.0.2.99", lead) for lead in HELD] == [202, 202]
    assert send(server, STRANGER, STRANGER, {"name": "Ada Lovelace"}) == 403
    while not made.count("attempt", "outcome = ?", "ip_not_allowed"):
        time.sleep(0.05)


@contextmanager
def console(made: Installation, server: Server) -> Iterator[Page]:
    """A browser in which the owner is logged in."""
    made.stagewise("user", "add", "olga@example.com", "--role", "owner", "--password-stdin", stdin=PASSWORD)
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, "install Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=OPTIONS)
        page = browser.new_page(viewport={"width": 1200, "height": 720}, color_scheme="light")
        page.goto(f"http://127.0.0.1:{server.console_port}/login/")
        page.get_by_label("E-mail address").fill("olga@example.com")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Leads", exact=True).wait_for()
        yield page
        browser.close()


def photograph(page: Page, folder: Path) -> list[Path]:
    """All pictures."""
    base = page.url.split("/w/")[0] + "/w/main"

    def whole(name: str, path: str, width: int, height: int) -> None:
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{base}/{path}/")
        page.mouse.move(0, 0)
        page.screenshot(path=folder / f"{name}.png")

    def part(name: str, path: str, label: str) -> None:
        # High enough that nothing sticks to the bottom in front of it.
        page.set_viewport_size({"width": 900, "height": 3000})
        page.goto(f"{base}/{path}")
        field = page.get_by_label(label, exact=True)
        field.locator("xpath=ancestor::fieldset").first.screenshot(path=folder / f"{name}.png")

    whole("leads", "leads", 1200, 720)
    whole("guide-leads", "leads", 900, 480)
    whole("guide-logs", "logs", 900, 480)
    whole("guide-url", "integration/api", 900, 480)
    whole("guide-held", "leads/held", 900, 560)
    part("guide-callers", "integration/api/", "Allowed IPs")
    part("guide-limit", "integration/api/", "Maximum leads per IP")
    part("guide-forwarding", "integration/api/?open=forwarding", "Maximum leads per IP")
    return sorted(folder.glob("*.png"))


def main() -> int:
    """Make the pictures and say where they are."""
    shared.open_folder()
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder) / "data", "sqlite")
        try:
            made.sql("UPDATE endpoint_key SET key = ?", KEY)
            made.save_rules(allowed_ips=[SERVER], max_leads_per_ip=20, forwarding=True)
            made.sql("UPDATE endpoint SET holding = ?", json.dumps({"honeypot": True, "max_links": 2}))
            server = made.serve(public_url="https://leads.example.com", trusted_proxies="127.0.0.1")
            fill(made, server)
            with console(made, server) as page:
                pictures = photograph(page, Path(folder))
            for picture in pictures:
                shutil.copyfile(picture, IMAGES / picture.name)
                sys.stdout.write(f"{IMAGES / picture.name}\n")
        finally:
            remove(made)
            shared.close_folder()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
