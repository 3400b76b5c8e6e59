"""What may be said after a COMMIT that was not confirmed: its answer was lost, or came with a warning."""

from __future__ import annotations

import time
from collections.abc import Sequence

from stagewise.store.records import Decision, Rows
from stagewise.store.session import Session, StoreError

#: How long the database is asked, in seconds: as long as callers have patience.
ASK_S = 4.0

#: Outcomes that say that this call has stored something.
_STORED = {"created", "test_created", "held"}
#: Outcomes that say that an earlier one has. It may be of the same batch.
_STORED_BEFORE = {"replayed", "duplicate"}


def settle(session: Session, decisions: Sequence[Decision], rows: Rows) -> list[str | None]:
    """For each decision None if it stands, otherwise the code to answer with in its place.

    It stands when the database has the batch and vouches for it. ``unavailable`` is said of what is certainly not
    stored; of leads that an earlier call may have stored nothing is certain.
    """
    wanted = rows.public_ids()
    code = "outcome_unknown"
    deadline = time.monotonic() + ASK_S
    while wanted and time.monotonic() < deadline:
        try:
            found = session.stored(wanted)
        except StoreError:
            time.sleep(0.1)
            continue
        if len(found) == len(wanted):
            return [None] * len(decisions)
        code = session.after_loss
        break
    return [_instead(decision.outcome, code) for decision in decisions]


def _instead(outcome: str, code: str) -> str | None:
    if outcome in _STORED_BEFORE:
        return "outcome_unknown"
    return code if outcome in _STORED else None
