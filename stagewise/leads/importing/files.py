"""Files as people have them: CSV of any program, in the usual encodings, with any of the usual separators."""

from __future__ import annotations

import codecs
import csv
import os
import time
import uuid
from typing import TYPE_CHECKING, Final, NamedTuple

from django.utils.translation import gettext as _

from stagewise import spreadsheets
from stagewise.accounts.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: The largest file, in bytes; what the site lets through at all (stagewise/site/uploads.py) is a little more.
LARGEST: Final = 20 * 1024 * 1024
#: Columns of a file at most.
COLUMNS: Final = 100
#: Files that nobody needs are removed after so many seconds.
FORGOTTEN_S: Final = 86_400

_BLOCK: Final = 65_536
_SEPARATORS: Final = (",", ";", "\t", "|")
#: So many rows tell which separator it is.
_LOOKED_AT: Final = 50
#: How files begin that are no text, and what to do about it.
_OTHERS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b", b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")


class Form(NamedTuple):
    """How a file is written, and what its first row says. ``total``: rows below it with something in them."""

    encoding: str
    separator: str
    header: list[str]
    total: int


class Row(NamedTuple):
    """A row with something in it; ``number`` is what a spreadsheet shows beside it."""

    number: int
    cells: list[str]


class Unreadable(Exception):
    """The file cannot be read as it was the first time."""


def folder(data_dir: Path) -> Path:
    """Where files lie that are on their way in or out; nobody else may look in there."""
    place = data_dir / "files"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def keep(data_dir: Path, chunks: Iterable[bytes]) -> str:
    """Keep what was handed in, readable for us alone, and return its name in the folder.

    Raises :class:`ActionError` when it is too large.
    """
    name = f"{uuid.uuid4().hex}.csv"
    path = folder(data_dir) / name
    size = 0
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for chunk in chunks:
                size = _within(size + len(chunk))
                file.write(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return name


def too_large() -> ActionError:
    """What is said about a file that is too large."""
    return _refused(_("The file is larger than 20 MB. Split it, and import the parts one after the other."))


def _within(size: int) -> int:
    if size > LARGEST:
        raise too_large()
    return size


def remove(data_dir: Path, name: str) -> None:
    """Remove a file from the folder, if it is there."""
    if name:
        (folder(data_dir) / name).unlink(missing_ok=True)


def sweep(data_dir: Path, needed: set[str]) -> int:
    """Remove what lies in the folder for longer than a day and is not needed; returns how many."""
    old, gone = time.time() - FORGOTTEN_S, 0
    for path in folder(data_dir).iterdir():
        if path.is_file() and path.name not in needed and path.stat().st_mtime < old:
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def look(path: Path) -> Form:
    """Find out how the file is written; raises :class:`ActionError` for what is no table of leads."""
    encoding = _encoding(path)
    separator = _separator(path, encoding)
    header: list[str] = []
    total = 0
    number = 1
    try:
        for row in rows(path, encoding, separator):
            number = row.number + 1
            if not header:
                header = [cell.strip() for cell in row.cells]
                if len(header) > COLUMNS:
                    raise _refused(_("The file has more than %d columns.") % COLUMNS)
            else:
                total += 1
    except Unreadable:
        said = _("Row %d cannot be read: a quotation mark opens a text there and none closes it.")
        raise _refused(said % number) from None
    if not header:
        raise _refused(_("There is nothing in this file."))
    if not total:
        raise _refused(_("There is only one row in this file: the names of the columns, with no leads below."))
    return Form(encoding, separator, header, total)


def rows(path: Path, encoding: str, separator: str) -> Iterator[Row]:
    """The rows with something in them, the header first. Raises :class:`Unreadable`, ``OSError`` when it is gone.

    What our own export has put in front of a text that would have been a formula is taken away again.
    """
    with path.open(encoding=encoding, errors="replace" if encoding == "cp1252" else "strict", newline="") as file:
        first = file.readline()
        skipped = 1 if first.strip().lower().startswith("sep=") and len(first.strip()) == len("sep=;") else 0
        if not skipped:
            file.seek(0)
        reader = csv.reader(file, delimiter=separator)
        try:
            for number, cells in enumerate(reader, 1 + skipped):
                if any(cell.strip() for cell in cells):
                    yield Row(number, [spreadsheets.plain(cell) for cell in cells])
        except (csv.Error, UnicodeError) as error:
            raise Unreadable(str(error)) from error


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        beginning = file.read(4_096)
    if not beginning:
        raise _refused(_("There is nothing in this file."))
    if beginning.startswith(_OTHERS):
        raise _refused(
            _(
                "This is no CSV file. In Excel or another spreadsheet choose Save as, then CSV (UTF-8),"
                " and hand that file in."
            )
        )
    if beginning.startswith(codecs.BOM_UTF8):
        return _proved(path, "utf-8-sig")
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _proved(path, "utf-16")
    if b"\0" in beginning:
        # Text in the Latin alphabet has a zero in every other byte.
        even, odd = beginning[::2].count(0), beginning[1::2].count(0)
        return _proved(path, "utf-16-be" if even > odd else "utf-16-le")
    return "utf-8" if _is(path, "utf-8") else "cp1252"


def _proved(path: Path, encoding: str) -> str:
    if not _is(path, encoding):
        raise _refused(_("This file is no text, or a part of it is missing. Save it again as CSV (UTF-8)."))
    return encoding


def _is(path: Path, encoding: str) -> bool:
    """Whether the whole file can be read in this encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _separator(path: Path, encoding: str) -> str:
    """The one by which most of the first rows have as many cells as the header; more cells are better."""

    def fits(separator: str) -> tuple[int, int]:
        widths: list[int] = []
        try:
            for row in rows(path, encoding, separator):
                widths.append(len(row.cells))
                if len(widths) > _LOOKED_AT:
                    break
        except Unreadable:
            return (0, 0)
        if not widths or widths[0] < 2:
            return (0, 0)
        return (sum(width == widths[0] for width in widths), widths[0])

    return max(_SEPARATORS, key=fits)


def _refused(text: str) -> ActionError:
    return ActionError({"file": [text]})
