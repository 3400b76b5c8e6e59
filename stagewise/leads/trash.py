"""Deleted leads: listed while they can be put back, and gone for good after that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from django.db import models, transaction
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from stagewise.accounts import audit
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.leads.models import (
    DeletedLead,
    HeldLead,
    Lead,
    LeadActivity,
    LeadAttribution,
    LeadMention,
    LeadNote,
    LeadRepeat,
    LeadSearch,
    LeadTag,
    LeadTask,
)

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable, Sequence

    from django.db.models import QuerySet

    from stagewise.accounts.models import Workspace
    from stagewise.leads.models import LeadType

#: For so long a deleted lead can be put back.
DAYS_KEPT: Final = 30
KEPT_MS: Final = DAYS_KEPT * 86_400_000

#: When a deleted lead had come in, and from where, as its row says.
_CAME_AT: Final = Cast(KT("row__created_at"), models.BigIntegerField())
_ADDRESS: Final = Cast(KT("row__address"), models.TextField())

#: The tables whose rows hang on a lead, but for its notes.
_BESIDE: Final[tuple[type[models.Model], ...]] = (
    *(LeadMention, LeadTask, LeadActivity, LeadTag),
    *(LeadAttribution, LeadRepeat, LeadSearch),
)


class TrashPage(NamedTuple):
    """A page of deleted leads, newest first. ``next_before`` goes into the next call; None: this is the last page."""

    leads: list[DeletedLead]
    next_before: int | None


def page(workspace: Workspace, before: int | None = None, size: int = 50) -> TrashPage:
    """What was deleted, by keyset: row ids below ``before``. Row ids grow with the time of deletion."""
    found = DeletedLead.objects.filter(workspace=workspace, deleted_at__gte=now_ms() - KEPT_MS)
    if before is not None:
        found = found.filter(pk__lt=before)
    rows = list(found.order_by("-pk")[: size + 1])
    return TrashPage(rows[:size], rows[size - 1].pk if len(rows) > size else None)


def get(workspace: Workspace, public_id: uuid.UUID) -> DeletedLead:
    """One deleted lead of the workspace; raises ``DeletedLead.DoesNotExist``."""
    return DeletedLead.objects.get(workspace=workspace, public_id=public_id)


def went_into(deleted: Sequence[DeletedLead]) -> dict[int, Lead]:
    """The leads that some of these were merged into, by row id, as far as they are there."""
    return Lead.objects.in_bulk([each.merged_into for each in deleted if each.merged_into is not None])


def delete_for_good(workspace: Workspace, public_id: uuid.UUID, actor: str = "") -> None:
    """Remove a deleted lead and all that hung on it; raises :class:`ActionError` if it is not in the trash any more."""
    with transaction.atomic():
        kept = DeletedLead.objects.select_for_update().filter(workspace=workspace, public_id=public_id).first()
        if kept is None:
            raise ActionError({"": [_("This lead is not in the trash any more.")]})
        _remove([kept])
        audit.record(workspace, actor, "lead.deleted_for_good", str(public_id))


def expire(size: int) -> int:
    """Remove at most ``size`` deleted leads whose time is over; returns how many."""
    return _remove_some(DeletedLead.objects.filter(deleted_at__lt=now_ms() - KEPT_MS).order_by("deleted_at"), size)


def expire_of_type(lead_type: LeadType, before: int, size: int) -> int:
    """The same of leads that came before then (milliseconds since 1970): a type may keep its leads for a short time."""
    ours = DeletedLead.objects.filter(workspace_id=lead_type.workspace_id, row__lead_type_id=lead_type.pk)
    return _remove_some(ours.alias(came_at=_CAME_AT).filter(came_at__lt=before).order_by("pk"), size)


def truncate_addresses(workspace_id: int, before: int, network: Callable[[str], str], size: int) -> int:
    """Leave only the network of addresses of leads that came before then; returns how many that were."""
    ours = DeletedLead.objects.filter(workspace_id=workspace_id).alias(came_at=_CAME_AT, address=_ADDRESS)
    whole = ours.filter(came_at__lt=before).exclude(row__address=None).exclude(address="")
    rows = list(whole.exclude(address__contains="/").order_by("pk")[:size])
    for row in rows:
        with transaction.atomic():
            locked = DeletedLead.objects.select_for_update().filter(pk=row.pk).first()
            if locked is not None:  # nobody has put it back in between
                locked.row = {**locked.row, "address": network(locked.row["address"])}
                locked.save(update_fields=["row"])
    return len(rows)


def _remove_some(chosen: QuerySet[DeletedLead], size: int) -> int:
    ids = list(chosen.values_list("pk", flat=True)[:size])
    if ids:
        with transaction.atomic():
            # Locked: somebody may have put one back in between.
            _remove(list(DeletedLead.objects.select_for_update().filter(pk__in=ids)))
    return len(ids)


def _remove(deleted: Sequence[DeletedLead]) -> None:
    """Remove all that hangs on these leads, and what was kept of them, from all tables that name a lead."""
    ids = [each.lead_id for each in deleted]
    for model in _BESIDE:
        models.QuerySet(model).filter(lead_id__in=ids).delete()
    LeadNote.everything.filter(lead_id__in=ids).delete()
    HeldLead.objects.filter(public_id__in=[each.public_id for each in deleted]).delete()
    DeletedLead.objects.filter(pk__in=[each.pk for each in deleted]).delete()
