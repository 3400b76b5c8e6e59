"""The newest calls of one endpoint, for its page: each read is bounded, however many calls there are.

The journal is in order by workspace, not by endpoint. So that a quiet endpoint beside a busy one costs no long search,
only the newest calls of the workspace are looked through; what is older stands in Logs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from stagewise.core.limits import WINDOW_MS
from stagewise.endpoints import journal_rows
from stagewise.endpoints.models import Attempt

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from stagewise.endpoints.journal_rows import Row
    from stagewise.endpoints.models import Endpoint

#: So many of the workspace's newest calls are looked through.
LOOKED_THROUGH: Final = 10_000
#: So many calls of an endpoint are weighed before settings are saved.
WEIGHED: Final = 200
#: So many outcomes of a kind are looked through for one of an endpoint.
_OF_A_KIND: Final = 500

_COLUMNS: Final = ", ".join(field.column for field in Attempt._meta.local_fields)
_NEWEST_OF_A_KIND: Final = f"""
SELECT * FROM (
  SELECT * FROM (
    SELECT {_COLUMNS} FROM attempt WHERE workspace_id = %s AND outcome = %s ORDER BY id DESC LIMIT {_OF_A_KIND}
  ) newest
  WHERE endpoint_id = %s AND field_errors LIKE %s ORDER BY id DESC LIMIT 1
) one
"""  # noqa: S608 - constants


class Seen(NamedTuple):
    """A call with its row id, which says what is newer."""

    id: int
    row: Row


def newest(endpoint: Endpoint, at_most: int = WEIGHED) -> list[Seen]:
    """The endpoint's newest calls, newest first; those that only a summary counts are not among them."""
    return [_seen(each) for each in _of(endpoint).order_by("-id")[:at_most]]


def has_newer(endpoint: Endpoint, after: int) -> bool:
    """Whether a call of the endpoint came after the one with this row id."""
    return _of(endpoint, after).exists()


def by_program(endpoint: Endpoint, program: str, after: int) -> Seen | None:
    """The newest call after a row id whose program called itself exactly so (``User-Agent``)."""
    found = _of(endpoint, after).filter(user_agent=program).order_by("-id").first()
    return None if found is None else _seen(found)


def by_request(endpoint: Endpoint, request_id: str) -> Seen | None:
    """The call with this request id, if it is among the newest and its row is written already."""
    found = _of(endpoint).filter(request_id=request_id).order_by("-id").first()
    return None if found is None else _seen(found)


def last_id(endpoint: Endpoint) -> int:
    """The row id of the workspace's newest call; 0 where there is none."""
    ids = Attempt.objects.filter(workspace_id=endpoint.workspace_id).order_by("-id").values_list("id", flat=True)
    return ids.first() or 0


def newest_of_each(endpoint: Endpoint, kinds: list[tuple[str, str]]) -> list[Seen]:
    """Of each kind, (outcome, part of its field errors), the newest call of the endpoint; one query for all of them.

    Of an outcome only the newest calls of the workspace are looked through.
    """
    statement = " UNION ALL ".join([_NEWEST_OF_A_KIND] * len(kinds))
    values: list[object] = []
    for outcome, errors in kinds:
        values += [endpoint.workspace_id, outcome, endpoint.pk, f"%{errors}%"]
    return [_seen(each) for each in Attempt.objects.raw(statement, values)]


def refused_by_limit(endpoint: Endpoint, now: int) -> int:
    """How many addresses were refused by the limit within 24 hours before ``now``; of very many, only the newest."""
    refused = Attempt.objects.filter(workspace_id=endpoint.workspace_id, outcome="rate_limited").order_by("-id")
    rows = refused.values_list("endpoint_id", "at", "address", "note")[:_OF_A_KIND]
    wanted = (row for row in rows if row[0] == endpoint.pk and row[1] > now - WINDOW_MS and row[3] != "test")
    return len({address for _endpoint, _at, address, _note in wanted})


def _of(endpoint: Endpoint, after: int = 0) -> QuerySet[Attempt]:
    """The endpoint's calls after a row id, among those that are looked through."""
    of_workspace = Attempt.objects.filter(workspace_id=endpoint.workspace_id)
    ids = of_workspace.order_by("-id").values_list("id", flat=True)
    oldest = ids[LOOKED_THROUGH : LOOKED_THROUGH + 1].first() if not after else None
    if after:
        within = list(ids.filter(id__gt=after)[LOOKED_THROUGH : LOOKED_THROUGH + 1])
        oldest = within[0] if within else after
    found = of_workspace.filter(endpoint_id=endpoint.pk)
    return found if oldest is None else found.filter(id__gt=oldest)


def _seen(attempt: Attempt) -> Seen:
    return Seen(attempt.pk, journal_rows.row_of_attempt(attempt))
