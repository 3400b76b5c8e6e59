"""Which row ids leads of a stretch of time have: leads have their ids in the order in which they came.

There is no index of times (it would be written with every lead); a search by halves in the index of ids finds the
place in some twenty steps, in one statement.
"""

from __future__ import annotations

from typing import NamedTuple

from django.db import connection

from stagewise.leads.models import Lead

#: Two leads that came at once may have their ids the other way round; clocks of nodes may differ a little.
_MARGIN_MS = 600_000
#: Of the leads that were released from holding after a stretch had ended, so many are looked at.
_RELEASED_AT_MOST = 2_000

#: The smallest id from which on all leads of the workspace came at %(at)s or later, but for those that were held.
_FIND = """
WITH RECURSIVE half(lo, hi) AS (
  SELECT
    coalesce((SELECT min(id) FROM lead WHERE workspace_id = %(workspace)s), 0),
    coalesce((SELECT max(id) FROM lead WHERE workspace_id = %(workspace)s), 0) + 1
  UNION ALL
  SELECT
    CASE WHEN {came} < %(at)s THEN (lo + hi) / 2 + 1 ELSE lo END,
    CASE WHEN {came} < %(at)s THEN hi ELSE (lo + hi) / 2 END
  FROM half WHERE lo < hi
)
SELECT min(lo) FROM half WHERE lo >= hi
"""
_CAME = """
coalesce((
  SELECT created_at FROM lead
  WHERE workspace_id = %(workspace)s AND id >= (lo + hi) / 2 AND released_at IS NULL ORDER BY id LIMIT 1
), %(at)s)
"""


class Bounds(NamedTuple):
    """``since`` ≤ came < ``until``, in milliseconds; the ids of such leads are from ``first`` to below ``end``."""

    since: int | None = None
    until: int | None = None
    first: int | None = None
    end: int | None = None
    #: Ids beyond ``end`` of leads that came in time and were held for a while.
    late: tuple[int, ...] = ()


def bounds_of(workspace_id: int, since: int | None, until: int | None) -> Bounds:
    """The bounds of a stretch of time; None: open on that side."""
    first = None if since is None else _first_id(workspace_id, since - _MARGIN_MS)
    if until is None:
        return Bounds(since, None, first)
    end = _first_id(workspace_id, until + _MARGIN_MS)
    released = Lead.objects.filter(workspace_id=workspace_id, released_at__isnull=False, created_at__lt=until)
    if since is not None:
        released = released.filter(created_at__gte=since)
    late = released.filter(pk__gte=end).order_by("-created_at").values_list("pk", flat=True)
    return Bounds(since, until, first, end, tuple(late[:_RELEASED_AT_MOST]))


def _first_id(workspace_id: int, at: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_FIND.format(came=_CAME), {"workspace": workspace_id, "at": at})
        return int(cursor.fetchone()[0])
