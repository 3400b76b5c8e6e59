"""Moving many leads at once, when the stage or the type that they have is archived."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from stagewise.accounts import audit
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.core.ids import uuid7
from stagewise.leads.models import ActivityKind, Lead, LeadActivity, LeadType, Stage, StageKind
from stagewise.leads.working import first_stage
from stagewise.notify import outbox
from stagewise.notify.models import Event

if TYPE_CHECKING:
    from collections.abc import Sequence

#: So many leads are moved for one click; the page says how many are left.
AT_ONCE = 5_000
#: So many in one transaction: leads that come in wait behind it.
_SLICE = 200


class Moved(NamedTuple):
    """How many were moved, and whether some are left."""

    leads: int
    more: bool


def in_stages(stages: Sequence[Stage], at_most: int = 1_000) -> int:
    """How many leads stand in these stages, counted up to ``at_most`` + 1."""
    if not stages:
        return 0
    found = Lead.objects.filter(workspace_id=stages[0].workspace_id, stage__in=stages)
    return len(found.values_list("id")[: at_most + 1])


def open_stages(lead_type: LeadType) -> list[Stage]:
    """The stages in which a lead of this type is still being worked, archived ones too."""
    return [stage for stage in lead_type.stages.all() if stage.kind == StageKind.OPEN]


def to_stage(stages: Sequence[Stage], target: Stage, actor: str = "", at_most: int = AT_ONCE) -> Moved:
    """Move the leads that stand in ``stages`` into ``target``, of their own type or of another one.

    Each gets its line in the timeline and its event, as if it had been moved alone.
    """
    if target.archived_at is not None or target.lead_type.archived_at is not None:
        raise ActionError({"to": [_("“%s” is archived. Choose another one.") % target.name]})
    if any(stage.workspace_id != target.workspace_id for stage in stages):
        raise ActionError({"to": [_("Choose a stage of this workspace.")]})
    sources = {stage.pk: stage for stage in stages if stage.pk != target.pk}
    done = 0
    while done < at_most:
        moved = _slice(sources, target, actor, min(_SLICE, at_most - done))
        done += moved
        if moved == 0:
            return Moved(done, more=False)
    return Moved(done, more=in_stages(list(sources.values()), 0) > 0)


def to_type(lead_type: LeadType, target: LeadType, actor: str = "") -> Moved:
    """Make the open leads of a type leads of another one; they begin in its first stage."""
    if target.pk == lead_type.pk:
        raise ActionError({"to": [_("Choose another lead type.")]})
    return to_stage(open_stages(lead_type), first_stage(target), actor)


def _slice(sources: dict[int, Stage], target: Stage, actor: str, size: int) -> int:
    with transaction.atomic():
        rows = Lead.objects.select_for_update(of=("self",)).filter(
            workspace_id=target.workspace_id, stage_id__in=list(sources)
        )
        leads = list(rows.order_by("id")[:size])
        if not leads:
            return 0
        now = now_ms()
        ids = [lead.pk for lead in leads]
        changed = Lead.objects.filter(id__in=ids)
        changed.update(
            stage=target, lead_type_id=target.lead_type_id, staged_at=now, changed_at=now, closed_reason=None
        )
        _tell(leads, sources, target, actor, now)
        audit.record(
            target.workspace,
            actor,
            "lead.many_moved",
            _("%(count)d leads to “%(stage)s”")
            % {
                "count": len(ids),
                "stage": target.name,
            },
        )
    return len(ids)


def _tell(leads: list[Lead], sources: dict[int, Stage], target: Stage, actor: str, now: int) -> None:
    """Write each move into its lead's timeline and, but for tests, tell the channels."""
    LeadActivity.objects.bulk_create(
        LeadActivity(
            workspace_id=lead.workspace_id,
            lead=lead,
            kind=ActivityKind.STAGE,
            actor=actor[:254],
            at=now,
            data={"from": sources[lead.stage_id].name, "to": target.name},
        )
        for lead in leads
    )
    Event.objects.bulk_create(
        Event(
            workspace_id=lead.workspace_id,
            public_id=uuid7(now),
            kind=outbox.STAGE_CHANGED,
            lead_id=lead.pk,
            data={
                "lead": str(lead.public_id),
                "stage": target.name,
                "previous_stage": sources[lead.stage_id].name,
            },
            at=now,
        )
        for lead in leads
        if not lead.test
    )
