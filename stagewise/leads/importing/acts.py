"""What people do with an import: hand a file in, say what it holds, start it, stop it, undo it; and looking at it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils.translation import gettext as _

from stagewise.accounts import audit
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError, Conflict
from stagewise.accounts.models import Member
from stagewise.leads import tags
from stagewise.leads.importing import columns, files
from stagewise.leads.importing.judging import Judge
from stagewise.leads.importing.mapping import Mapping
from stagewise.leads.models import ImportLine, ImportState, LeadImport, LineKind, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from stagewise.accounts.models import Workspace
    from stagewise.leads.importing.files import Row
    from stagewise.leads.importing.judging import Good, LeftOut

#: Rows of the preview.
PREVIEWED: Final = 20
#: What became of the rows is kept for so long after the end; until then an import can be undone.
KEPT_MS: Final = 30 * 86_400_000
#: A file that nobody starts is forgotten after this.
_UPLOADED_MS: Final = 86_400_000
#: So many files that nobody has started may lie there; a new one takes the place of the oldest.
_UPLOADED_AT_MOST: Final = 10
_PAGE: Final = 500
_UNDER_WAY: Final = (ImportState.WAITING, ImportState.RUNNING)
_ENDED: Final = (ImportState.DONE, ImportState.STOPPED)


def upload(workspace: Workspace, name: str, chunks: Iterable[bytes], actor: str, data_dir: Path) -> LeadImport:
    """Keep a file, find out how it is written, and guess what its columns hold.

    Raises :class:`ActionError` on ``file``.
    """
    path = files.keep(data_dir, chunks)
    try:
        form = files.look(files.folder(data_dir) / path)
        samples = [row.cells for row in _some(data_dir, path, form.encoding, form.separator, 5)]
        mapping = Mapping.of(form, columns.guess(form.header, samples))
        made = LeadImport.objects.create(
            workspace=workspace,
            actor=actor[:254],
            file_name=_file_name(name),
            path=path,
            mapping=mapping.as_json(),
            total=form.total,
            created_at=now_ms(),
        )
    except BaseException:
        files.remove(data_dir, path)
        raise
    uploaded = LeadImport.objects.filter(workspace=workspace, state=ImportState.UPLOADED).order_by("-pk")
    for old in uploaded[_UPLOADED_AT_MOST:]:
        discard(old, data_dir)
    return made


def choose(lead_import: LeadImport, mapping: Mapping) -> LeadImport:
    """Keep what was chosen; what is wrong with it, :meth:`Mapping.problems` says. Raises :class:`Conflict`."""
    with transaction.atomic():
        found = _locked(lead_import, ImportState.UPLOADED)
        found.mapping = mapping.as_json()
        found.save(update_fields=["mapping"])
    return found


def start(lead_import: LeadImport, actor: str = "", address: str = "") -> LeadImport:
    """Let the worker take the leads in. Raises :class:`ActionError` as long as something is wrong with the mapping."""
    with transaction.atomic():
        found = _locked(lead_import, ImportState.UPLOADED)
        mapping = Mapping.read(found.mapping)
        problems = mapping.problems() or _gone(found.workspace, mapping)
        if problems:
            raise ActionError(problems)
        if mapping.tag:
            tags.named(found.workspace, mapping.tag)
        found.state, found.actor = ImportState.WAITING, actor[:254]
        found.save(update_fields=["state", "actor"])
        rows: audit.Changes = {"rows": [None, found.total]}
        audit.record(found.workspace, actor, "import.started", found.file_name, rows, address, found.pk)
    return found


def stop(lead_import: LeadImport, actor: str, data_dir: Path, address: str = "") -> LeadImport:
    """Stop after the slice at hand; the leads that were taken in stay. One that has ended stays as it is."""
    with transaction.atomic():
        found = _locked(lead_import)
        if found.state not in _UNDER_WAY:
            return found
        found.state, found.ended_at = ImportState.STOPPED, now_ms()
        path, found.path = found.path, ""
        found.save(update_fields=["state", "ended_at", "path"])
        taken: audit.Changes = {"created": [None, found.created]}
        audit.record(found.workspace, actor, "import.stopped", found.file_name, taken, address, found.pk)
    files.remove(data_dir, path)
    return found


def undo(lead_import: LeadImport, actor: str = "", address: str = "") -> LeadImport:
    """Let the worker put the leads that it made into the trash, but for those that somebody has touched since.

    Again does nothing. Raises :class:`ActionError` when it is too late, or too early.
    """
    with transaction.atomic():
        found = _locked(lead_import)
        if found.state in {ImportState.UNDOING, ImportState.UNDONE}:
            return found
        if found.state not in _ENDED or found.ended_at is None:
            raise ActionError({"": [_("Stop the import first.")]})
        if found.ended_at < now_ms() - KEPT_MS:
            raise ActionError({"": [_("This is too long ago to be undone.")]})
        found.state, found.ended_at, found.handled, found.actor = ImportState.UNDOING, None, 0, actor[:254]
        found.save(update_fields=["state", "ended_at", "handled", "actor"])
        audit.record(found.workspace, actor, "import.undone", found.file_name, {}, address, found.pk)
    return found


def discard(lead_import: LeadImport, data_dir: Path) -> None:
    """Forget a file that was not started."""
    with transaction.atomic():
        gone = LeadImport.objects.filter(pk=lead_import.pk, state=ImportState.UPLOADED).delete()[0]
    if gone:
        files.remove(data_dir, lead_import.path)


def expire(size: int) -> int:
    """Forget files that nobody has started for a day, and at most ``size`` rows of old imports; returns how many."""
    now = now_ms()
    gone = LeadImport.objects.filter(state=ImportState.UPLOADED, created_at__lt=now - _UPLOADED_MS).delete()[0]
    old = LeadImport.objects.filter(ended_at__lt=now - KEPT_MS).order_by("pk").first()
    if old is None:
        return gone
    rows = list(ImportLine.objects.filter(lead_import=old).values_list("pk", flat=True)[:size])
    if not rows:
        return gone + old.delete()[0]
    ImportLine.objects.filter(pk__in=rows).delete()
    return gone + len(rows)


# Looking


def recent(workspace: Workspace, at_most: int = 10) -> list[LeadImport]:
    """The last imports of a workspace, newest first."""
    return list(LeadImport.objects.filter(workspace=workspace).order_by("-pk")[:at_most])


def samples(lead_import: LeadImport, data_dir: Path, at_most: int = 3) -> list[Row]:
    """The first rows of the file; none when it cannot be read any more."""
    mapping = Mapping.read(lead_import.mapping)
    try:
        return list(_some(data_dir, lead_import.path, mapping.encoding, mapping.separator, at_most))
    except (OSError, files.Unreadable):
        return []


def preview(lead_import: LeadImport, data_dir: Path) -> list[Good | LeftOut]:
    """What would become of the first rows."""
    mapping = Mapping.read(lead_import.mapping)
    return Judge(lead_import.workspace, mapping).judge(samples(lead_import, data_dir, PREVIEWED))


def left_out(lead_import: LeadImport, at_most: int | None = None) -> Iterator[ImportLine]:
    """The rows that made no lead, in their order."""
    after, left = 0, at_most
    lines = ImportLine.objects.filter(lead_import=lead_import).exclude(kind=LineKind.LEAD).order_by("row")
    while left is None or left > 0:
        page = list(lines.filter(row__gt=after)[: _PAGE if left is None else min(_PAGE, left)])
        yield from page
        if len(page) < _PAGE:
            return
        after, left = page[-1].row, None if left is None else left - len(page)


def _some(data_dir: Path, name: str, encoding: str, separator: str, at_most: int) -> Iterator[Row]:
    """The first rows below the header."""
    found = files.rows(files.folder(data_dir) / name, encoding, separator)
    next(found, None)
    for row, _number in zip(found, range(at_most), strict=False):
        yield row


def _locked(lead_import: LeadImport, state: ImportState | None = None) -> LeadImport:
    found = (
        LeadImport.objects.select_for_update(of=("self",)).select_related("workspace").filter(pk=lead_import.pk).first()
    )
    if found is None:
        raise ActionError({"": [_("This import is gone.")]})
    if state is not None and found.state != state:
        raise Conflict({"": [_("Somebody has started this import already.")]})
    return found


def _gone(workspace: Workspace, mapping: Mapping) -> dict[str, list[str]]:
    """What was chosen for all leads and is not there any more."""
    found: dict[str, list[str]] = {}
    stages = Stage.objects.filter(workspace=workspace, archived_at=None, lead_type__archived_at=None)
    if mapping.stage is not None and not stages.filter(pk=mapping.stage).exists():
        found["stage"] = [_("Choose another stage: this one is archived.")]
    people = Member.objects.filter(workspace=workspace, deactivated_at=None)
    if mapping.owner is not None and not people.filter(pk=mapping.owner).exists():
        found["owner"] = [_("Choose somebody of this workspace.")]
    return found


def _file_name(name: str) -> str:
    """The file's name without folders and controls."""
    return re.sub(r"[\x00-\x1f\x7f]", "", name.replace("\\", "/").rpartition("/")[2])[-200:] or "leads.csv"
