"""What PostgreSQL's index of texts finds. It finds all at once, so it is asked with a limit of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import OperationalError, connection, transaction

if TYPE_CHECKING:
    from stagewise.leads.finding.wanted import Wanted

#: So many of the newest finds are handed out at once.
AT_MOST = 5_000
_INDEX_ONLY = "SET LOCAL enable_seqscan = off; SET LOCAL jit = off"
#: Whether there is an index, and a trigram for each term: without one, all of the index would be read. In the locale
#: C only letters of ASCII have trigrams. Those with a blank are of the ends of words, which a piece of text has not;
#: those of other letters are shown as numbers.
_KNOWS = """
SELECT to_regclass('lead_search_text') IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM unnest(%s::text[]) term
  WHERE NOT EXISTS (SELECT 1 FROM unnest(show_trgm(term)) found WHERE strpos(found, ' ') = 0)
)
"""
_USUAL = "SET LOCAL statement_timeout = DEFAULT; SET LOCAL enable_seqscan = DEFAULT; SET LOCAL jit = DEFAULT"


def can_ask(wanted: Wanted) -> bool:
    """Whether there is a term that the index could know, on a database that may have it."""
    return connection.vendor == "postgresql" and bool(_asked(wanted))


def found(wanted: Wanted, low: int, high: int, seconds: float | None, *, newest: bool) -> list[int] | None:
    """Ids from ``low`` to below ``high`` whose texts hold the terms: the first :data:`AT_MOST` from either end.

    None: there is no such index, or it took longer than ``seconds``.
    """
    asked = _asked(wanted)
    order = "DESC" if newest else "ASC"
    holds = " AND ".join("text LIKE %s" for _ in asked)
    # The index first, then the order: a limit would tempt the planner to read all leads from one end. The plus keeps
    # it from the indexes that begin with the workspace.
    sql = f"""
    WITH holding AS MATERIALIZED (SELECT lead_id FROM lead_search WHERE {holds} AND +workspace_id = %s)
    SELECT lead_id FROM holding WHERE lead_id >= %s AND lead_id < %s ORDER BY lead_id {order} LIMIT {AT_MOST}
    """  # noqa: S608 - values are passed beside
    values: list[int | str] = [*(f"%{_escaped(term)}%" for term in asked), wanted.workspace_id, low, high]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_KNOWS, [asked])
            if not cursor.fetchone()[0]:
                return None
            limit = 0 if seconds is None else max(1, int(seconds * 1000))
            cursor.execute(f"SET LOCAL statement_timeout = {limit}; {_INDEX_ONLY}")
            cursor.execute(sql, values)
            ids = [int(row[0]) for row in cursor.fetchall()]
            # Within somebody else's transaction the settings would outlive this block.
            cursor.execute(_USUAL)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "57014":  # query_canceled
            raise
        return None
    fresh = [each for each in wanted.fresh_matches if low <= each < high]
    return sorted({*ids, *fresh}, reverse=newest)[:AT_MOST]


def _escaped(term: str) -> str:
    return term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _asked(wanted: Wanted) -> list[str]:
    return [term for term in wanted.terms if len(term) >= 3]
