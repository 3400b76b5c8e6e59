"""Reading the journal: every call of an endpoint, what became of it, and why, in words.

Detail rows and the summary rows that go on where an hour's details are full are two streams, each read by keyset; a
page merges them by time and carries how far each was read. What no index finds (an address, an origin, a request id)
is looked for in the newest calls first, and only so long: a page that found too few says how far back it has looked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Sum

from stagewise.core.refusal import ACCEPTED, REFUSALS
from stagewise.endpoints import journal_walk
from stagewise.endpoints.journal_rows import Outcome, Row, outcome_of, row_of_attempt, row_of_summary
from stagewise.endpoints.models import AttemptCounter, UnknownCall

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stagewise.accounts.models import Workspace

__all__ = ["Cursor", "Outcome", "Page", "Row", "Wanted", "outcome_of", "page", "row_of_attempt"]

_DAY_MS = 86_400_000
_CURSOR = re.compile(r"(\d{1,18})?-(?:(\d{1,15})\.(\d{1,15})\.(\d{1,18}))?", re.ASCII)

#: So many calls are read at a time for a file.
_OF_A_FILE = 500


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
    #: Where the search ended before its time: it has looked back to here, milliseconds since 1970.
    looked_until: int | None = None


@dataclass(frozen=True)
class Wanted:
    """Which calls; what is empty says nothing. Times are milliseconds since 1970, ``until`` is not in it."""

    #: A code, ``accepted`` or ``refused``.
    outcome: str = ""
    endpoint_id: int | None = None
    #: As it is kept: canonical; the server that named an address counts too.
    address: str = ""
    #: What the origin holds.
    origin: str = ""
    request_id: str = ""
    since: int | None = None
    until: int | None = None

    @property
    def outcomes(self) -> list[str] | None:
        """The codes that are meant; None: all, those that this version does not know too."""
        match self.outcome:
            case "":
                return None
            case "accepted":
                return list(ACCEPTED)
            case "refused":
                return list(REFUSALS)
        return [self.outcome]


def page(
    workspace: Workspace,
    outcome: str | None = None,
    endpoint_id: int | None = None,
    before: Cursor | None = None,
    size: int = 50,
) -> Page:
    """A page of the journal. ``outcome`` is a code; ``"refused"`` and ``"accepted"`` stand for all of the kind."""
    return find(workspace, Wanted(outcome=outcome or "", endpoint_id=endpoint_id), before, size)


def find(
    workspace: Workspace, wanted: Wanted, before: Cursor | None = None, size: int = 50, *, patient: bool = False
) -> Page:
    """The newest calls that are wanted. ``patient``: however long that takes, as for a file."""
    reached = before or Cursor()
    details = journal_walk.attempts(workspace.pk, wanted, reached.attempt, size + 1, patient=patient)
    summaries = journal_walk.summaries(workspace.pk, wanted, reached.summary, size + 1, patient=patient)
    attempts, counted, rows = details.rows, summaries.rows, list[Row]()
    while len(rows) < size and (attempts or counted):
        if not attempts and counted[0].last_at < details.looked_until:
            break
        if not counted and attempts[0].at < summaries.looked_until:
            break
        if not counted or (attempts and attempts[0].at >= counted[0].last_at):
            attempt = attempts.pop(0)
            rows.append(row_of_attempt(attempt))
            reached = reached._replace(attempt=attempt.pk)
        else:
            summary = counted.pop(0)
            rows.append(row_of_summary(summary))
            reached = reached._replace(summary=(summary.hour, summary.last_at, summary.pk))
    # A stream that was not read to its end, and has nothing left here, goes on where the search ended.
    if not attempts and details.following is not None:
        reached = reached._replace(attempt=details.following)
    if not counted and summaries.following is not None:
        reached = reached._replace(summary=summaries.following)
    ended_early = max(details.looked_until, summaries.looked_until)
    more = bool(attempts or counted or ended_early)
    return Page(rows, reached if more else None, ended_early if ended_early and len(rows) < size else None)


def every(workspace: Workspace, wanted: Wanted) -> Iterator[Row]:
    """All calls that are wanted, newest first, slice by slice: no reader is open for long, however many there are."""
    before: Cursor | None = None
    while True:
        found = find(workspace, wanted, before, _OF_A_FILE, patient=True)
        yield from found.rows
        if found.following is None:
            return
        before = found.following


def counts(workspace: Workspace, now: int) -> dict[str, int]:
    """How many calls ended how in the last 24 hours before ``now``, by outcome; to the minute."""
    rows = (
        AttemptCounter.objects.filter(workspace_id=workspace.pk, minute__gt=now - _DAY_MS)
        .values_list("outcome")
        .annotate(total=Sum("count"))
    )
    return {outcome: int(total) for outcome, total in rows}


def known(outcome: str) -> bool:
    """Whether calls can be asked for by this word."""
    return outcome in {"", "refused", "accepted"} or outcome in ACCEPTED or outcome in REFUSALS


def unknown_calls(at_most: int = 50) -> list[UnknownCall]:
    """The newest calls with a key that does not exist, for the owners of the installation."""
    return list(UnknownCall.objects.order_by("-last_at", "-id")[:at_most])
