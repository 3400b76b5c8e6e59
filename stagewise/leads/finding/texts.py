"""What an index of texts is asked for; and PostgreSQL's, which finds all at once and so has a limit of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import OperationalError, connection, transaction

if TYPE_CHECKING:
    from stagewise.leads.finding.wanted import Wanted

#: So many trigrams of what is looked for are asked for, the rarest: what they find is compared with the text itself.
_MOST_TRIGRAMS = 6
#: How rare they are is seen from so many of the newest texts.
_TEXTS_SEEN = 300
#: So many of the newest finds are handed out at once.
AT_MOST = 5_000
_INDEX_ONLY = "SET LOCAL enable_seqscan = off; SET LOCAL jit = off"
#: Which pieces of three characters the index knows, if there is one: without any, all of it would be read. In the
#: locale C only letters of ASCII have trigrams. Those with a blank are of the ends of words, which a piece of text has
#: not; those of other letters are shown as numbers.
_KNOWN = """
SELECT piece FROM unnest(%s::text[]) piece
WHERE to_regclass('lead_search_text') IS NOT NULL
  AND EXISTS (SELECT 1 FROM unnest(show_trgm(piece)) found WHERE strpos(found, ' ') = 0)
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
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_KNOWN, [trigrams(asked)])
            known = [piece for (piece,) in cursor.fetchall()]
            if not known:
                return None
            sql, values = _query(asked, rarest(known), newest=newest)
            limit = 0 if seconds is None else max(1, int(seconds * 1000))
            cursor.execute(f"SET LOCAL statement_timeout = {limit}; {_INDEX_ONLY}")
            cursor.execute(sql, [*values, wanted.workspace_id, low, high])
            ids = [int(row[0]) for row in cursor.fetchall()]
            # Within somebody else's transaction the settings would outlive this block.
            cursor.execute(_USUAL)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != "57014":  # query_canceled
            raise
        return None
    fresh = [each for each in wanted.fresh_matches if low <= each < high]
    return sorted({*ids, *fresh}, reverse=newest)[:AT_MOST]


def _query(terms: list[str], pieces: list[str], *, newest: bool) -> tuple[str, list[str]]:
    """SQL and the texts it compares with; workspace, ``low`` and ``high`` are to follow."""
    # The index is asked for the pieces alone, which it knows sooner than all that a term consists of; what they find is
    # compared with the terms, from which the empty text keeps the index.
    holds = [*("text LIKE %s" for _ in pieces), *("text || '' LIKE %s" for _ in terms)]
    # The index first, then the order: a limit would tempt the planner to read all leads from one end. The plus keeps
    # it from the indexes that begin with the workspace.
    sql = f"""
    WITH holding AS MATERIALIZED (SELECT lead_id FROM lead_search WHERE {" AND ".join(holds)} AND +workspace_id = %s)
    SELECT lead_id FROM holding WHERE lead_id >= %s AND lead_id < %s
    ORDER BY lead_id {"DESC" if newest else "ASC"} LIMIT {AT_MOST}
    """  # noqa: S608 - values are passed beside
    return sql, [f"%{_escaped(each)}%" for each in (*pieces, *terms)]


def _escaped(term: str) -> str:
    return term.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def trigrams(terms: list[str]) -> list[str]:
    """Three signs in a row of what is looked for, each once; empty where every term is shorter."""
    return list(dict.fromkeys(term[at : at + 3] for term in terms for at in range(len(term) - 2)))


def rarest(found: list[str]) -> list[str]:
    """The rarest of the trigrams: reading a long list of leads for ".co" costs time and tells nothing."""
    if len(found) <= _MOST_TRIGRAMS:
        return found
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM lead_search ORDER BY lead_id DESC LIMIT %s", [_TEXTS_SEEN])
        texts = [row[0] for row in cursor.fetchall()]
    return sorted(found, key=lambda trigram: sum(trigram in text for text in texts))[:_MOST_TRIGRAMS]


def _asked(wanted: Wanted) -> list[str]:
    return [term for term in wanted.terms if len(term) >= 3]
