"""Leads as CSV (RFC 4180), safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from stagewise.leads import queries
from stagewise.options import attribution

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace
    from stagewise.leads.models import Lead

COLUMNS = (
    "id", "created_at", "name", "phone", "phone_e164", "email", "message", "lead_type", "stage", "endpoint", "test",
    "forwarded_by", *attribution.NAMES,
)  # fmt: skip

#: A cell that begins with one of these is a formula to some spreadsheet (OWASP: CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")  # noqa: RUF001

#: How many leads are read at a time: no reader is open for long, however many there are.
_PAGE = 500


def newest_first(workspace: Workspace, at_most: int | None = None) -> Iterator[Lead]:
    """All leads of the workspace, page by page."""
    before: int | None = None
    left = at_most
    while left is None or left > 0:
        page = queries.page(workspace, before=before, size=_PAGE if left is None else min(_PAGE, left))
        yield from page.leads
        if page.next_before is None:
            return
        before = page.next_before
        left = None if left is None else left - len(page.leads)


def csv_lines(leads: Iterable[Lead]) -> Iterator[str]:
    """The file line by line. Text that would be a formula gets an apostrophe in front."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for lead in leads:
        found = queries.as_dict(lead)
        found["lead_type"] = found["lead_type"]["name"]
        found |= found.pop("attribution", {})
        yield writer.writerow([_cell(found.get(column)) for column in COLUMNS])


class _Echo:
    """What ``csv`` writes into: hands each line straight back."""

    def write(self, line: str) -> str:
        return line


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
