"""Calls of the journal as the page Logs shows them: with their lead, their steps, and what mends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stagewise.console.mends import Mender
from stagewise.core.refusal import NOTES
from stagewise.endpoints import decision
from stagewise.leads.models import Lead

if TYPE_CHECKING:
    import uuid

    from stagewise.accounts.models import Workspace
    from stagewise.console.access import Seat
    from stagewise.console.mends import Mend
    from stagewise.endpoints.decision import Step
    from stagewise.endpoints.journal import Row
    from stagewise.endpoints.models import Endpoint

#: A field's error in the owner's words; the field's name stands before it.
FIELD_WORDS = {
    "required": gettext_lazy("was missing"),
    "blank": gettext_lazy("was blank"),
    "type": gettext_lazy("was no text"),
    "too_long": gettext_lazy("was too long"),
    "invalid_email": gettext_lazy("was no e-mail address"),
    "invalid_phone": gettext_lazy("was no phone number"),
    "invalid_text": gettext_lazy("held characters that cannot be kept"),
    "unknown_lead_type": gettext_lazy("named no lead type in use"),
    "captcha_failed": gettext_lazy("was not solved"),
}


@dataclass(frozen=True)
class Dressed:
    """A call with all that is shown beside it."""

    row: Row
    #: Names its element, so that a swap finds it again.
    key: str
    endpoint: str
    lead: uuid.UUID | None
    note: str
    #: What was wrong with which field.
    fields: list[str]
    steps: list[Step]
    #: The mend that stands on its line: the first of its kind on the page, so that a flood is one button.
    first: Mend | None
    #: All others.
    mends: list[Mend]

    @property
    def why(self) -> str:
        """The reason in one line: the fields where they are it, else the outcome's own words."""
        # Names of fields keep their spelling, at the beginning too.
        return f"{', '.join(self.fields)}." if self.fields else self.row.outcome.in_words


def dressed(seat: Seat, rows: list[Row], endpoints: list[Endpoint]) -> list[Dressed]:
    """Rows of the workspace for the person who looks; mends that this person may not make are left out."""
    leads, mender = _public_ids(seat.workspace, rows), Mender(seat, endpoints)
    names = {endpoint.pk: endpoint.name for endpoint in endpoints}
    seen: set[tuple[str, int]] = set()
    found = []
    for place, row in enumerate(rows):
        mends = [mend for mend in mender.mends_for(row) if mend.for_all or not mend.url or seat.runs_settings]
        first = mends[0] if mends and (mends[0].label, row.endpoint_id) not in seen else None
        if first is not None:
            seen.add((first.label, row.endpoint_id))
        found.append(
            Dressed(
                row=row,
                key=f"call-{row.at}-{row.request_id[:8]}" if row.request_id.isalnum() else f"calls-{row.at}-{place}",
                endpoint=names.get(row.endpoint_id, ""),
                lead=leads.get(row.lead_id or 0),
                note=_(NOTES[row.note]) if row.note in NOTES else row.note,
                fields=[f"{field} {FIELD_WORDS.get(code, code)}" for field, code in row.field_errors],
                steps=decision.steps(row),
                first=first,
                mends=[mend for mend in mends if mend is not first],
            )
        )
    return found


def _public_ids(workspace: Workspace, rows: list[Row]) -> dict[int, uuid.UUID]:
    """Row id → public id of the leads that are still there."""
    wanted = [row.lead_id for row in rows if row.lead_id is not None]
    return dict(Lead.objects.filter(workspace=workspace, id__in=wanted).values_list("id", "public_id"))
