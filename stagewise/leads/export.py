"""Leads as files: CSV (RFC 4180) that is safe to open in a spreadsheet, a workbook (XLSX), JSON.

Leads are read page by page, and nothing keeps more than one page: a million leads take no more memory than a thousand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import xlsxwriter

from stagewise import spreadsheets
from stagewise.leads import finding, queries
from stagewise.options import attribution

if TYPE_CHECKING:
    from pathlib import Path

    from stagewise.accounts.models import Workspace
    from stagewise.leads.finding import Cursor, Filters
    from stagewise.leads.models import Lead

COLUMNS = (
    "id", "created_at", "name", "phone", "phone_e164", "email", "message", "lead_type", "stage", "endpoint", "test",
    "owner", "tags", "forwarded_by", *attribution.NAMES,
)  # fmt: skip

#: How many leads are read at a time: no reader is open for long, however many there are.
_PAGE = 500
#: Rows of a sheet below its header; Excel knows 1,048,576 in all.
_SHEET: Final = 1_048_575
#: Characters of a cell that Excel can hold.
_CELL: Final = 32_767
#: What XML cannot hold in any spelling; the rest of the controls XlsxWriter spells out.
_NO_XML: Final = re.compile("[\ufffe\uffff\ud800-\udfff]")
#: Widths of columns in characters, where the usual one is too narrow.
_WIDTHS: Final = {"id": 38, "created_at": 26, "name": 26, "phone": 20, "phone_e164": 18, "email": 30, "message": 60}


def that_match(workspace: Workspace, filters: Filters) -> Iterator[Lead]:
    """All leads that the filters mean, page by page, the newest first whatever order they ask for."""
    after: Cursor | None = None
    while True:
        found = finding.ids(workspace, filters, after, _PAGE)
        yield from finding.load(found.ids)
        if found.following is None:
            return
        after = found.following


def chosen(workspace: Workspace, ids: Iterable[int]) -> Iterator[Lead]:
    """These leads by row id, the newest first; those of other workspaces are left out."""
    wanted = sorted(set(ids), reverse=True)
    for begin in range(0, len(wanted), _PAGE):
        page = finding.load(wanted[begin : begin + _PAGE])
        yield from (lead for lead in page if lead.workspace_id == workspace.pk)


def csv_lines(leads: Iterable[Lead]) -> Iterator[str]:
    """The file line by line. Text that would be a formula gets an apostrophe in front."""
    return spreadsheets.lines(COLUMNS, map(_row, leads))


def json_lines(leads: Iterable[Lead]) -> Iterator[str]:
    """A list of objects, one on each line."""
    before = "["
    for lead in leads:
        yield before + json.dumps(queries.as_dict(lead), ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[" else "]\n"


def write_workbook(path: Path, leads: Iterable[Lead]) -> None:
    """Write a workbook there. Cells are texts, never formulas or links; a full sheet is followed by another.

    What it needs meanwhile lies beside it.
    """
    safe = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(path, {"constant_memory": True, "tmpdir": str(path.parent), **safe})
    with book:
        bold = book.add_format({"bold": True})
        sheet, row = None, _SHEET
        for lead in leads:
            if sheet is None or row >= _SHEET:
                sheet, row = _sheet(book, bold), 0
            row += 1
            for column, value in enumerate(_row(lead)):
                if value not in {None, ""}:
                    sheet.write_string(row, column, _cell(value))
        if sheet is None:
            _sheet(book, bold)


def _sheet(book: xlsxwriter.Workbook, bold: Any) -> Any:
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(COLUMNS):
        sheet.set_column(column, column, _WIDTHS.get(name, 16))
        sheet.write_string(0, column, name, bold)
    return sheet


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _NO_XML.sub("\ufffd", str(value))[:_CELL]


def _row(lead: Lead) -> list[Any]:
    found = queries.as_dict(lead)
    found["lead_type"] = found["lead_type"]["name"]
    found["tags"] = ", ".join(found["tags"])
    found |= found.pop("attribution", {})
    return [found.get(column) for column in COLUMNS]
