"""Handing leads out as a file, and writing down who took how many.

A file is made while it is sent: CSV and JSON line by line; a workbook is written to a file of its own first, because it
begins with what is known at its end. At most two are under way in a process, so that pages go on being answered.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

from django.conf import settings
from django.http import StreamingHttpResponse

from stagewise.accounts import audit
from stagewise.leads import export
from stagewise.leads.importing.files import folder

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from stagewise.accounts.models import Workspace
    from stagewise.leads.models import Lead

#: Kind → media type.
KINDS: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
#: Files under way at once; the console has four threads.
AT_ONCE: Final = 2
#: So many bytes are sent at a time, at least: a chunk for each line would cost more than the line.
_CHUNK: Final = 32_768
#: By this a spreadsheet knows that the text is UTF-8.
_BOM: Final = "\ufeff"

_places = threading.BoundedSemaphore(AT_ONCE)


class Busy(Exception):
    """As many files as may be are under way."""


class Who(NamedTuple):
    """Who takes the leads, for the audit."""

    workspace: Workspace
    actor: str
    address: str


def answer(kind: str, leads: Iterable[Lead], who: Who, asked: list[str]) -> StreamingHttpResponse:
    """The file as an answer; ``asked`` are the names of the filters, without what stands in them.

    Raises :class:`Busy`.
    """
    if not _places.acquire(blocking=False):
        raise Busy
    try:
        changes: audit.Changes = {"kind": [None, kind], "filters": [None, asked]}
        audit.record(who.workspace, who.actor, "leads.exported", kind, changes, who.address)
        response = StreamingHttpResponse(_File(kind, leads, who), content_type=KINDS[kind])
    except BaseException:
        _places.release()
        raise
    response["Content-Disposition"] = f'attachment; filename="leads.{kind}"'
    # A proxy that gathers the answer would hide that it grows.
    response["X-Accel-Buffering"] = "no"
    return response


@dataclass
class _Tally:
    """How many leads are in the file so far."""

    leads: int = 0


class _File:
    """The file in chunks. When it is closed, the audit is told how many leads were in it, and whether that was all."""

    def __init__(self, kind: str, leads: Iterable[Lead], who: Who) -> None:
        self._kind = kind
        self._who = who
        self._tally = _Tally()
        self._complete = False
        self._open = True
        self._chunks = _made(kind, _counted(leads, self._tally))

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except StopIteration:
            self._complete = True
            raise

    def close(self) -> None:
        """Give the place back; called once the answer is sent, or nobody wants it any more."""
        if not self._open:
            return
        self._open = False
        try:
            self._chunks.close()
            changes: audit.Changes = {"leads": [None, self._tally.leads], "complete": [None, self._complete]}
            audit.record(self._who.workspace, self._who.actor, "leads.export_ended", self._kind, changes)
        finally:
            _places.release()

    def __del__(self) -> None:
        """A server that never closes it gives the place back all the same."""
        if self._open:
            self._open = False
            _places.release()


def _made(kind: str, leads: Iterable[Lead]) -> Generator[bytes, None, None]:
    if kind == "csv":
        yield from _gathered(_BOM, export.csv_lines(leads))
    elif kind == "json":
        yield from _gathered("", export.json_lines(leads))
    else:
        with TemporaryDirectory(prefix="export-", dir=folder(settings.OURS.data_dir)) as place:
            path = Path(place) / "leads.xlsx"
            export.write_workbook(path, leads)
            with path.open("rb") as file:
                while block := file.read(_CHUNK):
                    yield block


def _counted(leads: Iterable[Lead], tally: _Tally) -> Iterator[Lead]:
    for lead in leads:
        tally.leads += 1
        yield lead


def _gathered(first: str, lines: Iterable[str]) -> Iterator[bytes]:
    """The lines in chunks."""
    chunk = bytearray(first.encode())
    for line in lines:
        chunk += line.encode("utf-8", "replace")
        if len(chunk) >= _CHUNK:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)
