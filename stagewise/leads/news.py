"""Which leads are new: they came within the last days, and nobody has done anything about them yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stagewise.leads.models import Lead

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace

#: What nobody has touched for longer than this is not new, whatever else it is.
NEW_MS: Final = 7 * 86_400_000
#: So many of the newest leads are looked at: every page shows the count.
LOOKED_AT: Final = 200
#: From here on people are told "99+".
MOST: Final = 100


def count(workspace: Workspace, now: int) -> int:
    """How many leads are new ``now`` (milliseconds since 1970), but for tests; :data:`MOST` where there are more."""
    newest = Lead.objects.filter(workspace=workspace).order_by("-id")
    rows = newest.values_list("created_at", "changed_at", "test")[:LOOKED_AT]
    new = sum(changed_at is None and not test and created_at > now - NEW_MS for created_at, changed_at, test in rows)
    return min(new, MOST)


def is_new(lead: Lead, now: int) -> bool:
    """Whether this lead is one of those."""
    return lead.changed_at is None and not lead.test and lead.created_at > now - NEW_MS
