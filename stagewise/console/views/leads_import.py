"""Leads from a file: handed in, its columns named, previewed, taken in, and undone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from django.conf import settings
from django.http import StreamingHttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from stagewise import spreadsheets
from stagewise.accounts.caller import address_of
from stagewise.accounts.errors import ActionError, Conflict
from stagewise.accounts.models import Role
from stagewise.console import import_words, toasts
from stagewise.console.access import Seat, import_for, page
from stagewise.console.context import show
from stagewise.console.views.leads import number
from stagewise.leads import notes, queries, tags
from stagewise.leads.importing import acts, files
from stagewise.leads.importing.judging import Good
from stagewise.leads.importing.mapping import SKIP, TAKE, Mapping
from stagewise.leads.models import ImportState, LeadImport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping as AnyMapping

    from django.http import HttpRequest, HttpResponse

    from stagewise.leads.importing.judging import LeftOut

#: Rows of the report on the page; all of them are in the file.
_REPORTED: Final = 50
_UNDER_WAY: Final = (ImportState.WAITING, ImportState.RUNNING, ImportState.UNDOING)


@page(read=Role.AGENT, write=Role.AGENT)
def leads_import(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Hand a file in; and the imports before it."""
    problems: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            made = _upload(request, seat)
        except ActionError as error:
            problems = error.problems
        else:
            return redirect("lead_import", slug=seat.workspace.slug, pk=made.pk)
    return show(
        request,
        seat,
        "leads_import.html",
        "leads",
        status=422 if problems else 200,
        problems=problems,
        recent=acts.recent(seat.workspace),
    )


@page(read=Role.AGENT, write=Role.AGENT)
def lead_import(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """What the file holds, with a preview; once it is started, how far it is and what could not be taken."""
    found = import_for(seat, pk)
    if found.state != ImportState.UPLOADED:
        return (
            redirect("lead_import", slug=seat.workspace.slug, pk=pk)
            if request.method == "POST"
            else _run(request, seat, found)
        )
    problems: dict[str, list[str]] = {}
    if request.method == "POST":
        mapping = _chosen(request.POST, Mapping.read(found.mapping))
        try:
            found = acts.choose(found, mapping)
            if "go" in request.POST:
                acts.start(found, seat.user.email, address_of(request))
        except Conflict as error:
            toasts.refuse(request, error)
        except ActionError as error:
            problems = error.problems
        if not problems:
            return redirect("lead_import", slug=seat.workspace.slug, pk=pk)
    return _look(request, seat, found, problems)


@page(write=Role.AGENT)
def lead_import_stop(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Stop; what was taken in stays, and can be undone."""
    acts.stop(import_for(seat, pk), seat.user.email, settings.OURS.data_dir, address_of(request))
    return redirect("lead_import", slug=seat.workspace.slug, pk=pk)


@page(write=Role.AGENT)
def lead_import_undo(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Put the leads that it made into the trash."""
    try:
        acts.undo(import_for(seat, pk), seat.user.email, address_of(request))
    except ActionError as error:
        toasts.refuse(request, error)
    return redirect("lead_import", slug=seat.workspace.slug, pk=pk)


@page(write=Role.AGENT)
def lead_import_discard(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Forget a file that was not started."""
    acts.discard(import_for(seat, pk), settings.OURS.data_dir)
    toasts.say(request, _("The file is forgotten."))
    return redirect("leads_import", slug=seat.workspace.slug)


@page(read=Role.AGENT)
def lead_import_report(_request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """The rows that made no lead as they were, with the reason in one more column, to be mended and handed in again."""
    found = import_for(seat, pk)
    width = len(Mapping.read(found.mapping).header)
    header = [*Mapping.read(found.mapping).header, _("Why it was not taken")]

    def rows() -> Iterator[list[str]]:
        for line in acts.left_out(found):
            cells = [*(line.cells or []), *[""] * width][: max(width, len(line.cells or []))]
            yield [*cells, "; ".join(import_words.reasons(line.problems or []))]

    lines = spreadsheets.lines(header, rows())
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="left-out-{found.pk}.csv"'
    # To Django's types it is only a cousin of the others.
    return cast("HttpResponse", answer)


def _upload(request: HttpRequest, seat: Seat) -> LeadImport:
    file = request.FILES.get("file")
    if getattr(request, "upload_too_large", False):
        raise files.too_large()
    if file is None:
        raise ActionError({"file": [_("Choose a file first.")]})
    return acts.upload(seat.workspace, file.name or "", file.chunks(), seat.user.email, settings.OURS.data_dir)


def _chosen(posted: AnyMapping[str, str], before: Mapping) -> Mapping:
    """The mapping as the form says it."""
    targets = [posted.get(f"column-{place}", "") for place in range(len(before.header))]
    return replace(
        before.with_targets(targets),
        stage=number(posted.get("stage")),
        owner=number(posted.get("owner")),
        tag=posted.get("tag", "").strip()[: tags.LONGEST],
        known=TAKE if posted.get("known") == TAKE else SKIP,
    )


def _look(request: HttpRequest, seat: Seat, found: LeadImport, problems: dict[str, list[str]]) -> HttpResponse:
    """The page of a file that was not started yet."""
    mapping = Mapping.read(found.mapping)
    data_dir = settings.OURS.data_dir
    missing = mapping.problems()
    samples = acts.samples(found, data_dir)
    shown = [] if missing else [_shown(each, mapping) for each in acts.preview(found, data_dir)]
    columns = [
        {
            "field": f"column-{place}",
            "name": name or _("Column %d") % (place + 1),
            "samples": [row.cells[place] for row in samples if place < len(row.cells) and row.cells[place].strip()],
            "target": mapping.targets[place],
        }
        for place, name in enumerate(mapping.header)
    ]
    return show(
        request,
        seat,
        "lead_import.html",
        "leads",
        status=422 if problems else 200,
        found=found,
        mapping=mapping,
        columns=[each for each in columns if each["target"] or each["samples"]],
        empty_columns=[each for each in columns if not (each["target"] or each["samples"])],
        targets=import_words.TARGETS.items(),
        types=queries.lead_types(seat.workspace, archived=False),
        people=notes.members_of(seat.workspace.pk),
        tags=tags.tags_of(seat.workspace),
        problems={**missing, **problems},
        rows=shown,
        good=sum(each["state"] == "good" for each in shown),
        readable=bool(samples),
    )


def _shown(each: Good | LeftOut, mapping: Mapping) -> dict[str, Any]:
    """A row of the preview."""
    if isinstance(each, Good):
        fields: dict[str, Any] = {name: getattr(each.fields, name) for name in ("name", "phone", "email", "message")}
        return {**fields, "number": each.row.number, "state": "good", "stage": each.stage, "reasons": []}
    raw = mapping.fields(each.row.cells)
    state = "off" if each.same else "bad"
    return {**raw, "number": each.row.number, "state": state, "reasons": import_words.reasons(each.problems)}


def _run(request: HttpRequest, seat: Seat, found: LeadImport) -> HttpResponse:
    """The page of an import that was started."""
    mapping = Mapping.read(found.mapping)
    width, tag = len(mapping.header), tags.known(seat.workspace, mapping.tag)
    lines = [
        {
            "row": line.row,
            "same": line.kind == "same",
            "cells": " · ".join(cell.strip() for cell in (line.cells or [])[: width + 1] if cell.strip()),
            "reasons": import_words.reasons(line.problems or []),
        }
        for line in acts.left_out(found, _REPORTED)
    ]
    return show(
        request,
        seat,
        "lead_import_run.html",
        "leads",
        found=found,
        under_way=found.state in _UNDER_WAY,
        lines=lines,
        more=max(0, found.bad_count + found.skipped - len(lines)),
        left_out=found.bad_count + found.skipped,
        problem=import_words.ended(found.problem),
        made_query=urlencode({"tag": tag.pk} if tag else {"endpoint": 0}),
        can_undo=found.state in {ImportState.DONE, ImportState.STOPPED} and found.created > 0,
        kept=found.created - found.undone,
        percent=100 * found.handled // max(1, found.total),
    )
