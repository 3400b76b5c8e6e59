"""Reading a page as a person does: its words, its fields, its buttons."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from django.test import Client


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.values: dict[str, str] = {}
        self.checked: set[str] = set()
        self.tags: set[str] = set()
        self._area: str | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        if tag == "input" and "name" in found:
            self.values[found.get("id") or found["name"]] = found.get("value", "")
            if "checked" in found:
                self.checked.add(found["name"])
        if tag == "textarea":
            self._area = found["id"]
            self.values[self._area] = ""
        self._silent += tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = None
        self._silent -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.values[self._area] += data
        elif not self._silent:
            self.text.append(data)


class Page:
    """A page as it came: ``text`` with single spaces, ``values`` by the field's id, ``checked`` boxes by name."""

    def __init__(self, status: int, html: str) -> None:
        self.status = status
        self.html = html
        reader = _Reader()
        reader.feed(html)
        reader.close()
        self.text = " ".join(" ".join(reader.text).split())
        # The newline right after <textarea> is not part of its value (HTML, "the textarea element").
        self.values = {name: value.removeprefix("\n") for name, value in reader.values.items()}
        self.checked = reader.checked
        self.tags = reader.tags


def read(browser: Client, path: str) -> Page:
    """Open a page, and follow where it leads."""
    answer = browser.get(path, follow=True)
    return Page(answer.status_code, answer.content.decode())


def send(browser: Client, path: str, **fields: Any) -> Page:
    """Send a form, and follow where it leads."""
    answer = browser.post(path, fields, follow=True)
    return Page(answer.status_code, answer.content.decode())


def undo(browser: Client, page: Page) -> Page:
    """Press the Undo of the page's toast, and follow where it leads."""
    toast = page.html.partition('id="toasts"')[2].partition("</ul>")[0]
    action = re.search(r'action="([^"]+)"', toast)
    assert action, "there is no Undo"
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', toast)
    return send(browser, action[1], **{name: unescape(value) for name, value in fields})
