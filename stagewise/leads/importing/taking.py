"""What the worker does with imports: takes leads in, or puts them away again, a slice at a time.

A slice is one transaction: the leads, what became of the rows, and how far it has come. So a worker that is killed in
the middle loses nothing, and takes nothing twice: the next one goes on behind the last slice that was committed.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from django.db import transaction

from stagewise.accounts import audit
from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Member
from stagewise.core.ids import uuid7
from stagewise.leads import tags, working
from stagewise.leads.importing import files
from stagewise.leads.importing.judging import Good, Judge
from stagewise.leads.importing.mapping import Mapping
from stagewise.leads.models import (
    ActivityKind,
    ImportLine,
    ImportState,
    Lead,
    LeadActivity,
    LeadImport,
    LeadTag,
    LineKind,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from stagewise.leads.importing.files import Row
    from stagewise.leads.importing.judging import LeftOut

#: Leads are put away one by one, for about so long at a time, in seconds.
_SLICE_S: Final = 0.04
#: A file that lies at no worker for so long is gone: another node may have it.
_LOST_MS: Final = 86_400_000

_OPEN: Final = (ImportState.WAITING, ImportState.RUNNING, ImportState.UNDOING)


class Worked(NamedTuple):
    """Rows that were dealt with, and whether it is worth asking for another slice at once."""

    rows: int
    more: bool


_NOTHING: Final = Worked(0, more=False)


class Taker:
    """Works on the oldest import; keeps its file open from one slice to the next."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._reading: _Reading | None = None

    def work(self, size: int) -> Worked:
        """One slice of at most ``size`` rows."""
        waiting = LeadImport.objects.filter(ended_at=None, state__in=_OPEN).select_related("workspace")
        for each in waiting.order_by("pk"):
            if each.state == ImportState.UNDOING:
                return _undo_some(each, size)
            if (files.folder(self._data_dir) / each.path).is_file():
                return self._take(each, size)
            if each.created_at < now_ms() - _LOST_MS:
                _end(each, "file_gone")
        return _NOTHING

    def _take(self, each: LeadImport, size: int) -> Worked:
        reading, self._reading = self._reading, None
        try:
            if reading is None or not reading.fits(each):
                reading = _Reading(each, self._data_dir)
            rows = reading.next(size)
        except (OSError, files.Unreadable):
            _end(each, "unreadable")
            files.remove(self._data_dir, each.path)
            return _NOTHING
        ended = _take_in(each, reading, rows, last=len(rows) < size)
        if ended is None:
            return _NOTHING
        if ended:
            files.remove(self._data_dir, each.path)
        else:
            # Only now: after a failure the file is read again from where the database says.
            self._reading = reading
        return Worked(len(rows), more=not ended)


class _Reading:
    """A file, read as far as the database says."""

    def __init__(self, each: LeadImport, data_dir: Path) -> None:
        self.pk = each.pk
        self.mapping = Mapping.read(each.mapping)
        self.judge = Judge(each.workspace, self.mapping)
        self.handled = each.handled
        path = files.folder(data_dir) / each.path
        self._rows: Iterator[Row] = files.rows(path, self.mapping.encoding, self.mapping.separator)
        next(self._rows, None)
        made = set(ImportLine.objects.filter(lead_import=each, kind=LineKind.LEAD).values_list("row", flat=True))
        for row in islice(self._rows, each.handled):
            if row.number in made:
                self.judge.remember(row)

    def fits(self, each: LeadImport) -> bool:
        """Whether nobody else has dealt with rows in between."""
        return (self.pk, self.handled) == (each.pk, each.handled)

    def next(self, size: int) -> list[Row]:
        """The next rows."""
        return list(islice(self._rows, size))


def _take_in(each: LeadImport, reading: _Reading, rows: Sequence[Row], *, last: bool) -> bool | None:
    """Take these rows in; whether that was the end, or None: somebody has stopped it or was quicker."""
    judged = reading.judge.judge(rows)
    with transaction.atomic():
        now = LeadImport.objects.select_for_update(of=("self",)).select_related("workspace").get(pk=each.pk)
        if now.state not in {ImportState.WAITING, ImportState.RUNNING} or not reading.fits(now):
            return None
        made = _make_leads(now, reading.mapping, [found for found in judged if isinstance(found, Good)])
        ImportLine.objects.bulk_create([_line(now, found, made) for found in judged])
        now.handled += len(rows)
        now.created += len(made)
        now.skipped += sum(not isinstance(found, Good) and found.same for found in judged)
        now.bad_count += sum(not isinstance(found, Good) and not found.same for found in judged)
        now.state = ImportState.DONE if last else ImportState.RUNNING
        if last:
            now.ended_at, now.path = now_ms(), ""
            _tell_audit(now)
        now.save()
    reading.handled += len(rows)
    return last


def _make_leads(each: LeadImport, mapping: Mapping, found: Sequence[Good]) -> dict[int, int]:
    """The leads of these rows, as :func:`stagewise.leads.working.add` makes one: row → row id of the lead."""
    now = now_ms()
    people = Member.objects.filter(workspace=each.workspace, deactivated_at=None)
    owner = None if mapping.owner is None else people.filter(pk=mapping.owner).first()
    leads = Lead.objects.bulk_create(
        Lead(
            workspace=each.workspace,
            public_id=uuid7(now),
            lead_type_id=good.stage.lead_type_id,
            stage=good.stage,
            name=good.fields.name,
            phone=good.fields.phone,
            phone_e164=good.fields.phone_e164,
            email=good.fields.email,
            message=good.fields.message,
            created_at=now,
            owner=owner,
            added_by=each.actor,
        )
        for good in found
    )
    LeadActivity.objects.bulk_create(
        LeadActivity(
            workspace_id=each.workspace_id,
            lead=lead,
            kind=ActivityKind.ADDED,
            actor=each.actor,
            at=now,
            data={"file": each.file_name},
        )
        for lead in leads
    )
    tag = tags.known(each.workspace, mapping.tag)
    if tag is not None:
        LeadTag.objects.bulk_create(LeadTag(workspace_id=each.workspace_id, tag=tag, lead=lead) for lead in leads)
    return {good.row.number: lead.pk for good, lead in zip(found, leads, strict=True)}


def _line(each: LeadImport, found: Good | LeftOut, made: dict[int, int]) -> ImportLine:
    if isinstance(found, Good):
        return ImportLine(lead_import=each, row=found.row.number, kind=LineKind.LEAD, lead_id=made[found.row.number])
    # PostgreSQL's JSON holds no null character.
    cells = [cell.replace("\0", "\ufffd") for cell in found.row.cells]
    kind = LineKind.SAME if found.same else LineKind.BAD
    return ImportLine(
        lead_import=each, row=found.row.number, kind=kind, problems=[list(each) for each in found.problems], cells=cells
    )


def _undo_some(each: LeadImport, size: int) -> Worked:
    """Put some more of its leads into the trash; those that somebody has touched stay."""
    lines = ImportLine.objects.filter(lead_import=each, kind=LineKind.LEAD, row__gt=each.handled).order_by("row")
    found = list(lines[:size])
    with transaction.atomic():
        now = LeadImport.objects.select_for_update(of=("self",)).select_related("workspace").get(pk=each.pk)
        if now.state != ImportState.UNDOING or now.handled != each.handled:
            return _NOTHING
        untouched = Lead.objects.filter(workspace=now.workspace, changed_at=None)
        done, end = 0, time.monotonic() + _SLICE_S
        for line in found:
            lead = untouched.filter(pk=line.lead_id or 0).first()
            if lead is not None and working.delete_lead(lead, now.actor, told=False) is not None:
                now.undone += 1
            done, now.handled = done + 1, line.row
            if time.monotonic() >= end:
                break
        ended = done == len(found) < size
        if ended:
            now.state, now.ended_at = ImportState.UNDONE, now_ms()
        now.save()
    return Worked(done, more=not ended)


def _end(each: LeadImport, problem: str) -> None:
    """Stop it, with the reason."""
    with transaction.atomic():
        now = LeadImport.objects.select_for_update(of=("self",)).select_related("workspace").get(pk=each.pk)
        if now.ended_at is None:
            now.state, now.problem, now.ended_at, now.path = ImportState.STOPPED, problem, now_ms(), ""
            now.save()
            _tell_audit(now)


def _tell_audit(each: LeadImport) -> None:
    counts: audit.Changes = {
        "created": [None, each.created],
        "skipped": [None, each.skipped],
        "bad": [None, each.bad_count],
    }
    audit.record(each.workspace, each.actor, "import.ended", each.file_name, counts, subject_id=each.pk)
