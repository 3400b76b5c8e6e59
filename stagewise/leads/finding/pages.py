"""The leads that somebody asked for: a page of them, how many there are, and their row ids for those who change many.

However many leads there are, each of these looks for a limited time. What was not looked at by then is said, with
the place to go on from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Prefetch

from stagewise.leads.finding import drivers
from stagewise.leads.finding.cursors import Cursor
from stagewise.leads.finding.filters import NAME, NEWEST, OLDEST
from stagewise.leads.finding.ordered import ORDERS, Order, OrderedWalk, Place
from stagewise.leads.finding.walking import Budget, Found, Walk
from stagewise.leads.finding.wanted import Condition, Wanted, resolve
from stagewise.leads.models import Lead, LeadTag, LeadTask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stagewise.accounts.models import Workspace
    from stagewise.leads.finding.filters import Filters

#: Fewer leads than this are gathered before they are put in order.
_GATHERED_AT_MOST = 2_000
#: The share of the time that gathering may take.
_GATHERING = 0.5


class LeadPage(NamedTuple):
    """A page of leads in the order that was asked for."""

    leads: list[Lead]
    #: Where the next page begins; None: this is the last.
    following: Cursor | None
    #: Time was up before the page was full: leads that came before this moment (after it, oldest first) were not
    #: looked at yet. In the other orders 0.
    looked_until: int | None = None
    #: More leads than could be looked through wait to be made searchable.
    not_searchable: bool = False


class Count(NamedTuple):
    """How many leads there are; ``exact`` is false where there are more."""

    number: int
    exact: bool


class Ids(NamedTuple):
    """Row ids, the newest first; None: there are no more after them."""

    ids: list[int]
    following: Cursor | None


class _Spot(NamedTuple):
    """A lead's place in an order of several parts."""

    part: int
    place: Place


class _Spots(NamedTuple):
    """Spots in order, where the walk came to, and whether nothing comes after it."""

    spots: list[_Spot]
    edge: _Spot | None
    complete: bool


def find(
    workspace: Workspace,
    filters: Filters,
    before: Cursor | None = None,
    size: int = 50,
    budget: Budget | None = None,
) -> LeadPage:
    """A page of leads; ``before`` is the ``following`` of the page before it.

    Each lead comes with type, stage, endpoint, owner, campaign, repeats, tags and open tasks, in a number of queries
    that does not depend on how many there are.
    """
    wanted, budget = resolve(workspace, filters), budget or Budget()
    if wanted.nothing:
        return LeadPage([], None)
    if before is not None and before.sort != filters.sort:
        before = None
    after = _Spot(before.part, Place(before.key, before.id)) if before else None
    found = (_by_id if filters.sort in {NEWEST, OLDEST} else _in_order)(wanted, after, size + 1, budget)
    last = found.spots[size - 1] if len(found.spots) > size else None if found.complete else found.edge
    following = Cursor(filters.sort, last.part, *last.place) if last else None
    early = following is not None and len(found.spots) <= size
    return LeadPage(
        load(spot.place.id for spot in found.spots[:size]),
        following,
        _looked_until(wanted, following) if following and early else None,
        wanted.more_not_derived,
    )


def count(workspace: Workspace, filters: Filters, at_most: int = 1000, budget: Budget | None = None) -> Count:
    """How many leads are meant: up to ``at_most``, and as far as they are found in time."""
    wanted = resolve(workspace, filters)
    if wanted.nothing:
        return Count(0, exact=True)
    found = Walk(wanted, budget or Budget(), newest=True).collect(at_most + 1)
    return Count(min(len(found.ids), at_most), found.complete)


def ids(
    workspace: Workspace, filters: Filters, after: Cursor | None = None, most: int = 1000, budget: Budget | None = None
) -> Ids:
    """Row ids of leads that are meant, the newest first whatever order was asked for.

    There may be fewer than ``most``, even none, and yet more to come: ``following`` says so.
    """
    wanted = resolve(workspace, filters)
    if wanted.nothing:
        return Ids([], None)
    edge = after.id if after is not None and after.sort == NEWEST else None
    found = Walk(wanted, budget or Budget(), newest=True).collect(most, edge)
    return Ids(found.ids, None if found.complete else Cursor(NEWEST, 0, found.edge, found.edge))


def load(ids: Iterable[int]) -> list[Lead]:
    """Leads by row id, in the order of the ids, with what a list shows beside them.

    Tags are in ``lead_tags`` (each with its ``tag``), tasks that are not done in ``open_tasks``, the first due first.
    """
    wanted = list(ids)
    tags = LeadTag.objects.select_related("tag").order_by("tag__name_key")
    tasks = LeadTask.objects.filter(done_at=None).select_related("member__user").order_by("due_at", "id")
    found = (
        Lead.objects.filter(pk__in=wanted)
        .select_related("lead_type", "stage", "endpoint", "owner__user", "attribution", "repeat")
        .prefetch_related(Prefetch("lead_tags", tags), Prefetch("tasks", tasks, to_attr="open_tasks"))
    )
    by_id = {lead.pk: lead for lead in found}
    return [by_id[pk] for pk in wanted if pk in by_id]


def _by_id(wanted: Wanted, after: _Spot | None, most: int, budget: Budget) -> _Spots:
    walk = Walk(wanted, budget, newest=wanted.filters.sort == NEWEST)
    return _spots(0, walk.collect(most, after.place.id if after else None))


def _spots(part: int, found: Found) -> _Spots:
    edge = _Spot(part, Place(found.edge, found.edge))
    return _Spots([_Spot(part, Place(pk, pk)) for pk in found.ids], edge, found.complete)


def _in_order(wanted: Wanted, after: _Spot | None, most: int, budget: Budget) -> _Spots:
    """The leads that one of :data:`ORDERS` knows and the others, one part after the other."""
    order = ORDERS[wanted.filters.sort]
    only = _gathered(wanted, budget)
    found = _Spots([], after, complete=True)
    for part in range(after.part if after else 0, 2):
        if _contradicts(wanted.filters, others=(part == 0) == order.others_first):
            continue
        begin = after.place if after and after.part == part else None
        left = most - len(found.spots)
        if (part == 0) == order.others_first:
            more = _others(wanted, order, part, begin, left, budget, only)
        else:
            known = OrderedWalk(wanted, order, budget, only).collect(left, begin)
            edge = _Spot(part, known.edge) if known.edge else None
            more = _Spots([_Spot(part, place) for place in known.places], edge, known.complete)
        found = _Spots([*found.spots, *more.spots], more.edge or found.edge, more.complete)
        if not found.complete:
            break
    return found


def _contradicts(filters: Filters, *, others: bool) -> bool:
    """Whether no lead of this part of the order can be meant."""
    match filters.sort:
        case "changed":
            return filters.fresh and not others
        case "due":
            return filters.due in ({"today", "any"} if others else {"none"})
    return False


def _others(
    wanted: Wanted, order: Order, part: int, begin: Place | None, most: int, budget: Budget, only: list[int] | None
) -> _Spots:
    """The leads that an order says nothing about, the newest first."""
    along = drivers.only(only) if only is not None else None
    if along is None and order is ORDERS[NAME]:
        along = drivers.not_derived(wanted)
    walk = Walk(wanted, budget, newest=True, more=(Condition(order.others),))
    return _spots(part, walk.collect(most, begin.id if begin else None, along))


def _gathered(wanted: Wanted, budget: Budget) -> list[int] | None:
    """All leads that are meant, where they are few; None: they are many, or were not found in time."""
    if not wanted.filters.chosen:
        return None
    return Walk(wanted, budget, newest=True).gather(_GATHERED_AT_MOST, _GATHERING)


def _looked_until(wanted: Wanted, edge: Cursor) -> int:
    """When the last lead came that was looked at; 0 in an order that is not of time."""
    if edge.sort not in {NEWEST, OLDEST}:
        return 0
    near = Lead.objects.filter(workspace_id=wanted.workspace_id).values_list("created_at", flat=True)
    if edge.sort == NEWEST:
        return near.filter(pk__gte=edge.id).order_by("pk").first() or 0
    return near.filter(pk__lte=edge.id).order_by("-pk").first() or 0
