"""What happened to a lead, newest first: read from where each thing is kept, so that nothing is written twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stagewise.leads.models import ActivityKind, LeadActivity, LeadNote, LeadRepeat
from stagewise.notify import figures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stagewise.leads.models import Lead
    from stagewise.notify.models import Delivery

#: So many lines are shown at first, and so many at all.
AT_MOST: Final = 200
EVER: Final = 5_000

#: Kinds beside those of :class:`ActivityKind`: it came in, was released after it had been held, came again, a channel
#: was told.
CAME: Final = "came"
RELEASED: Final = "released"
REPEATED: Final = "repeated"
DELIVERY: Final = "delivery"


class Line(NamedTuple):
    """One thing that happened. ``kind`` is an :class:`ActivityKind` or one of the constants above."""

    at: int
    kind: str
    #: Who did it: an e-mail address; empty: nobody of the workspace, or the command line.
    actor: str = ""
    #: What the kind calls for: see :class:`stagewise.leads.models.LeadActivity`.
    data: dict[str, Any] = {}
    note: LeadNote | None = None
    delivery: Delivery | None = None


def timeline(lead: Lead, at_most: int = AT_MOST) -> list[Line]:
    """The newest ``at_most`` lines of the lead, newest first, in a number of queries that does not grow with them."""
    lines = [*_beginning(lead), *_activities(lead, at_most), *_notes(lead, at_most), *_deliveries(lead)]
    lines += _repeats(lead)
    # Of what happened in the same millisecond, what it began with comes last.
    lines.sort(key=lambda line: (line.at, line.kind not in {CAME, RELEASED, ActivityKind.ADDED}), reverse=True)
    return lines[:at_most]


def _beginning(lead: Lead) -> Iterator[Line]:
    if lead.added_by is None:
        yield Line(lead.created_at, CAME)
    if lead.released_at is not None:
        yield Line(lead.released_at, RELEASED)


def _activities(lead: Lead, at_most: int) -> Iterator[Line]:
    rows = LeadActivity.objects.filter(lead_id=lead.pk).order_by("-at", "-id")
    for row in rows[:at_most]:
        yield Line(row.at, row.kind, row.actor, row.data)


def _notes(lead: Lead, at_most: int) -> Iterator[Line]:
    rows = LeadNote.objects.filter(lead_id=lead.pk).select_related("member__user").order_by("-at", "-id")
    for note in rows[:at_most]:
        yield Line(note.at, ActivityKind.NOTE, note.member.user.email if note.member else "", note=note)


def _deliveries(lead: Lead) -> Iterator[Line]:
    for delivery in figures.of_lead(lead):
        yield Line(delivery.at, DELIVERY, delivery=delivery)


def _repeats(lead: Lead) -> Iterator[Line]:
    found = LeadRepeat.objects.filter(lead_id=lead.pk).first()
    if found is not None:
        yield Line(found.last_at, REPEATED, data={"count": found.count, "first_at": found.first_at})
