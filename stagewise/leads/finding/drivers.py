"""What the leads are walked along: the index that holds the fewest leads besides those that are meant.

A driver hands out row ids in order, a window at a time; what else the filters ask for is then looked up for these
leads alone. So a page costs what its windows cost, however many leads there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection

from stagewise.leads.finding import texts

if TYPE_CHECKING:
    from stagewise.leads.finding.wanted import Wanted

#: An index with fewer leads than this among the newest ones is walked from the start.
FEW = 2_000
#: The newest leads, by row id, among which is estimated how many an index holds.
_SAMPLE = 200_000
#: Lists (stages, members) longer than this are not walked one beside the other.
_MOST_LISTS = 24


@dataclass(frozen=True)
class Source:
    """Rows of a table in the order of a column that is a lead's row id: ``sql`` says which."""

    table: str
    column: str
    sql: str
    values: tuple[Any, ...] = ()

    def between(self, low: int, high: int, tail: str, what: str = "") -> tuple[str, list[Any]]:
        """The rows from ``low`` to below ``high``; ``tail`` is the order and the limit."""
        what = what or f"{self.column} AS id"
        # Tables, columns and conditions are written in this package; values are passed beside them.
        sql = f"SELECT {what} FROM {self.table} WHERE {self.sql} AND {self.column} >= %s AND {self.column} < %s {tail}"  # noqa: S608
        return sql, [*self.values, low, high]


@dataclass(frozen=True)
class Driver:
    """Some sources, walked as one."""

    sources: tuple[Source, ...]
    #: At most so many row ids are covered at once; None: the size of a window is enough. Reading an index of texts
    #: costs time for leads that it does not hand out.
    span: int | None = None

    def window(self, low: int, high: int, size: int, *, newest: bool) -> tuple[str, list[Any]]:
        """SQL of the next ``size`` ids from ``low`` to below ``high``, from the end that the walk begins at."""
        order = "DESC" if newest else "ASC"
        parts, values = [], []
        for source in self.sources:
            sql, needed = source.between(low, high, f"ORDER BY {source.column} {order} LIMIT {int(size)}")
            parts.append(sql)
            values += needed
        if len(parts) == 1:
            return parts[0], values
        # A lead may be in several of them.
        union = " UNION ".join(f"SELECT * FROM ({part}) part" for part in parts)  # noqa: S608
        return f"SELECT id FROM ({union}) parts ORDER BY id {order} LIMIT {int(size)}", values  # noqa: S608


def everything(wanted: Wanted) -> Driver:
    """All leads of the workspace."""
    return Driver((Source("lead", "id", "workspace_id = %s", (wanted.workspace_id,)),))


def only(ids: list[int]) -> Driver:
    """These leads."""
    return Driver((Source("lead", "id", f"id IN ({', '.join(str(int(each)) for each in ids) or 'NULL'})"),))


def not_derived(wanted: Wanted) -> Driver:
    """Leads that the worker has not reached yet."""
    # The plus keeps planners from the index of the workspace's leads: they are few, and have an index of their own.
    return Driver((Source("lead", "id", "derived_at IS NULL AND +workspace_id = %s", (wanted.workspace_id,)),))


def candidates(wanted: Wanted) -> list[Driver]:
    """The drivers that hold all leads that are meant, without the one of everything."""
    filters, workspace = wanted.filters, wanted.workspace_id
    found = [Driver((Source("lead_tag", "lead_id", "tag_id = %s", (tag,)),)) for tag in filters.tags]
    for column, value in (("utm_source", filters.source), ("utm_campaign", filters.campaign)):
        if value:
            among = ("lead_attribution", "lead_id", f"workspace_id = %s AND {column} = %s", (workspace, value))
            found.append(Driver((Source(*among),)))
    if filters.test == "only":
        found.append(Driver((Source("lead", "id", "test"),)))
    if filters.again == "again":
        found.append(Driver((Source("lead_repeat", "lead_id", "count > 0"),)))
    if filters.due in {"today", "any"}:
        found.append(_tasks(wanted))
    text = _text(wanted)
    found += [text] if text else []
    for column, ids in (("owner_id", wanted.owners), ("stage_id", wanted.stages)):
        if ids and len(ids) <= _MOST_LISTS:
            where = f"workspace_id = %s AND {column} = %s"
            found.append(Driver(tuple(Source("lead", "id", where, (workspace, each)) for each in ids)))
    return found


def cheapest(found: list[Driver], low: int, high: int) -> tuple[Driver | None, bool]:
    """The driver with the fewest rows among the newest ids from ``low`` to below ``high``, and whether they are few."""
    if not found:
        return None, False
    low = max(low, high - _SAMPLE)
    parts, values = [], []
    for driver in found:
        each = [source.between(low, high, "", "1 AS one") for source in driver.sources]
        rows = " UNION ALL ".join(sql for sql, _ in each)
        parts.append(f"(SELECT count(*) FROM (SELECT one FROM ({rows}) all_rows LIMIT {FEW}) few_rows)")  # noqa: S608
        values += [value for _, needed in each for value in needed]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", values)
        counts = list(cursor.fetchone())
    fewest = min(counts)
    return found[counts.index(fewest)], fewest < FEW


def _tasks(wanted: Wanted) -> Driver:
    due, values = "", [wanted.workspace_id]
    if wanted.due_before is not None:
        due = " AND due_at < %s"
        values.append(wanted.due_before)
    rows = f"(SELECT DISTINCT lead_id FROM lead_task WHERE workspace_id = %s AND done_at IS NULL{due}) open_tasks"  # noqa: S608
    return Driver((Source(rows, "lead_id", "lead_id > 0", tuple(values)),))


def _text(wanted: Wanted) -> Driver | None:
    """SQLite's index of trigrams; PostgreSQL's hands out its finds all at once (see texts.py)."""
    if connection.vendor == "postgresql" or not (asked := texts.rarest(texts.trigrams(wanted.terms))):
        return None
    match = " AND ".join('"{}"'.format(each.replace('"', '""')) for each in asked)
    sources = [Source("lead_text", "rowid", "lead_text MATCH %s", (match,))]
    sources += only(wanted.fresh_matches).sources if wanted.fresh_matches else ()
    return Driver(tuple(sources), span=500_000)
