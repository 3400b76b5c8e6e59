"""What changes on the page Integration → Stagewise API while it is open: calls, the checklist, a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse

from stagewise.accounts.clock import now_ms
from stagewise.console import find_server
from stagewise.console.mends import Mender
from stagewise.core.refusal import NOTES
from stagewise.endpoints import checklist
from stagewise.leads.models import Lead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest

    from stagewise.console.access import Seat
    from stagewise.console.mends import Mend
    from stagewise.endpoints.models import Endpoint
    from stagewise.endpoints.recent import Seen

#: So many calls are shown.
SHOWN: Final = 12
#: Of two calls at once the one with the lower row id may be written later. So rows that are younger than this are sent
#: once more with the next answer; the page drops what it has.
_SETTLED_MS: Final = 2_000


def live(
    request: HttpRequest, seat: Seat, endpoint: Endpoint, calls: Sequence[Seen], after: int | None = None
) -> dict[str, Any]:
    """The context of these parts. ``calls`` are the newest, newest first; ``after``: only those after this row id."""
    fresh = [each for each in calls[:SHOWN] if after is None or each.id > after]
    settled = now_ms() - _SETTLED_MS
    cursor = max((each.id for each in calls if each.row.at <= settled), default=after or 0)
    return {
        "calls": dressed(seat, endpoint, fresh),
        "cursor": max(cursor, after or 0),
        "since_opened": after is not None,
        "checklist": checklist.ticked(endpoint),
        "search": find_server.current(request, endpoint),
    }


def dressed(seat: Seat, endpoint: Endpoint, calls: Sequence[Seen]) -> list[dict[str, Any]]:
    """Calls as the page shows them: with what mends them, the lead that they made, and notes in words."""
    mender = Mender(seat, [endpoint])
    page = reverse("endpoint", args=[seat.workspace.slug, endpoint.pk])
    wanted = [each.row.lead_id for each in calls if each.row.lead_id is not None]
    leads = dict(Lead.objects.filter(workspace=seat.workspace, id__in=wanted).values_list("id", "public_id"))
    return [
        {
            "id": each.id,
            "row": each.row,
            "lead": leads.get(each.row.lead_id or 0),
            "note": "" if each.row.note == "test" else NOTES.get(each.row.note, each.row.note),
            "test": each.row.note == "test" or each.row.outcome.code == "test_created",
            "mends": [mend for mend in mender.mends_for(each.row) if _is_here(mend, page)],
        }
        for each in calls
    ]


def _is_here(mend: Mend, page: str) -> bool:
    """Whether a mend leads somewhere, or acts on this endpoint, so that it comes back to this page."""
    return mend.fields is None or mend.url.startswith(page)
