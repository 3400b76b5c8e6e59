"""The page behind every problem's ``type``: docs/errors/<code>.md as HTML, and an index of them all."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import markdown

from stagewise.core.refusal import REFUSALS

if TYPE_CHECKING:
    from pathlib import Path

#: The pages hold no script and load one style sheet of ours. Links are relative, so that any path prefix works:
#: ``up`` leads to ``/docs/``, from ``/docs/errors`` (the index) as from ``/docs/errors/<code>``.
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="stylesheet" href="{up}style.css">
</head>
<body>
<header><a href="{up}errors">Stagewise · answers to calls that were refused</a></header>
<main>
{body}
</main>
</body>
</html>
"""

_INDEX = """\
# When a call is refused

Every refused call gets an answer in the same shape, `application/problem+json` after RFC 9457. Its `code` names the
reason, and its `type` leads to one of these pages, which say what happened and what to do.

| Status | Code | Title |
|---|---|---|
"""


class MissingPage(Exception):
    """A refusal without a page, or a page without a refusal."""


def pages(source: Path) -> dict[str, str]:
    """All pages as name → HTML, made from the Markdown files in ``source``; ``index`` lists them.

    Raises :class:`MissingPage` unless there is exactly one file for every code in the table of refusals.
    """
    written = {path.stem: path for path in source.glob("*.md")}
    if missing := sorted(REFUSALS.keys() - written.keys()):
        raise MissingPage(f"docs/errors has no page for {', '.join(missing)}")
    if unknown := sorted(written.keys() - REFUSALS.keys()):
        raise MissingPage(f"docs/errors explains what no call is refused for: {', '.join(unknown)}")
    found = {code: _page(_title(code), written[code].read_text(encoding="utf-8"), "../") for code in REFUSALS}
    return found | {"index": _page("When a call is refused", _INDEX + _rows(), "")}


def _title(code: str) -> str:
    refusal = REFUSALS[code]
    return f"{refusal.title} ({refusal.status}, {code})"


def _rows() -> str:
    ordered = sorted(REFUSALS.values(), key=lambda refusal: refusal.status)
    return "".join(f"| {each.status} | [`{each.code}`](errors/{each.code}.md) | {each.title} |\n" for each in ordered)


def _page(title: str, text: str, up: str) -> str:
    body = markdown.markdown(text, extensions=["fenced_code", "tables"], output_format="html")
    # The sources link to each other as files; the pages are served without an ending.
    body = re.sub(r'href="([a-z_/]+)\.md"', r'href="\1"', body)
    return _PAGE.format(title=html.escape(title), up=up, body=body)
