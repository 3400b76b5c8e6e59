"""What people do with a single lead: add it, move it, give it to somebody, change it, delete it and put it back.

Every change is one transaction: the lead, a line in its timeline, the audit entry, and the event that channels hear
of. Of two people who change the same at once the second is told; nobody overwrites anybody silently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils.translation import gettext as _

from stagewise.accounts import audit
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError, Conflict
from stagewise.accounts.models import Member
from stagewise.core import fields as core_fields
from stagewise.core import lead_types as core_lead_types
from stagewise.core.ids import uuid7
from stagewise.leads.models import (
    ActivityKind,
    DeletedLead,
    Lead,
    LeadActivity,
    LeadSearch,
    LeadType,
    Stage,
    StageKind,
)
from stagewise.leads.search import row_of
from stagewise.notify import outbox

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from stagewise.accounts.models import Workspace

#: The longest reason for winning or losing a lead.
REASON_LIMIT = 500

#: What of a lead can be corrected; the rules are those of the endpoint (stagewise/core/fields.py).
EDITABLE = ("name", "phone", "email", "message")


def add(
    workspace: Workspace, raw: Mapping[str, object], actor: str, *, owner: Member | None = None, told: bool = True
) -> Lead:
    """Add a lead by hand or from a file: the fields of the public endpoint, by its rules.

    It takes no slot of a limit. With ``told=False`` no channel hears of it, as of thousands from a file. Raises
    :class:`ActionError` by field.
    """
    checked = core_fields.check(raw)
    if isinstance(checked, list):
        raise ActionError({error.field: [_(error.detail)] for error in checked})
    with transaction.atomic():
        lead_type = _type_named(workspace, checked.lead_type_name)
        now = now_ms()
        lead = Lead.objects.create(
            workspace=workspace,
            public_id=uuid7(now),
            lead_type=lead_type,
            stage=first_stage(lead_type),
            name=checked.name,
            phone=checked.phone,
            phone_e164=checked.phone_e164,
            email=checked.email,
            message=checked.message,
            created_at=now,
            owner=owner,
            added_by=actor[:254],
        )
        write_line(lead, ActivityKind.ADDED, actor, now)
        audit.record(workspace, actor, "lead.added", str(lead.public_id))
        if told:
            outbox.write_of(lead, outbox.CREATED, now)
    return lead


def set_stage(lead: Lead, stage: Stage, actor: str = "", *, seen: int | None = None, reason: str | None = None) -> Lead:
    """Put the lead into a stage of its lead type; the stage that it stands in already changes nothing.

    ``seen`` is the id of the stage that the person saw it in: if it has left that one, :class:`Conflict` says where it
    is now. ``reason`` is why it was won or lost; it goes when the lead is open again.
    """
    with transaction.atomic():
        lead = locked(lead)
        if stage.lead_type_id != lead.lead_type_id:
            raise ActionError({"stage": [_("“%s” is no stage of this lead's type.") % stage.name]})
        if seen is not None and lead.stage_id not in {seen, stage.pk}:
            raise Conflict({"stage": [_moved_meanwhile(lead)]})
        reason = _checked_reason(reason) if stage.kind != StageKind.OPEN else None
        if stage.pk == lead.stage_id:
            if reason and reason != lead.closed_reason:
                _keep_reason(lead, reason, actor)
            return lead
        if stage.archived_at is not None:
            raise ActionError({"stage": [_("The stage “%s” is archived. Choose another one.") % stage.name]})
        before, now = lead.stage.name, now_ms()
        lead.stage, lead.staged_at, lead.closed_reason = stage, now, reason
        touch(lead, now, "stage", "staged_at", "closed_reason")
        line = {"from": before, "to": stage.name, **({"reason": reason} if reason else {})}
        write_line(lead, ActivityKind.STAGE, actor, now, line)
        outbox.write_of(lead, outbox.STAGE_CHANGED, now, {"stage": stage.name, "previous_stage": before})
        audit.record(lead.workspace, actor, "lead.stage_changed", str(lead.public_id), {"stage": [before, stage.name]})
    return lead


def set_lead_type(lead: Lead, lead_type: LeadType, actor: str = "", *, stage: Stage | None = None) -> Lead:
    """Make it a lead of another type; it stands in ``stage``, or in that type's first one."""
    with transaction.atomic():
        lead = locked(lead)
        if lead_type.workspace_id != lead.workspace_id or lead_type.archived_at is not None:
            raise ActionError({"lead_type": [_("Choose a lead type in use.")]})
        if lead_type.pk == lead.lead_type_id:
            return lead
        if stage is not None and (stage.lead_type_id != lead_type.pk or stage.archived_at is not None):
            raise ActionError({"stage": [_("“%s” is no stage of this lead's type.") % stage.name]})
        before, stage_before, now = lead.lead_type.name, lead.stage.name, now_ms()
        lead.lead_type, lead.stage = lead_type, stage or first_stage(lead_type)
        lead.staged_at, lead.closed_reason = now, None
        touch(lead, now, "lead_type", "stage", "staged_at", "closed_reason")
        write_line(lead, ActivityKind.EDITED, actor, now, {"fields": {"lead_type": [before, lead_type.name]}})
        told = {"changed": ["lead_type", "stage"], "stage": lead.stage.name, "previous_stage": stage_before}
        outbox.write_of(lead, outbox.UPDATED, now, told)
        audit.record(
            lead.workspace, actor, "lead.changed", str(lead.public_id), {"lead_type": [before, lead_type.name]}
        )
    return lead


def assign(lead: Lead, owner: Member | None, actor: str = "") -> Lead:
    """Give the lead to a member of its workspace, or to nobody."""
    with transaction.atomic():
        lead = locked(lead)
        if owner is not None and (owner.workspace_id != lead.workspace_id or owner.deactivated_at is not None):
            raise ActionError({"owner": [_("Choose somebody of this workspace.")]})
        if lead.owner_id == (owner.pk if owner else None):
            return lead
        before, after = _address(lead.owner), _address(owner)
        now = now_ms()
        lead.owner = owner
        touch(lead, now, "owner")
        write_line(lead, ActivityKind.OWNER, actor, now, {"from": before, "to": after})
        outbox.write_of(lead, outbox.ASSIGNED, now, {"owner": after, "previous_owner": before})
        audit.record(lead.workspace, actor, "lead.assigned", str(lead.public_id), {"owner": [before, after]})
    return lead


def edit(lead: Lead, raw: Mapping[str, object], actor: str = "", *, seen: int | None = None) -> Lead:
    """Correct some of :data:`EDITABLE`; what ``raw`` leaves out stays.

    ``seen`` is the ``changed_at`` (0 for none) that the person saw. What somebody else has changed since stays as it
    is now; if this person wants the same field to be something else again, :class:`Conflict` says so by field, and
    nothing is saved. Raises :class:`ActionError` by field.
    """
    with transaction.atomic():
        lead = locked(lead)
        checked = core_fields.check({field: raw.get(field, getattr(lead, field)) for field in EDITABLE})
        if isinstance(checked, list):
            raise ActionError({error.field: [_(error.detail)] for error in checked})
        wanted = {field: getattr(checked, field) for field in EDITABLE if field in raw}
        if seen is not None and seen != (lead.changed_at or 0):
            wanted = _without_what_others_changed(lead, wanted, seen)
        changed = {
            field: [getattr(lead, field), value] for field, value in wanted.items() if getattr(lead, field) != value
        }
        if not changed:
            return lead
        for field, (_old, new) in changed.items():
            setattr(lead, field, new)
        now = now_ms()
        if "phone" in changed:
            lead.phone_e164, lead.phone_valid = core_fields.phone_details(
                lead.phone, lead.workspace.default_region or None
            )
        touch(lead, now, *EDITABLE, "phone_e164", "phone_valid")
        assert lead.changed_at is not None
        LeadSearch.objects.filter(lead_id=lead.pk).update(
            **row_of(lead.name, lead.email, lead.phone, lead.phone_e164, lead.message)
        )
        # Under the lead's own time: by it the next one finds what has changed since.
        write_line(lead, ActivityKind.EDITED, actor, lead.changed_at, {"fields": changed})
        outbox.write_of(lead, outbox.UPDATED, now, {"changed": sorted(changed)})
        # The audit never holds a lead's data: which fields, not what stood in them.
        audit.record(lead.workspace, actor, "lead.changed", str(lead.public_id), {each: ["…", "…"] for each in changed})
    return lead


def delete_lead(
    lead: Lead, actor: str = "", *, merged_into: Lead | None = None, told: bool = True
) -> DeletedLead | None:
    """Delete the lead; :func:`restore` puts it back as it was until its time is over (stagewise/leads/trash.py).

    Its slot of the limit stays used: hits are rows of their own. With ``told=False`` no channel hears of it, as of a
    lead that none has heard of. None: it was deleted already.
    """
    with transaction.atomic():
        found = Lead.objects.select_for_update(of=("self",)).select_related("workspace").filter(pk=lead.pk).first()
        if found is None:
            return None
        now = now_ms()
        kept = DeletedLead.objects.create(
            workspace_id=found.workspace_id,
            lead_id=found.pk,
            public_id=found.public_id,
            name=found.name,
            row=_row(found),
            deleted_at=now,
            deleted_by=actor[:254],
            merged_into=merged_into.pk if merged_into else None,
        )
        if told:
            more = {"merged_into": str(merged_into.public_id)} if merged_into else None
            outbox.write_of(found, outbox.DELETED, now, more)
        audit.record(found.workspace, actor, "lead.deleted", str(found.public_id))
        with connection.cursor() as cursor:
            # The row alone: what hangs on it waits for it to come back.
            cursor.execute("DELETE FROM lead WHERE id = %s", [found.pk])
    return kept


def restore(workspace: Workspace, public_id: uuid.UUID, actor: str = "") -> Lead:
    """Put a deleted lead back as it was; one that was merged into another gets back what went there.

    Raises :class:`ActionError` when it is gone for good.
    """
    from stagewise.leads import merging  # which works with what is here

    with transaction.atomic():
        kept = DeletedLead.objects.select_for_update().filter(workspace=workspace, public_id=public_id).first()
        if kept is None:
            raise ActionError({"": [_("This lead is gone for good.")]})
        lead = Lead(
            **{field.attname: field.to_python(kept.row.get(field.attname)) for field in Lead._meta.concrete_fields}
        )
        # A repeat of it may have made a lead of its own meanwhile.
        lead.repeat_slot = lead.repeat_hash = None
        now = now_ms()
        lead.changed_at = max(now, (lead.changed_at or 0) + 1)
        lead.save(force_insert=True)
        if lead.derived_at is not None:
            found = row_of(lead.name, lead.email, lead.phone, lead.phone_e164, lead.message)
            LeadSearch.objects.update_or_create(lead_id=lead.pk, defaults={"workspace_id": lead.workspace_id, **found})
        if kept.merged_into is not None:
            merging.take_back(kept)
        kept.delete()
        write_line(lead, ActivityKind.RESTORED, actor, now)
        outbox.write_of(lead, outbox.UPDATED, now, {"changed": ["deleted"]})
        audit.record(workspace, actor, "lead.restored", str(public_id))
    return lead


# For the modules beside this one (notes, tags, tasks, merging)


def locked(lead: Lead) -> Lead:
    """The lead as it is now, locked until the transaction ends; raises :class:`ActionError` if it was deleted."""
    rows = Lead.objects.select_for_update(of=("self",)).select_related("stage", "lead_type", "workspace", "owner__user")
    found = rows.filter(pk=lead.pk).first()
    if found is None:
        raise ActionError({"": [_("Somebody deleted this lead in the meantime.")]})
    return found


def touch(lead: Lead, at: int, *columns: str) -> None:
    """Save these columns, and that somebody did something about the lead ``at`` (milliseconds since 1970)."""
    # Two changes within a millisecond are two changes.
    lead.changed_at = max(at, (lead.changed_at or 0) + 1)
    if lead.answered_at is None:
        lead.answered_at = at
    lead.save(update_fields=[*columns, "changed_at", "answered_at"])


def write_line(lead: Lead, kind: ActivityKind, actor: str, at: int, data: dict[str, Any] | None = None) -> LeadActivity:
    """Add a line to the lead's timeline."""
    return LeadActivity.objects.create(
        workspace_id=lead.workspace_id, lead=lead, kind=kind, actor=actor[:254], at=at, data=data or {}
    )


def first_stage(lead_type: LeadType) -> Stage:
    """The stage that leads of a type begin in; a type in use always has one."""
    return Stage.objects.filter(lead_type=lead_type, archived_at=None).order_by("position", "id")[0]


def _type_named(workspace: Workspace, name: str | None) -> LeadType:
    active = LeadType.objects.filter(workspace=workspace, archived_at=None).order_by("position", "id")
    if name is None:
        return active[0]
    key = core_lead_types.key(name)
    # By its own name, or by one of its other names, as the lane finds it.
    found = active.filter(name_key=key).first() or active.filter(aliases__name_key=key).first()
    if found is None:
        raise ActionError({"lead_type_name": [_("There is no lead type “%s” in use.") % name]})
    return found


def _without_what_others_changed(lead: Lead, wanted: dict[str, Any], seen: int) -> dict[str, Any]:
    """What of the wanted values this person has typed, and has not merely left as they saw it."""
    saw: dict[str, Any] = {}
    who = ""
    for line in LeadActivity.objects.filter(lead=lead, kind=ActivityKind.EDITED, at__gt=seen).order_by("at", "id"):
        for field, (old, _new) in line.data["fields"].items():
            saw.setdefault(field, old)
        who = line.actor or who
    mine = {field: value for field, value in wanted.items() if field not in saw or value != saw[field]}
    problems = {
        field: [_("%(who)s changed it to “%(value)s” in the meantime.") % {"who": who or _("Somebody"), "value": now}]
        for field in mine
        if field in saw and mine[field] != (now := getattr(lead, field))
    }
    if problems:
        raise Conflict(problems)
    return mine


def _moved_meanwhile(lead: Lead) -> str:
    """Who has put the lead where it is now."""
    lines = LeadActivity.objects.filter(lead=lead, kind=ActivityKind.STAGE).order_by("-id")
    who = lines.values_list("actor", flat=True).first()
    values = {"who": who or _("Somebody"), "stage": lead.stage.name}
    return _("%(who)s moved it to “%(stage)s” in the meantime.") % values


def _checked_reason(reason: str | None) -> str | None:
    reason = (reason or "").strip()
    if len(reason) > REASON_LIMIT or "\0" in reason:
        raise ActionError({"reason": [_("A reason has at most %d characters.") % REASON_LIMIT]})
    return reason or None


def _keep_reason(lead: Lead, reason: str, actor: str) -> None:
    now = now_ms()
    lead.closed_reason = reason
    touch(lead, now, "closed_reason")
    write_line(lead, ActivityKind.STAGE, actor, now, {"from": lead.stage.name, "to": lead.stage.name, "reason": reason})


def _row(lead: Lead) -> dict[str, Any]:
    """Every column by its name, as JSON holds it."""
    encode = DjangoJSONEncoder().default
    values = {field.attname: getattr(lead, field.attname) for field in Lead._meta.concrete_fields}
    return {name: value if isinstance(value, str | int | None) else encode(value) for name, value in values.items()}


def _address(member: Member | None) -> str | None:
    return member.user.email if member else None
