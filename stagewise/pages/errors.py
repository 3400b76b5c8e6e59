"""The page behind every problem's ``type``: docs/errors/<code>.md, and an index of them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stagewise.core.refusal import REFUSALS
from stagewise.pages.documents import Document, document

if TYPE_CHECKING:
    from pathlib import Path

_INDEX = """\
# When a call is refused

Every refused call gets an answer in the same shape, `application/problem+json` after RFC 9457. Its `code` names the
reason, and its `type` leads to one of these pages, which say what happened and what to do. Which of them to look at
first, if something does not work: see [Troubleshooting](../guide/troubleshooting.md).

| Status | Code | Title |
|---|---|---|
"""


class MissingPage(Exception):
    """A refusal without a page, or a page without a refusal."""


def documents(source: Path) -> list[Document]:
    """The Markdown files in ``source`` (docs/errors), and the index that lists them.

    Raises :class:`MissingPage` unless there is exactly one file for every code in the table of refusals.
    """
    written = {path.stem: path for path in source.glob("*.md")}
    if missing := sorted(REFUSALS.keys() - written.keys()):
        raise MissingPage(f"docs/errors has no page for {', '.join(missing)}")
    if unknown := sorted(written.keys() - REFUSALS.keys()):
        raise MissingPage(f"docs/errors explains what no call is refused for: {', '.join(unknown)}")
    found = [
        document(f"errors/{code}.md", written[code].read_text(encoding="utf-8"), _title(code)) for code in REFUSALS
    ]
    return [*found, document("errors/README.md", _INDEX + _rows())]


def _title(code: str) -> str:
    refusal = REFUSALS[code]
    return f"{refusal.title} ({refusal.status}, {code})"


def _rows() -> str:
    ordered = sorted(REFUSALS.values(), key=lambda refusal: refusal.status)
    return "".join(f"| {each.status} | [`{each.code}`]({each.code}.md) | {each.title} |\n" for each in ordered)
