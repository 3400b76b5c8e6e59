"""Reading the journal: every call of an endpoint, what became of it, and why, in words.

Detail rows and the summary rows that go on where an hour's details are full are two streams, each read by keyset; a
page merges them by time and carries how far each was read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Q, Sum

from stagewise.core.refusal import ACCEPTED, REFUSALS
from stagewise.endpoints.models import Attempt, AttemptCounter, AttemptSummary, UnknownCall

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace

_DAY_MS = 86_400_000
_CURSOR = re.compile(r"(\d{1,18})?-(?:(\d{1,15})\.(\d{1,15})\.(\d{1,18}))?", re.ASCII)


#: Outcomes whose code is no word for people.
_WORDS = {"duplicate": "Came again", "test_created": "Test lead"}


class Outcome(NamedTuple):
    """An outcome in words. ``mend`` says what the owner can do, empty where nothing needs doing."""

    code: str
    status: int
    word: str
    in_words: str
    mend: str
    accepted: bool


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


class Cursor(NamedTuple):
    """How far both streams were read; None: from the newest."""

    attempt: int | None = None
    summary: tuple[int, int, int] | None = None

    def __str__(self) -> str:
        summary = "" if self.summary is None else ".".join(map(str, self.summary))
        return f"{'' if self.attempt is None else self.attempt}-{summary}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """The cursor that ``str()`` wrote; the newest for anything else."""
        found = _CURSOR.fullmatch(text)
        if found is None:
            return cls()
        attempt, hour, last_at, row = found.groups()
        return cls(
            None if attempt is None else int(attempt),
            None if row is None else (int(hour), int(last_at), int(row)),
        )


class Page(NamedTuple):
    """Rows, newest first, and the cursor of the next page, if there is one."""

    rows: list[Row]
    following: Cursor | None


def outcome_of(code: str, status: int) -> Outcome:
    """An outcome in words; one that this version does not know keeps its code."""
    if code in REFUSALS:
        refusal = REFUSALS[code]
        return Outcome(code, status, refusal.title, refusal.in_words, refusal.mend, accepted=False)
    word = _WORDS.get(code, code.replace("_", " ").capitalize())
    if code in ACCEPTED:
        return Outcome(code, status, word, ACCEPTED[code][1], "", accepted=True)
    return Outcome(code, status, word, "", "", accepted=200 <= status < 300)


def page(
    workspace: Workspace,
    outcome: str | None = None,
    endpoint_id: int | None = None,
    before: Cursor | None = None,
    size: int = 50,
) -> Page:
    """A page of the journal. ``outcome`` is a code, ``"refused"`` stands for all that were refused."""
    before = before or Cursor()
    chosen = Q(workspace_id=workspace.pk)
    if endpoint_id is not None:
        chosen &= Q(endpoint_id=endpoint_id)
    if outcome == "refused":
        chosen &= ~Q(outcome__in=list(ACCEPTED))
    elif outcome:
        chosen &= Q(outcome=outcome)
    attempts = _attempts(chosen, before, size + 1)
    summaries = _summaries(chosen, before, size + 1)
    rows: list[Row] = []
    reached = before
    while len(rows) < size and (attempts or summaries):
        if not summaries or (attempts and attempts[0].at >= summaries[0].last_at):
            attempt = attempts.pop(0)
            rows.append(_row_of_attempt(attempt))
            reached = reached._replace(attempt=attempt.pk)
        else:
            summary = summaries.pop(0)
            rows.append(_row_of_summary(summary))
            reached = reached._replace(summary=(summary.hour, summary.last_at, summary.pk))
    return Page(rows, reached if attempts or summaries else None)


def counts(workspace: Workspace, now: int) -> dict[str, int]:
    """How many calls ended how in the last 24 hours before ``now``, by outcome; to the minute."""
    rows = (
        AttemptCounter.objects.filter(workspace_id=workspace.pk, minute__gt=now - _DAY_MS)
        .values_list("outcome")
        .annotate(total=Sum("count"))
    )
    return {outcome: int(total) for outcome, total in rows}


def unknown_calls(at_most: int = 50) -> list[UnknownCall]:
    """The newest calls with a key that does not exist, for the owners of the installation."""
    return list(UnknownCall.objects.order_by("-last_at", "-id")[:at_most])


def _attempts(chosen: Q, before: Cursor, size: int) -> list[Attempt]:
    found = Attempt.objects.filter(chosen)
    if before.attempt is not None:
        found = found.filter(id__lt=before.attempt)
    return list(found.order_by("-id")[:size])


def _summaries(chosen: Q, before: Cursor, size: int) -> list[AttemptSummary]:
    found = AttemptSummary.objects.filter(chosen)
    if before.summary is not None:
        hour, last_at, row = before.summary
        found = found.filter(
            Q(hour__lt=hour) | Q(hour=hour, last_at__lt=last_at) | Q(hour=hour, last_at=last_at, id__lt=row)
        )
    return list(found.order_by("-hour", "-last_at", "-id")[:size])


def _row_of_attempt(attempt: Attempt) -> Row:
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


def _row_of_summary(summary: AttemptSummary) -> Row:
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
