"""Test calls: ``Stagewise-Test``, for callers whom the endpoint admits.

``1`` lets every rule decide and makes a test lead: flagged, not counted, nobody notified, gone after a week. The name
of an answer forces that answer and stores nothing, so that a developer can try how the website takes each of them.
"""

from __future__ import annotations

from stagewise.core.refusal import REFUSALS

HEADER = "Stagewise-Test"

#: Every rule decides.
ORDINARY = "1"

#: Days until a test lead goes.
DAYS_KEPT = 7

#: Answers that can be forced. ``created`` is made by the rules as with ``1``.
FORCED = frozenset({"held", "duplicate", *REFUSALS})


def read(value: str) -> str:
    """What a header asks for: ``1``, the name of an answer, or ``""`` for what makes no sense."""
    value = value.strip().lower()
    if value in {ORDINARY, "created"}:
        return ORDINARY
    return value if value in FORCED else ""
