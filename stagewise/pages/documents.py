"""The documentation as public pages: Markdown files below docs/, rendered once and linked with each other.

A page is served where its file lies: ``docs/guide/setup.md`` as ``/docs/guide/setup``, a folder's ``README.md`` as the
folder itself. Links between files become relative links between pages, so that any path prefix works.
"""

from __future__ import annotations

import html
import posixpath
import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

#: Files directly below docs/ that are for those who change or run Stagewise, not for those who send leads to it.
NOT_PUBLISHED = {"README", "architecture", "benchmarks", "console-design"}

#: The pages hold no script and load one style sheet of ours.
_FRAME = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="stylesheet" href="{style}">
</head>
<body>
<header><a href="{guide}">Stagewise · guide</a> <a href="{errors}">When a call is refused</a></header>
<main>
{body}
</main>
</body>
</html>
"""

#: As code hosts read it: CommonMark with tables. HTML in a text is text.
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "xhtmlOut": False}).enable("table")


class Document(NamedTuple):
    """A page to be: its file below docs/ (``guide/setup.md``), its title, and the Markdown itself."""

    file: str
    title: str
    text: str

    @property
    def path(self) -> str:
        """Where it is served, below the root: ``docs/guide/setup``."""
        return path_of(self.file)


def path_of(file: str) -> str:
    """The path, below the root, at which the page of a file below docs/ is served."""
    return posixpath.normpath(f"docs/{file.removesuffix('.md').removesuffix('README')}")


def found(source: Path) -> list[Document]:
    """The guide, and what of docs/ is for those who send leads; ``source`` is the docs folder."""
    files = [
        *sorted((source / "guide").glob("*.md")),
        *sorted(path for path in source.glob("*.md") if path.stem not in NOT_PUBLISHED),
    ]
    return [document(path.relative_to(source).as_posix(), path.read_text(encoding="utf-8")) for path in files]


def document(file: str, text: str, title: str = "") -> Document:
    """A document; unless one is given, its title is the text's first heading."""
    return Document(file, title or text.partition("\n")[0].removeprefix("# ").strip(), text)


def render(documents: Collection[Document]) -> dict[str, str]:
    """Path (``docs/guide/setup``) → HTML of every document. A link to what is no page keeps its words only."""
    known = {each.path for each in documents}
    return {each.path: _page(each, known) for each in documents}


def anchor(heading: str) -> str:
    """The anchor of a heading, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _page(document: Document, known: Collection[str]) -> str:
    return _FRAME.format(
        title=html.escape(document.title),
        style=_relative("docs/style.css", document),
        guide=_relative("docs/guide", document),
        errors=_relative("docs/errors", document),
        body=_body(document, known),
    )


def _relative(path: str, document: Document) -> str:
    """The link to a path from a page. It never ends in a dot: that would lead to a folder, with a slash at its end."""
    folder, name = posixpath.split(path)
    return posixpath.normpath(posixpath.join(posixpath.relpath(folder, posixpath.dirname(document.path)), name))


def _body(document: Document, known: Collection[str]) -> str:
    tokens = _MARKDOWN.parse(document.text)
    for heading, inline in pairwise(tokens):
        if heading.type == "heading_open" and heading.tag != "h1":
            heading.attrSet("id", anchor(inline.content))
    for token in tokens:
        token.attrs.pop("style", None)  # of aligned cells; pages have nothing inline
        if token.children:
            token.children = list(_linked(token.children, document, known))
    rendered: str = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return rendered.rstrip()


def _linked(tokens: Sequence[Token], document: Document, known: Collection[str]) -> Iterator[Token]:
    """The tokens with links between pages in place of links between files."""
    dropped = False
    for token in tokens:
        if token.type == "link_open":
            target = _target(str(token.attrs["href"]), document, known)
            dropped = target is None
            if target is not None:
                token.attrSet("href", target)
                if target.startswith("http"):
                    token.attrSet("rel", "noreferrer")
        elif token.type == "image":
            file = posixpath.join("docs", posixpath.dirname(document.file), str(token.attrs["src"]))
            source = _relative(posixpath.normpath(file), document)
            token.attrSet("src", source)
            # On a phone one wants to see it large.
            yield Token("link_open", "a", 1, attrs={"href": source})
            yield token
            yield Token("link_close", "a", -1)
            continue
        if not (dropped and token.type in {"link_open", "link_close"}):
            yield token


def _target(link: str, document: Document, known: Collection[str]) -> str | None:
    """Where a link of the page leads; None where it leads to what is no page."""
    if link.startswith(("#", "https://", "http://")):
        return link
    file, _, fragment = link.partition("#")
    path = path_of(posixpath.join(posixpath.dirname(document.file), file))
    if not file.endswith((".md", "/")) or path not in known:
        return None
    return _relative(path, document) + ("#" if fragment else "") + fragment
