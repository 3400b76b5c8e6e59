"""Logs: every call of an endpoint, what became of it and why, and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.http import urlencode

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Role
from stagewise.console.access import Seat, page
from stagewise.console.context import show
from stagewise.console.mends import Mender
from stagewise.console.views.leads import number
from stagewise.core.refusal import ACCEPTED, NOTES, REFUSALS
from stagewise.endpoints import journal
from stagewise.endpoints import queries as endpoints
from stagewise.leads.models import Lead

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from stagewise.accounts.models import Workspace

#: A field's error in the owner's words; "{field}" stands before it.
FIELD_WORDS = {
    "required": "was missing",
    "blank": "was blank",
    "type": "was no text",
    "too_long": "was too long",
    "invalid_email": "was no e-mail address",
    "invalid_phone": "was no phone number",
    "invalid_text": "held characters that cannot be kept",
    "unknown_lead_type": "named no lead type in use",
}


@page(read=Role.VIEWER)
def logs(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The journal, newest first, by outcome and endpoint."""
    listed = endpoints.of_workspace(seat.workspace)
    outcome = request.GET.get("outcome", "")
    if outcome not in {"", "refused", *ACCEPTED, *REFUSALS}:
        outcome = ""
    wanted = number(request.GET.get("endpoint"))
    chosen = next((each for each in listed if each.pk == wanted), None)
    before = journal.Cursor.parse(request.GET.get("before", ""))
    found = journal.page(seat.workspace, outcome or None, chosen.pk if chosen else None, before)
    counts = journal.counts(seat.workspace, now_ms())
    kept = {name: value for name, value in (("outcome", outcome), ("endpoint", chosen.pk if chosen else "")) if value}
    return show(
        request,
        seat,
        "logs.html",
        "logs",
        rows=_dressed(seat, found.rows, Mender(seat, listed)),
        older=urlencode({**kept, "before": str(found.following)}) if found.following else "",
        newest=urlencode(kept) if "before" in request.GET else None,
        outcome=outcome,
        outcomes=_filters(counts),
        accepted=sum(counts.get(code, 0) for code in ACCEPTED),
        refused=sum(count for code, count in counts.items() if code not in ACCEPTED),
        endpoints=listed,
        chosen=chosen,
        unknown=journal.unknown_calls() if seat.owns_installation else None,
    )


def _dressed(seat: Seat, rows: list[journal.Row], mender: Mender) -> list[dict[str, object]]:
    leads = _public_ids(seat.workspace, rows)
    names = {endpoint.pk: endpoint.name for endpoint in endpoints.of_workspace(seat.workspace)}
    return [
        {
            "row": row,
            "endpoint": names.get(row.endpoint_id, ""),
            "lead": leads.get(row.lead_id or 0),
            "note": NOTES.get(row.note, row.note),
            "fields": [f"{field} {FIELD_WORDS.get(code, code)}" for field, code in row.field_errors],
            "mend": mender.mend_for(row),
        }
        for row in rows
    ]


def _public_ids(workspace: Workspace, rows: list[journal.Row]) -> dict[int, object]:
    """Row id → public id of the leads that are still there."""
    wanted = [row.lead_id for row in rows if row.lead_id is not None]
    return dict(Lead.objects.filter(workspace=workspace, id__in=wanted).values_list("id", "public_id"))


def _filters(counts: dict[str, int]) -> list[tuple[str, str]]:
    """The outcomes to choose from: those of the last 24 hours first, then the rest, each with its word."""
    known = [*ACCEPTED, *REFUSALS]
    ordered = sorted(known, key=lambda code: (-counts.get(code, 0), known.index(code)))
    return [(code, f"{journal.outcome_of(code, 0).word} ({code})") for code in ordered]
