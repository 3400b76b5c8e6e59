"""Makes the pictures of the documentation anew: ``python -m tests.support.pictures``.

Starts an installation of its own in a temporary folder, fills it with what a small studio has on a Tuesday
(tests/support/studio.py), and photographs the console into docs/images.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from tests.support import shared, visit
from tests.support.installation import Server, make, remove

IMAGES = shared.ROOT / "docs" / "images"

#: A name and the path below the workspace, of the whole window: width, height, and the theme.
WINDOWS: tuple[tuple[str, str, int, int, Literal["light", "dark"]], ...] = (
    ("overview", "overview/", 1280, 800, "light"),
    ("leads", "leads/", 1280, 720, "light"),
    ("api", "integration/api/", 1280, 800, "light"),
    ("board-dark", "board/?type=2", 1280, 720, "dark"),
    ("leads-phone", "leads/", 390, 780, "light"),
    ("guide-leads", "leads/", 1024, 480, "light"),
    ("guide-logs", "logs/", 1024, 560, "light"),
    ("guide-url", "integration/api/", 1024, 520, "light"),
    ("guide-held", "leads/held/", 1024, 520, "light"),
)
#: The same, of the part of a page that a field stands in.
PARTS: tuple[tuple[str, str, str], ...] = (
    ("guide-callers", "integration/api/", "Allowed IPs"),
    ("guide-limit", "integration/api/", "Maximum leads per IP"),
    ("guide-forwarding", "integration/api/?open=forwarding", "Maximum leads per IP"),
)


@contextmanager
def studio(folder: Path) -> Iterator[Server]:
    """A running installation with the studio in it."""
    made = make(folder / "data", "sqlite")
    try:
        made.helper("studio")
        # A day on which all is well: the alert is over.
        made.sql("UPDATE channel SET paused_at = NULL, paused_because = ''")
        made.sql("UPDATE alert SET resolved_at = raised_at + 600000")
        server = made.serve(public_url="https://leads.example.com", trusted_proxies="127.0.0.1")
        # What charts count is filled in by the worker.
        while made.count("lead", "derived_at IS NULL"):
            time.sleep(0.1)
        yield server
    finally:
        remove(made)


def photograph(browser: Browser, server: Server, folder: Path) -> Iterator[Path]:
    """All pictures, one after the other."""
    for name, path, width, height, theme in WINDOWS:
        page = _open(browser, server, path, width, height, theme)
        page.screenshot(path=folder / f"{name}.png")
        yield folder / f"{name}.png"
        page.context.close()
    for name, path, label in PARTS:
        # High enough that nothing sticks to the bottom in front of it.
        page = _open(browser, server, path, 960, 3000, "light")
        field = page.get_by_label(label, exact=True).first
        field.locator("xpath=(ancestor::fieldset | ancestor::section)[last()]").screenshot(path=folder / f"{name}.png")
        yield folder / f"{name}.png"
        page.context.close()


def _open(
    browser: Browser, server: Server, path: str, width: int, height: int, theme: Literal["light", "dark"]
) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce", has_touch=width < 640
    )
    person = visit.Visit(server, context)
    person.enter()
    person.page.goto(f"{person.base}/w/main/{path}")
    person.page.mouse.move(0, 0)
    person.page.evaluate("document.fonts.ready")
    return person.page


def main() -> int:
    """Make the pictures and say where they are."""
    shared.open_folder()
    try:
        with tempfile.TemporaryDirectory() as folder, studio(Path(folder)) as server, visit.chromium() as browser:
            for picture in photograph(browser, server, Path(folder)):
                shutil.copyfile(picture, IMAGES / picture.name)
                sys.stdout.write(f"{IMAGES / picture.name}\n")
    finally:
        shared.close_folder()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
