"""What becomes of held leads: somebody releases or discards them, or their time is over.

Everything here begins at a workspace and public ids; ids of others, and held leads that somebody else has dealt with
meanwhile, are passed over. Of two people who click at once one does it and the other finds it done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from stagewise.accounts import audit
from stagewise.accounts.clock import now_ms
from stagewise.leads.models import HeldLead, HeldState, Lead, LeadAttribution, LeadRepeat, LeadType, Stage
from stagewise.notify import outbox
from stagewise.options.attribution import Attribution
from stagewise.options.holding import DAYS_DISCARDED, DAYS_WAITING

if TYPE_CHECKING:
    import uuid

    from stagewise.accounts.models import Workspace

_DAY_MS = 86_400_000
#: For how long a held lead stays in each state, counted from when it came or was settled.
KEPT_MS = {
    HeldState.WAITING: DAYS_WAITING * _DAY_MS,
    HeldState.DISCARDED: DAYS_DISCARDED * _DAY_MS,
    HeldState.RELEASED: DAYS_WAITING * _DAY_MS,
}

#: So many rows are written in one transaction: leads wait behind it.
_SLICE = 100


def release(workspace: Workspace, public_ids: Sequence[uuid.UUID], actor: str = "") -> list[Lead]:
    """Make leads of held ones that wait, each in a transaction of its own; returns the new leads.

    A lead keeps its id, its time and all that was sent. It stands in the first stage of its lead type, or of the
    default one if its own was archived meanwhile. It takes no slot of the limit: it took one when it was held.
    """
    made = (_release(workspace, public_id, actor) for public_id in public_ids)
    return [lead for lead in made if lead is not None]


def discard(workspace: Workspace, public_ids: Sequence[uuid.UUID], actor: str = "") -> tuple[int, int]:
    """Discard held leads that wait; returns how many, and the moment by which :func:`restore` finds them again."""
    chosen = HeldLead.objects.filter(workspace=workspace, public_id__in=public_ids)
    return _discard(workspace, chosen, actor)


def discard_all(workspace: Workspace, until: int, actor: str = "") -> tuple[int, int]:
    """Discard all held leads that wait and have a row id up to ``until``, the newest that the person saw."""
    return _discard(workspace, HeldLead.objects.filter(workspace=workspace, pk__lte=until), actor)


def restore(workspace: Workspace, public_ids: Sequence[uuid.UUID], actor: str = "") -> int:
    """Let discarded leads wait again; returns how many."""
    return _restore(workspace, HeldLead.objects.filter(workspace=workspace, public_id__in=public_ids), actor)


def restore_discarded_at(workspace: Workspace, at: int, actor: str) -> int:
    """Take back one act of discarding: what this person discarded at that moment waits again."""
    chosen = HeldLead.objects.filter(workspace=workspace, settled_at=at, settled_by=actor)
    return _restore(workspace, chosen, actor)


def expire(size: int) -> int:
    """Delete at most ``size`` held leads whose time is over; returns how many."""
    now = now_ms()
    over = Q(state=HeldState.WAITING, at__lt=now - KEPT_MS[HeldState.WAITING])
    for state in (HeldState.DISCARDED, HeldState.RELEASED):
        over |= Q(state=state, settled_at__lt=now - KEPT_MS[state])
    ids = list(HeldLead.objects.filter(over).order_by("id").values_list("id", flat=True)[:size])
    # Asked again with the condition: somebody may have restored one in between.
    return HeldLead.objects.filter(over, id__in=ids).delete()[0] if ids else 0


def _release(workspace: Workspace, public_id: uuid.UUID, actor: str) -> Lead | None:
    with transaction.atomic():
        held = (
            HeldLead.objects.select_for_update(of=("self",))
            .select_related("lead_type")
            .filter(workspace=workspace, public_id=public_id, state=HeldState.WAITING)
            .first()
        )
        if held is None:
            return None
        lead = _made_of(held)
        _write_beside(held, lead)
        now = now_ms()
        held.state, held.settled_at, held.settled_by, held.lead_id = HeldState.RELEASED, now, actor[:254], lead.pk
        held.repeat_slot = held.repeat_hash = None
        held.save(update_fields=["state", "settled_at", "settled_by", "lead_id", "repeat_slot", "repeat_hash"])
        outbox.write_of(lead, outbox.CREATED, now)
        audit.record(workspace, actor, "held.released", str(public_id))
    return lead


def _made_of(held: HeldLead) -> Lead:
    lead_type = held.lead_type
    if lead_type.archived_at is not None:
        # The last active type cannot be archived, so there is one.
        lead_type = LeadType.objects.filter(workspace_id=held.workspace_id, archived_at=None).order_by("position")[0]
    values = dict(
        workspace_id=held.workspace_id,
        public_id=held.public_id,
        endpoint_id=held.endpoint_id,
        lead_type=lead_type,
        stage=Stage.objects.filter(lead_type=lead_type, archived_at=None).order_by("position", "id")[0],
        created_at=held.at,
        released_at=now_ms(),
        **{field: getattr(held, field) for field in _AS_IT_CAME},
    )
    try:
        with transaction.atomic():
            # Repeats find the lead from now on.
            return Lead.objects.create(**values, repeat_slot=held.repeat_slot, repeat_hash=held.repeat_hash)
    except IntegrityError:
        # On PostgreSQL only one lead bears a mark, and another has it.
        return Lead.objects.create(**values)


#: What a lead takes over as it is.
_AS_IT_CAME = (
    *("name", "phone", "phone_e164", "email", "message"),
    *("address", "forwarded_by", "origin", "user_agent", "request_id"),
)


def _write_beside(held: HeldLead, lead: Lead) -> None:
    """Where it came from on the web, and how often it came again."""
    if held.attribution:
        found: dict[str, Any] = msgspec.to_builtins(msgspec.convert(held.attribution, Attribution))
        LeadAttribution.objects.create(lead=lead, workspace_id=held.workspace_id, **found)
    if held.repeats:
        LeadRepeat.objects.create(
            lead=lead, workspace_id=held.workspace_id, count=held.repeats, first_at=held.at, last_at=held.at
        )


def _discard(workspace: Workspace, chosen: QuerySet[HeldLead], actor: str) -> tuple[int, int]:
    now = now_ms()
    done = 0
    for ids in _slices(chosen.filter(state=HeldState.WAITING)):
        with transaction.atomic():
            waiting = HeldLead.objects.filter(id__in=ids, state=HeldState.WAITING)
            count = waiting.update(state=HeldState.DISCARDED, settled_at=now, settled_by=actor[:254])
            _record(workspace, actor, "held.discarded", ids, count)
        done += count
    return done, now


def _restore(workspace: Workspace, chosen: QuerySet[HeldLead], actor: str) -> int:
    done = 0
    for ids in _slices(chosen.filter(state=HeldState.DISCARDED)):
        with transaction.atomic():
            discarded = HeldLead.objects.filter(id__in=ids, state=HeldState.DISCARDED)
            count = discarded.update(state=HeldState.WAITING, settled_at=None, settled_by="")
            _record(workspace, actor, "held.restored", ids, count)
        done += count
    return done


def _slices(chosen: QuerySet[HeldLead]) -> Iterator[list[int]]:
    ids = list(chosen.order_by("id").values_list("id", flat=True))
    for start in range(0, len(ids), _SLICE):
        yield ids[start : start + _SLICE]


def _record(workspace: Workspace, actor: str, action: str, ids: list[int], count: int) -> None:
    """One audit entry for a slice: which it was, or how many."""
    if not count:
        return
    subject = f"{count} held leads"
    if len(ids) == 1:
        subject = str(HeldLead.objects.values_list("public_id", flat=True).get(id=ids[0]))
    audit.record(workspace, actor, action, subject)
