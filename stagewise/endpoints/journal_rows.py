"""The journal in words: a call, what became of it, why, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from stagewise.core.refusal import ACCEPTED, REFUSALS

if TYPE_CHECKING:
    from stagewise.endpoints.models import Attempt, AttemptSummary

#: Outcomes whose code is no word for people.
_WORDS = {"duplicate": gettext_noop("Came again"), "test_created": gettext_noop("Test lead")}


class Outcome(NamedTuple):
    """An outcome in words. ``mend`` says what the owner can do, empty where nothing needs doing."""

    code: str
    status: int
    word: str
    in_words: str
    mend: str
    accepted: bool

    @property
    def look(self) -> str:
        """The class of its shape: taken, waiting for somebody, or refused."""
        return "wait" if self.code == "held" else "good" if self.accepted else "bad"


@dataclass(frozen=True)
class Row:
    """One call, or (``count`` > 1, ``summary``) the further calls of one kind in an hour."""

    at: int
    endpoint_id: int
    outcome: Outcome
    preflight: bool
    #: None: the address could not be read, or the calls came from many.
    address: str | None
    #: The server that named the address; None: it was the caller's own.
    forwarded_by: str | None
    address_from: str
    note: str
    origin: str
    user_agent: str
    field_errors: list[tuple[str, str]]
    request_id: str
    lead_id: int | None
    summary: bool
    count: int


def outcome_of(code: str, status: int) -> Outcome:
    """An outcome in words; one that this version does not know keeps its code."""
    if code in REFUSALS:
        refusal = REFUSALS[code]
        mend = _(refusal.mend) if refusal.mend else ""
        return Outcome(code, status, _(refusal.title), _(refusal.in_words), mend, accepted=False)
    word = _(_WORDS.get(code, code.replace("_", " ").capitalize()))
    if code in ACCEPTED:
        return Outcome(code, status, word, _(ACCEPTED[code][1]), "", accepted=True)
    return Outcome(code, status, word, "", "", accepted=200 <= status < 300)


def row_of_attempt(attempt: Attempt) -> Row:
    """A call as a row of the journal."""
    pairs = (pair.partition(":") for pair in attempt.field_errors.split(",") if pair)
    return Row(
        at=attempt.at,
        endpoint_id=attempt.endpoint_id,
        outcome=outcome_of(attempt.outcome, attempt.status),
        preflight=attempt.preflight,
        address=attempt.address,
        forwarded_by=attempt.forwarded_by,
        address_from=attempt.address_from,
        note=attempt.note,
        origin=attempt.origin or "",
        user_agent=attempt.user_agent or "",
        field_errors=[(field, code) for field, _colon, code in pairs],
        request_id=attempt.request_id,
        lead_id=attempt.lead_id,
        summary=False,
        count=1,
    )


def row_of_summary(summary: AttemptSummary) -> Row:
    """Many calls alike as a row of the journal."""
    return Row(
        at=summary.last_at,
        endpoint_id=summary.endpoint_id,
        outcome=outcome_of(summary.outcome, summary.status),
        preflight=False,
        address=summary.address or None,
        forwarded_by=None,
        address_from="",
        note="",
        origin=summary.origin,
        user_agent="",
        field_errors=[],
        request_id="",
        lead_id=None,
        summary=True,
        count=summary.count,
    )
