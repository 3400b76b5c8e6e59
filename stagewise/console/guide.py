"""Help: the pages that intake serves below /docs/, in the console's frame and with an endpoint's URL filled in.

``python -m stagewise.pages`` builds them from docs/, once for both. Their links are relative; here they become links
between the console's own pages, because people who read Help may not be able to reach intake.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

from django.templatetags.static import static
from django.utils.html import escape
from django.utils.safestring import SafeString

from stagewise import samples

if TYPE_CHECKING:
    from collections.abc import Callable

#: What was built of docs/.
FOLDER = Path(__file__).resolve().parent.parent / "public_files" / "docs"
#: The name of the guide's first page.
INDEX = "guide"

#: The URL that stands in the pages, cut in two: where intake is reached, and the endpoint's key.
_BASE, _PATH, _KEY = samples.PLACEHOLDER.partition("/public/v1/leads/")
#: The key as programs write it, and as a shape in the text.
_KEYS = (_KEY, "&lt;key&gt;")
_MAIN = re.compile(r"<main>\n(.*)\n</main>", re.DOTALL)
_TITLE = re.compile(r"<h1>(.*?)</h1>", re.DOTALL)
_LINK = re.compile(r'(href|src)="([^"]*)"')
_CODE = re.compile(r"<pre><code(?! class=\"language-json\")([^>]*)>(.*?)</code></pre>", re.DOTALL)


class HelpPage(NamedTuple):
    """A page: its path below /docs/ (``guide/setup``), its title and its content, both HTML."""

    name: str
    title: SafeString
    body: str

    @property
    def fills(self) -> bool:
        """Whether an endpoint's URL belongs into it."""
        return any(key in self.body for key in _KEYS)


def load(folder: Path) -> dict[str, HelpPage]:
    """All pages below a folder, by name."""
    found = {}
    for file in sorted(folder.rglob("*.html")):
        name = file.relative_to(folder).with_suffix("").as_posix()
        body = _MAIN.search(file.read_text(encoding="utf-8"))
        title = _TITLE.search(body[1]) if body else None
        if body and title:
            found[name] = HelpPage(name, SafeString(title[1]), body[1])
    return found


@cache
def pages() -> dict[str, HelpPage]:
    """All pages of this installation, by name. They change with the package only."""
    return load(FOLDER)


def contents() -> list[HelpPage]:
    """The pages that the guide's first page names, in its order."""
    index = pages().get(INDEX)
    links = [urljoin("/docs/guide", match[2]) for match in _LINK.finditer(index.body)] if index else []
    names = dict.fromkeys(link.removeprefix("/docs/").partition("#")[0] for link in links)
    return [pages()[name] for name in names if name in pages()]


def shown(page: HelpPage, path_of: Callable[[str], str], url: str | None) -> SafeString:
    """A page's content for the console: ``path_of`` turns names of pages into paths, ``url`` is an endpoint's URL.

    Without an endpoint the placeholder stays. Programs get a button that copies them.
    """

    def link(match: re.Match[str]) -> str:
        attribute, target = match.groups()
        if target.startswith(("#", "https:", "http:")):
            return match[0]
        path, _, fragment = urljoin(f"/docs/{page.name}", target).removeprefix("/docs/").partition("#")
        if path.startswith("images/"):
            picture = static("docs/" + path.removeprefix("images/"))
            return f'{attribute}="{escape(picture)}"'
        return f'href="{escape(path_of(path))}{"#" if fragment else ""}{fragment}"'

    numbers = iter(range(1, 1_000))

    def program(match: re.Match[str]) -> str:
        name = f"program-{next(numbers)}"
        return (
            f'<div class="program"><button type="button" class="slim" data-copy="{name}" hidden>Copy</button>'
            f'<pre tabindex="0"><code id="{name}"{match[1]}>{match[2]}</code></pre></div>'
        )

    # What scrolls sideways can be reached with the keyboard.
    body = _CODE.sub(program, _LINK.sub(link, page.body)).replace("<pre>", '<pre tabindex="0">')
    if url is not None:
        base, _, key = url.partition(_PATH)
        for placeholder, own in ((_BASE, base), *((each, key) for each in _KEYS)):
            body = body.replace(placeholder, escape(own))
    return SafeString(body)
