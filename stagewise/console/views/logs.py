"""Logs: every call of an endpoint, what became of it and why, and what mends it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from django.http import Http404, StreamingHttpResponse
from django.utils.translation import gettext as _

from stagewise import spreadsheets
from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Role
from stagewise.console import logs_asked, logs_chart, logs_rows
from stagewise.console.access import Seat, page
from stagewise.console.context import show
from stagewise.core.refusal import ACCEPTED, REFUSALS
from stagewise.endpoints import journal
from stagewise.endpoints import queries as endpoints
from stagewise.leads.queries import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest, HttpResponse

    from stagewise.endpoints.journal import Row

#: Columns of a file with calls.
COLUMNS = (
    "at", "outcome", "status", "endpoint", "address", "forwarded_by", "origin", "user_agent", "field_errors", "note",
    "request_id", "preflight", "count",
)  # fmt: skip


@page(read=Role.VIEWER)
def logs(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The journal, newest first: by outcome, endpoint, address, origin, request and time."""
    listed = endpoints.of_workspace(seat.workspace)
    by_id, now = {each.pk: each for each in listed}, now_ms()
    asked = logs_asked.read(request.GET, by_id, seat.zone)
    found = journal.find(seat.workspace, asked.wanted, journal.Cursor.parse(request.GET.get("before", "")))
    counts = journal.counts(seat.workspace, now)
    return show(
        request,
        seat,
        "logs.html",
        "logs",
        rows=logs_rows.dressed(seat, found.rows, listed),
        older=asked.link(before=str(found.following)) if found.following else "",
        newest=asked.link() if "before" in request.GET else None,
        looked_until=found.looked_until,
        asked=asked,
        chips=asked.chips(by_id, seat.zone),
        chart=logs_chart.chart(seat.workspace, asked, seat.zone, now),
        periods=[(word, each.label, asked.link(period=word)) for word, each in logs_asked.periods().items()],
        outcomes=_outcomes(counts),
        accepted=sum(counts.get(code, 0) for code in ACCEPTED),
        refused=sum(count for code, count in counts.items() if code in REFUSALS),
        endpoints=listed,
        query=asked.link(),
        unknown=journal.unknown_calls() if seat.owns_installation else None,
    )


@page(read=Role.VIEWER)
def logs_export(request: HttpRequest, seat: Seat, kind: str) -> HttpResponse:
    """The same calls as a file, line by line while it is read: CSV, or a list of JSON objects."""
    listed = {each.pk: each for each in endpoints.of_workspace(seat.workspace)}
    asked = logs_asked.read(request.GET, listed, seat.zone)
    names = {pk: each.name for pk, each in listed.items()}
    calls = (_as_dict(row, names) for row in journal.every(seat.workspace, asked.wanted))
    if kind == "csv":
        lines = spreadsheets.lines(COLUMNS, ([call[column] for column in COLUMNS] for call in calls))
        answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    elif kind == "json":
        answer = StreamingHttpResponse(_json_lines(calls), content_type="application/json")
    else:
        raise Http404
    answer["Content-Disposition"] = f'attachment; filename="calls.{kind}"'
    # To Django's types it is only a cousin of the others.
    return cast("HttpResponse", answer)


def _as_dict(row: Row, names: dict[int, str]) -> dict[str, Any]:
    return {
        "at": iso(row.at),
        "outcome": row.outcome.code,
        "status": row.outcome.status,
        "endpoint": names.get(row.endpoint_id, ""),
        "address": row.address,
        "forwarded_by": row.forwarded_by,
        "origin": row.origin,
        "user_agent": row.user_agent,
        "field_errors": ", ".join(f"{field}: {code}" for field, code in row.field_errors),
        "note": row.note,
        "request_id": row.request_id,
        "preflight": row.preflight,
        "count": row.count,
    }


def _json_lines(calls: Iterator[dict[str, Any]]) -> Iterator[str]:
    before = "[\n"
    for call in calls:
        yield before + json.dumps(call, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _outcomes(counts: dict[str, int]) -> list[tuple[str, str]]:
    """The outcomes to choose from: all of a kind, those of the last 24 hours, then the rest, each with its word."""
    known = [*ACCEPTED, *REFUSALS]
    ordered = sorted(known, key=lambda code: (-counts.get(code, 0), known.index(code)))
    kinds = [("refused", _("All refused calls")), ("accepted", _("All calls that were taken"))]
    return [*kinds, *((code, f"{journal.outcome_of(code, 0).word} ({code})") for code in ordered)]
