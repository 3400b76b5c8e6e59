"""Reading held leads: pages of them, how many wait, and what to say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import Count, Min, QuerySet

from stagewise.leads.held import KEPT_MS
from stagewise.leads.models import HeldLead, HeldState
from stagewise.leads.queries import iso
from stagewise.options.holding import DAYS_WAITING, MOST_WAITING, REASONS

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace
    from stagewise.endpoints.models import Endpoint

_DAY_MS = 86_400_000
#: Held leads that wait longer than this are probably seen by nobody.
_LONG_MS = 7 * _DAY_MS


class HeldPage(NamedTuple):
    """A page of held leads, newest first. ``next_before`` goes into the next call; None: this is the last page."""

    held: list[HeldLead]
    next_before: int | None


def of_workspace(workspace: Workspace) -> QuerySet[HeldLead]:
    """All held leads of the workspace with what pages show beside them."""
    return HeldLead.objects.filter(workspace=workspace).select_related("lead_type", "endpoint")


def page(
    workspace: Workspace, state: str = HeldState.WAITING, before: int | None = None, size: int | None = 50
) -> HeldPage:
    """Held leads in one state by keyset: row ids below ``before``; without a ``size`` all of them."""
    found = of_workspace(workspace).filter(state=state).order_by("-id")
    if before is not None:
        found = found.filter(id__lt=before)
    if size is None:
        return HeldPage(list(found), None)
    rows = list(found[: size + 1])
    return HeldPage(rows[:size], rows[size - 1].pk if len(rows) > size else None)


def waiting(workspace: Workspace) -> int:
    """How many wait for somebody to look at them."""
    return HeldLead.objects.filter(workspace=workspace, state=HeldState.WAITING).count()


def counts(workspace: Workspace) -> dict[str, int]:
    """How many there are in each state."""
    rows = HeldLead.objects.filter(workspace=workspace).values_list("state").annotate(total=Count("id")).order_by()
    found = dict(rows)
    return {state: found.get(state, 0) for state in HeldState.values}


def reasons(held: HeldLead) -> list[str]:
    """Why it is held, in the owner's words."""
    return [REASONS.get(code, code) for code in held.reasons.split(",") if code]


def deleted_at(held: HeldLead) -> int:
    """When it is deleted if nobody does anything, milliseconds since 1970."""
    begun = held.at if held.state == HeldState.WAITING or held.settled_at is None else held.settled_at
    return begun + KEPT_MS[HeldState(held.state)]


def warnings(endpoint: Endpoint, now: int) -> list[dict[str, str]]:
    """What the owner should know about held leads of an endpoint, as ``{"code", "text"}``; empty: nothing."""
    found = HeldLead.objects.filter(endpoint=endpoint, state=HeldState.WAITING).aggregate(
        count=Count("id"), oldest=Min("at")
    )
    if found["count"] >= MOST_WAITING:
        text = f"{found['count']:,} held leads wait. No more fit, so further suspicious leads are refused."
        return [{"code": "holding_full", "text": text}]
    if found["count"] and found["oldest"] < now - _LONG_MS:
        many = "1 held lead waits" if found["count"] == 1 else f"{found['count']:,} held leads wait"
        days = (now - found["oldest"]) // _DAY_MS
        text = f"{many}, the oldest for {days} days. After {DAYS_WAITING} days they are deleted, if nobody looks."
        return [{"code": "held_unseen", "text": text}]
    return []


def as_dict(held: HeldLead) -> dict[str, Any]:
    """A held lead as the command line prints it; ``reasons`` are codes, ``deleted_at`` is when its time is over."""
    return {
        "id": str(held.public_id),
        "state": held.state,
        "reasons": held.reasons.split(",") if held.reasons else [],
        "name": held.name,
        "phone": held.phone,
        "phone_e164": held.phone_e164,
        "email": held.email,
        "message": held.message,
        "lead_type": {"name": held.lead_type.name},
        "endpoint": held.endpoint.name,
        "created_at": iso(held.at),
        "deleted_at": iso(deleted_at(held)),
        "repeats": held.repeats,
        "forwarded_by": held.forwarded_by,
        "attribution": held.attribution,
    }
