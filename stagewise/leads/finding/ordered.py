"""Walking in another order than that in which leads came: by name, by change, by what is due.

Each of these orders has an index, and leads that it says nothing about. Where few leads are meant, they are gathered
first and only they are put in order; where many are meant, the index is walked and mostly gives a page at once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

from stagewise.leads.finding.filters import CHANGED, DUE, NAME
from stagewise.leads.finding.wanted import Condition, exists, leads_of_window, numbers

if TYPE_CHECKING:
    from stagewise.leads.finding.walking import Budget
    from stagewise.leads.finding.wanted import Wanted


class Place(NamedTuple):
    """Where somebody stands in an order."""

    key: int | str
    id: int


class FoundInOrder(NamedTuple):
    """As :class:`stagewise.leads.finding.walking.Found`: leads by their places."""

    places: list[Place]
    edge: Place | None
    complete: bool


@dataclass(frozen=True)
class Order:
    """An index that leads are read along: ``key`` and ``id`` are its columns."""

    table: str
    key: str
    id: str
    #: Which rows belong to it, beside those of the workspace; and the same where a few leads are looked up.
    sql: str
    sql_of_few: str
    descending: bool
    #: What else a lead must be, so that it stands here and only once; ``seen.k`` is the key.
    lead: str
    #: What the leads are that it says nothing about.
    others: str
    #: Whether these come first.
    others_first: bool = False


_OPEN = "SELECT 1 FROM lead_task e WHERE e.lead_id = l.id AND e.done_at IS NULL"

ORDERS = {
    CHANGED: Order(
        "lead",
        "changed_at",
        "id",
        "changed_at IS NOT NULL",
        "+changed_at IS NOT NULL",
        descending=True,
        lead="1 = 1",
        others="l.changed_at IS NULL",
    ),
    NAME: Order(
        "lead_search",
        "name_key",
        "lead_id",
        "1 = 1",
        "1 = 1",
        descending=False,
        lead="l.derived_at IS NOT NULL",
        others="l.derived_at IS NULL",
        others_first=True,
    ),
    DUE: Order(
        "lead_task",
        "due_at",
        "lead_id",
        "done_at IS NULL",
        "done_at IS NULL",
        descending=False,
        lead=f"NOT {exists(f'{_OPEN} AND e.due_at < seen.k')}",
        others=f"NOT {exists(_OPEN)}",
    ),
}


class OrderedWalk:
    """A walk along the index of an order; of ``only`` these leads, where they have been gathered."""

    def __init__(self, wanted: Wanted, order: Order, budget: Budget, only: list[int] | None = None) -> None:
        self.wanted = wanted
        self.order = order
        self.budget = budget
        self.only = only
        self._where = wanted.where(Condition(order.lead))
        self._size = budget.window
        self._forward, self._backward = ("DESC", "ASC") if order.descending else ("ASC", "DESC")

    def collect(self, most: int, after: Place | None = None) -> FoundInOrder:
        """The first ``most`` leads after that place."""
        places: list[Place] = []
        while True:
            begun, size = time.monotonic(), self._size
            found, edge, count = self._look(after, size, most - len(places))
            places += found
            if len(places) >= most:
                return FoundInOrder(places, places[-1], complete=False)
            if count < size or edge is None:
                return FoundInOrder(places, edge or after, complete=True)
            after = edge
            self._size = self.budget.next_window(size, time.monotonic() - begun)
            if self.budget.is_over():
                return FoundInOrder(places, after, complete=False)

    def _look(self, after: Place | None, size: int, most: int) -> tuple[list[Place], Place | None, int]:
        """Look at a window: the leads of it that are meant, the window's last place, and how many rows it holds."""
        window, values = self._window(after, size)
        # Values are passed beside; the rest is written in this package.
        sql = f"""
        WITH seen AS MATERIALIZED ({window}),
        meant AS (
          SELECT DISTINCT seen.k AS k, l.id AS id FROM {leads_of_window(self.wanted)}
          WHERE l.id = seen.id AND {self._where.sql}
          ORDER BY seen.k {self._forward}, l.id {self._forward} LIMIT {int(most)}
        ),
        final AS (SELECT k, id FROM seen ORDER BY k {self._backward}, id {self._backward} LIMIT 1)
        SELECT 0 AS what, k, id, 0 AS many FROM meant
        UNION ALL SELECT 1, k, id, (SELECT count(*) FROM seen) FROM final
        ORDER BY what, k {self._forward}, id {self._forward}
        """  # noqa: S608
        with connection.cursor() as cursor:
            cursor.execute(sql, [*values, *self._where.values])
            rows = cursor.fetchall()
        found = [Place(row[1], row[2]) for row in rows if row[0] == 0]
        last = next(((Place(row[1], row[2]), row[3]) for row in rows if row[0] == 1), (None, 0))
        return found, *last

    def _window(self, after: Place | None, size: int) -> tuple[str, list[Any]]:
        order = self.order
        which = f"workspace_id = %s AND {order.sql}"
        if self.only is not None:
            # The pluses keep planners from the order's index: these leads are found by their ids.
            which = f"{order.id} IN ({numbers(self.only) or 'NULL'}) AND +workspace_id = %s AND {order.sql_of_few}"
        sql = f"SELECT {order.id} AS id, {order.key} AS k FROM {order.table} WHERE {which}"  # noqa: S608
        values: list[Any] = [self.wanted.workspace_id]
        if after is not None:
            sql += f" AND ({order.key}, {order.id}) {'<' if order.descending else '>'} (%s, %s)"
            values += after
        return f"{sql} ORDER BY {order.key} {self._forward}, {order.id} {self._forward} LIMIT {int(size)}", values
