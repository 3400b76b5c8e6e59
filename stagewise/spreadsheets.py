"""CSV (RFC 4180) that is safe to open in a spreadsheet, line by line."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: A cell that begins with one of these is a formula to some spreadsheet (OWASP: CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")  # noqa: RUF001


def lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The file: the header, then each row."""
    writer = csv.writer(_Echo())
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([cell(value) for value in row])


def cell(value: Any) -> str:
    """A value as a cell's text. What would be a formula gets an apostrophe in front."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def plain(text: str) -> str:
    """A cell's text without the apostrophe that :func:`cell` has put in front."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


class _Echo:
    """What ``csv`` writes into: hands each line straight back."""

    def write(self, line: str) -> str:
        return line
