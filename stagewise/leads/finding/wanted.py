"""Filters as the database is asked: ids of stages, moments instead of days, the conditions in SQL.

The conditions speak of ``l``, a row of ``lead``, and of ``s``, its row of ``lead_search``, which may be missing.
"""

from __future__ import annotations

import datetime
import zoneinfo
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import connection

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Member
from stagewise.leads import news
from stagewise.leads.finding.bounds import Bounds, bounds_of
from stagewise.leads.models import Stage
from stagewise.leads.search import matches, terms, text_of

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace
    from stagewise.leads.finding.filters import Filters

#: Of the leads that the worker has not made searchable yet, so many are looked through one by one.
NOT_DERIVED_AT_MOST = 2_000


@dataclass(frozen=True)
class Condition:
    """Part of a WHERE, with its values."""

    sql: str
    values: tuple[Any, ...] = ()


@dataclass
class Wanted:
    """What the walkers need to know of the filters. ``nothing``: no lead can be meant."""

    workspace_id: int
    filters: Filters
    nothing: bool = False
    #: None: any stage.
    stages: list[int] | None = None
    #: The members whose leads are meant; empty: it is not asked for an owner, or for nobody.
    owners: list[int] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)
    #: Which row ids can be meant.
    bounds: Bounds = field(default_factory=Bounds)
    #: Due before this moment.
    due_before: int | None = None
    #: Leads that match the text though the index of texts does not know them yet.
    fresh_matches: list[int] = field(default_factory=list)
    #: Whether more leads than those wait to be made searchable.
    more_not_derived: bool = False
    conditions: list[Condition] = field(default_factory=list)

    @property
    def reads_search(self) -> bool:
        """Whether a condition speaks of ``s``."""
        return bool(self.terms) or self.filters.again == "before"

    def where(self, *more: Condition) -> Condition:
        """All conditions, and some more, as one."""
        every = [*self.conditions, *more]
        return Condition(" AND ".join(each.sql for each in every), tuple(v for each in every for v in each.values))


def resolve(workspace: Workspace, filters: Filters) -> Wanted:
    """Read what the filters mean for this workspace now."""
    wanted = Wanted(workspace.pk, filters)
    _resolve_stages(wanted)
    _resolve_owner(wanted)
    now = now_ms()
    zone = _zone(workspace, filters)
    _resolve_days(wanted, now, zone)
    wanted.terms = terms(filters.search)
    texts = (*wanted.terms, filters.source, filters.campaign)
    if any("\0" in text for text in texts):
        wanted.nothing = True
    if not wanted.nothing and wanted.terms:
        _look_through_not_derived(wanted)
    wanted.conditions = [*_of_the_row(wanted), *_of_the_web(filters), *_of_work(wanted, now, zone)]
    if wanted.terms:
        wanted.conditions.append(_text(wanted))
    return wanted


def _resolve_stages(wanted: Wanted) -> None:
    filters = wanted.filters
    if not (filters.stages or filters.kind or filters.lead_type is not None):
        return
    found = Stage.objects.filter(workspace_id=wanted.workspace_id)
    if filters.stages:
        found = found.filter(pk__in=filters.stages)
    if filters.kind:
        found = found.filter(kind=filters.kind)
    if filters.lead_type is not None:
        found = found.filter(lead_type_id=filters.lead_type)
    wanted.stages = list(found.order_by("lead_type_id", "position").values_list("pk", flat=True))
    wanted.nothing |= not wanted.stages


def _resolve_owner(wanted: Wanted) -> None:
    match wanted.filters.owner:
        case "" | "nobody":
            return
        case "anybody":
            members = Member.objects.filter(workspace_id=wanted.workspace_id).order_by("pk")
            wanted.owners = list(members.values_list("pk", flat=True))
        case "me":
            wanted.owners = [wanted.filters.me] if wanted.filters.me is not None else []
        case number:
            wanted.owners = [int(number)]
    wanted.nothing |= not wanted.owners


def _zone(workspace: Workspace, filters: Filters) -> datetime.tzinfo:
    try:
        return zoneinfo.ZoneInfo(filters.zone or workspace.time_zone)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return datetime.UTC


def _resolve_days(wanted: Wanted, now: int, zone: datetime.tzinfo) -> None:
    first, last = wanted.filters.days(datetime.datetime.fromtimestamp(now / 1000, zone).date())
    # What is new came within the last days.
    newest = now - news.NEW_MS + 1 if wanted.filters.fresh else None
    since = max(_known(wanted.filters.from_ms, newest, None if first is None else _start_ms(first, zone)), default=None)
    after = None if last is None else _start_ms(last + datetime.timedelta(days=1), zone)
    until = min(_known(wanted.filters.until_ms, after), default=None)
    if since is None and until is None:
        return
    wanted.bounds = bounds_of(wanted.workspace_id, since, until)
    wanted.nothing |= since is not None and until is not None and since >= until


def _known(*moments: int | None) -> list[int]:
    return [moment for moment in moments if moment is not None]


def _start_ms(day: datetime.date, zone: datetime.tzinfo) -> int:
    return int(datetime.datetime.combine(day, datetime.time(), zone).timestamp() * 1000)


#: The plus keeps planners from the index of the workspace's leads: these are few, and have an index of their own.
_NOT_DERIVED = """
SELECT id, name, email, phone, phone_e164, message FROM lead
WHERE derived_at IS NULL AND +workspace_id = %s ORDER BY id DESC LIMIT %s
"""


def _look_through_not_derived(wanted: Wanted) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_NOT_DERIVED, [wanted.workspace_id, NOT_DERIVED_AT_MOST + 1])
        rows = cursor.fetchall()
    wanted.more_not_derived = len(rows) > NOT_DERIVED_AT_MOST
    wanted.fresh_matches = [row[0] for row in rows[:NOT_DERIVED_AT_MOST] if matches(text_of(*row[1:]), wanted.terms)]


def _of_the_row(wanted: Wanted) -> list[Condition]:
    filters, bounds = wanted.filters, wanted.bounds
    found = [Condition("l.workspace_id = %s", (wanted.workspace_id,))]
    if wanted.stages is not None:
        found.append(Condition(f"l.stage_id IN ({numbers(wanted.stages)})"))
    if filters.owner == "nobody":
        found.append(Condition("l.owner_id IS NULL"))
    elif filters.owner == "anybody":
        found.append(Condition("l.owner_id IS NOT NULL"))
    elif wanted.owners:
        found.append(Condition("l.owner_id = %s", (wanted.owners[0],)))
    if filters.endpoint is not None:
        by_hand = filters.endpoint == 0
        found.append(Condition("l.endpoint_id IS NULL") if by_hand else _equals("l.endpoint_id", filters.endpoint))
    if bounds.since is not None:
        found.append(Condition("l.created_at >= %s", (bounds.since,)))
    if bounds.until is not None:
        found.append(Condition("l.created_at < %s", (bounds.until,)))
    if filters.test:
        found.append(Condition("l.test" if filters.test == "only" else "NOT l.test"))
    if filters.fresh:
        found.append(Condition("l.changed_at IS NULL AND NOT l.test"))
    return found


def _of_the_web(filters: Filters) -> list[Condition]:
    found = []
    for column, value in (("utm_source", filters.source), ("utm_campaign", filters.campaign)):
        if value:
            # The column's name is one of the two above.
            sql = f"SELECT 1 FROM lead_attribution a WHERE a.lead_id = l.id AND a.{column} = %s"  # noqa: S608
            found.append(Condition(exists(sql), (value,)))
    if filters.again == "again":
        found.append(Condition(exists("SELECT 1 FROM lead_repeat r WHERE r.lead_id = l.id")))
    if filters.again == "before":
        # Two people with the same 64 bits would need some billions of leads.
        earlier = (
            "SELECT 1 FROM lead_search p WHERE p.workspace_id = l.workspace_id AND p.{0} = s.{0} AND p.lead_id < l.id"
        )
        phone = earlier.format("phone_key") + " AND p.phone_key IS NOT NULL"
        found.append(Condition(f"({exists(earlier.format('email_key'))} OR {exists(phone)})"))
    return found


def _of_work(wanted: Wanted, now: int, zone: datetime.tzinfo) -> list[Condition]:
    filters = wanted.filters
    found = [
        Condition(exists("SELECT 1 FROM lead_tag t WHERE t.tag_id = %s AND t.lead_id = l.id"), (tag,))
        for tag in filters.tags
    ]
    task = "SELECT 1 FROM lead_task k WHERE k.lead_id = l.id AND k.done_at IS NULL"
    match filters.due:
        case "any":
            found.append(Condition(exists(task)))
        case "none":
            found.append(Condition(f"NOT {exists(task)}"))
        case "today":
            today = datetime.datetime.fromtimestamp(now / 1000, zone).date()
            wanted.due_before = _start_ms(today + datetime.timedelta(days=1), zone)
            found.append(Condition(exists(f"{task} AND k.due_at < %s"), (wanted.due_before,)))
    return found


def _text(wanted: Wanted) -> Condition:
    contains = "strpos(s.text, %s) > 0" if connection.vendor == "postgresql" else "instr(s.text, %s) > 0"
    every = " AND ".join(contains for _ in wanted.terms)
    # Leads without a row there are among the fresh ones, or not found yet.
    fresh = f"l.id IN ({numbers(wanted.fresh_matches)})" if wanted.fresh_matches else ""
    sql = f"(({every}) OR {fresh})" if fresh else every
    return Condition(sql, tuple(wanted.terms))


def _equals(column: str, value: int) -> Condition:
    return Condition(f"{column} = %s", (value,))


def exists(select: str) -> str:
    """Whether there is such a row, asked for each lead by itself.

    The offset of nothing keeps PostgreSQL from reading all rows of the other table once, for a window of a few leads.
    """
    return f"EXISTS ({select} LIMIT 1 OFFSET 0)"


def leads_of_window(wanted: Wanted) -> str:
    """FROM: the rows ``l`` (and ``s``, where it is read) of the leads in ``seen``; WHERE begins with l.id = seen.id.

    They are looked up one by one: joined in another way, all leads would be read for a window of a few. SQLite keeps
    to the order of a CROSS JOIN; PostgreSQL takes a subquery with an offset as it stands.
    """
    if connection.vendor == "postgresql":
        text = "LEFT JOIN LATERAL (SELECT * FROM lead_search WHERE lead_id = l.id OFFSET 0) s ON TRUE"
        leads = "seen CROSS JOIN LATERAL (SELECT * FROM lead WHERE lead.id = seen.id OFFSET 0) l"
    else:
        text = "LEFT JOIN lead_search s ON s.lead_id = l.id"
        leads = "seen CROSS JOIN lead l"
    return f"{leads} {text}" if wanted.reads_search else leads


def numbers(ids: list[int]) -> str:
    """Row ids as SQL."""
    return ", ".join(str(int(each)) for each in ids)
