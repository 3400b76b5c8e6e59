"""Changes of lead types and their stages.

The lane keeps the lead types of a workspace under ``workspace.types_version``; every change here sets a new one in its
transaction, so that the next lead is decided by what was saved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.db import transaction

from stagewise.accounts import audit, names
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Workspace
from stagewise.core.lead_types import key
from stagewise.core.versions import new_version
from stagewise.leads.models import LeadType, Stage, StageKind, UnmatchedName

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The stages of a new lead type.
FIRST_STAGES = (
    ("New", StageKind.OPEN),
    ("Contacted", StageKind.OPEN),
    ("Qualified", StageKind.OPEN),
    ("Won", StageKind.WON),
    ("Lost", StageKind.LOST),
)

#: How many muted hues there are.
HUES = 8

_Item = TypeVar("_Item", bound=LeadType | Stage)


# Lead types


def add_lead_type(workspace: Workspace, name: str, actor: str = "") -> LeadType:
    """Add a lead type with the usual stages, at the end of the order.

    An active type of this name is returned unchanged; an archived one is taken out of the archive.
    """
    name = _checked_name(name)
    with transaction.atomic():
        workspace = _locked(workspace.pk)
        same = LeadType.objects.filter(workspace=workspace, name_key=key(name))
        active = same.filter(archived_at=None).first()
        if active is not None:
            return active
        archived = same.order_by("-archived_at").first()
        if archived is not None:
            return restore_lead_type(archived, actor)
        lead_type = LeadType.objects.create(
            workspace=workspace, name=name, name_key=key(name), position=len(_active_types(workspace))
        )
        Stage.objects.bulk_create(
            Stage(workspace=workspace, lead_type=lead_type, name=stage, kind=kind, position=position)
            for position, (stage, kind) in enumerate(FIRST_STAGES)
        )
        _changed(workspace, actor, "lead_type.added", lead_type.name)
    return lead_type


def rename_lead_type(lead_type: LeadType, name: str, actor: str = "") -> LeadType:
    """Give the type another name. Websites that send the old name as ``lead_type_name`` are refused from now on."""
    name = _checked_name(name)
    with transaction.atomic():
        workspace = _locked(lead_type.workspace_id)
        lead_type.refresh_from_db()
        if lead_type.archived_at is None:
            _refuse_second(workspace, name, lead_type.pk)
        changes: audit.Changes = {"name": [lead_type.name, name]}
        if lead_type.name == name:
            return lead_type
        lead_type.name, lead_type.name_key = name, key(name)
        lead_type.save(update_fields=["name", "name_key"])
        _changed(workspace, actor, "lead_type.renamed", name, changes)
    return lead_type


def move_lead_type(lead_type: LeadType, to: int, actor: str = "") -> LeadType:
    """Put the type at place ``to`` (from 0) of the active ones; the first is the default for leads that name none."""
    with transaction.atomic():
        workspace = _locked(lead_type.workspace_id)
        lead_type.refresh_from_db()
        if lead_type.archived_at is not None:
            raise ActionError({"": [f"“{lead_type.name}” is archived and has no place in the order."]})
        ordered = _active_types(workspace)
        before = [each.pk for each in ordered]
        _number(_moved(ordered, lead_type, to))
        if [each.pk for each in _active_types(workspace)] != before:
            _changed(workspace, actor, "lead_type.moved", lead_type.name)
        lead_type.refresh_from_db()
    return lead_type


def paint(item: LeadType | Stage, hue: int | None, actor: str = "") -> None:
    """Give a lead type or a stage one of the eight hues (0 to 7); None: the one of its place."""
    if hue is not None and not 0 <= hue < HUES:
        raise ActionError({"hue": [f"There are {HUES} colours."]})
    with transaction.atomic():
        workspace = _locked(item.workspace_id)
        item.refresh_from_db()
        if item.hue != hue:
            kind = "lead_type" if isinstance(item, LeadType) else "stage"
            audit.record(workspace, actor, f"{kind}.painted", item.name, {"hue": [item.hue, hue]})
            item.hue = hue
            item.save(update_fields=["hue"])


def archive_lead_type(lead_type: LeadType, actor: str = "") -> LeadType:
    """Take no more leads of this type; those that are there keep it. The last active type cannot be archived."""
    with transaction.atomic():
        workspace = _locked(lead_type.workspace_id)
        lead_type.refresh_from_db()
        if lead_type.archived_at is not None:
            return lead_type
        if len(_active_types(workspace)) == 1:
            raise ActionError({"": [f"“{lead_type.name}” is the last lead type in use. Add another one first."]})
        lead_type.archived_at = now_ms()
        lead_type.save(update_fields=["archived_at"])
        _number(_active_types(workspace))
        _changed(workspace, actor, "lead_type.archived", lead_type.name)
    return lead_type


def restore_lead_type(lead_type: LeadType, actor: str = "") -> LeadType:
    """Take the type out of the archive, to the end of the order; refused while another one has its name."""
    with transaction.atomic():
        workspace = _locked(lead_type.workspace_id)
        lead_type.refresh_from_db()
        if lead_type.archived_at is None:
            return lead_type
        _refuse_second(workspace, lead_type.name, lead_type.pk)
        lead_type.archived_at = None
        lead_type.position = len(_active_types(workspace))
        lead_type.save(update_fields=["archived_at", "position"])
        _changed(workspace, actor, "lead_type.restored", lead_type.name)
    return lead_type


# Stages


def add_stage(lead_type: LeadType, name: str, kind: str = StageKind.OPEN, actor: str = "") -> Stage:
    """Add a stage: an open one after the last open one, won and lost ones at the end.

    An active stage of this name is returned unchanged; an archived one is taken out of the archive.
    """
    name = _checked_name(name)
    if kind not in StageKind.values:
        raise ActionError({"kind": [f"A stage is open, won or lost; there is no “{kind}”."]})
    with transaction.atomic():
        workspace = _locked(lead_type.workspace_id)
        same = [stage for stage in Stage.objects.filter(lead_type=lead_type) if key(stage.name) == key(name)]
        for stage in same:
            if stage.archived_at is None:
                return stage
        if same:
            return restore_stage(same[-1], actor)
        ordered = _active_stages(lead_type)
        place = len(ordered)
        if kind == StageKind.OPEN:
            place = 1 + max((i for i, stage in enumerate(ordered) if stage.kind == StageKind.OPEN), default=-1)
        stage = Stage.objects.create(
            workspace=workspace, lead_type=lead_type, name=name, kind=kind, position=len(ordered)
        )
        _number(_moved([*ordered, stage], stage, place))
        _changed(workspace, actor, "stage.added", f"{lead_type.name}: {name}")
        stage.refresh_from_db()
    return stage


def rename_stage(stage: Stage, name: str, actor: str = "") -> Stage:
    """Give the stage another name; two stages of one lead type have different ones."""
    name = _checked_name(name)
    with transaction.atomic():
        workspace = _locked(stage.workspace_id)
        stage.refresh_from_db()
        changes: audit.Changes = {"name": [stage.name, name]}
        if stage.name == name:
            return stage
        _refuse_second_stage(stage, name)
        stage.name = name
        stage.save(update_fields=["name"])
        _changed(workspace, actor, "stage.renamed", f"{stage.lead_type.name}: {name}", changes)
    return stage


def move_stage(stage: Stage, to: int, actor: str = "") -> Stage:
    """Put the stage at place ``to`` (from 0). The first stays an open one: there new leads stand."""
    with transaction.atomic():
        workspace = _locked(stage.workspace_id)
        stage.refresh_from_db()
        if stage.archived_at is not None:
            raise ActionError({"": [f"“{stage.name}” is archived and has no place in the order."]})
        before = _active_stages(stage.lead_type)
        after = _moved(before, stage, to)
        if after[0].kind != StageKind.OPEN:
            raise ActionError({"": ["New leads begin in the first stage, so that one must be an open stage."]})
        _number(after)
        if [each.pk for each in after] != [each.pk for each in before]:
            _changed(workspace, actor, "stage.moved", f"{stage.lead_type.name}: {stage.name}")
        stage.refresh_from_db()
    return stage


def archive_stage(stage: Stage, actor: str = "") -> Stage:
    """Offer the stage no more; leads that stand in it stay there. One open stage must remain, and be the first."""
    with transaction.atomic():
        workspace = _locked(stage.workspace_id)
        stage.refresh_from_db()
        if stage.archived_at is not None:
            return stage
        left = [each for each in _active_stages(stage.lead_type) if each.pk != stage.pk]
        if not left or left[0].kind != StageKind.OPEN:
            raise ActionError(
                {"": ["New leads begin in the first stage, so an open stage must stay there. Add or move one first."]}
            )
        stage.archived_at = now_ms()
        stage.save(update_fields=["archived_at"])
        _number(left)
        _changed(workspace, actor, "stage.archived", f"{stage.lead_type.name}: {stage.name}")
    return stage


def restore_stage(stage: Stage, actor: str = "") -> Stage:
    """Take the stage out of the archive, to the end of the order; refused while another one has its name."""
    with transaction.atomic():
        workspace = _locked(stage.workspace_id)
        stage.refresh_from_db()
        if stage.archived_at is None:
            return stage
        _refuse_second_stage(stage, stage.name)
        stage.archived_at = None
        stage.position = len(_active_stages(stage.lead_type))
        stage.save(update_fields=["archived_at", "position"])
        _changed(workspace, actor, "stage.restored", f"{stage.lead_type.name}: {stage.name}")
    return stage


# What they share


def _checked_name(name: str) -> str:
    try:
        return names.clean(name)
    except ValueError as error:
        raise ActionError({"name": [str(error)]}) from None


def _locked(workspace_id: int) -> Workspace:
    """The workspace, locked: of two people who change types at once one goes after the other."""
    return Workspace.objects.select_for_update().get(pk=workspace_id)


def _active_types(workspace: Workspace) -> list[LeadType]:
    return list(LeadType.objects.filter(workspace=workspace, archived_at=None))


def _active_stages(lead_type: LeadType) -> list[Stage]:
    return list(Stage.objects.filter(lead_type=lead_type, archived_at=None))


def _moved(ordered: Sequence[_Item], item: _Item, to: int) -> list[_Item]:
    rest = [each for each in ordered if each.pk != item.pk]
    place = min(max(to, 0), len(rest))
    return [*rest[:place], item, *rest[place:]]


def _number(ordered: Sequence[LeadType | Stage]) -> None:
    """Write the positions 0, 1, 2 … where they differ."""
    for position, each in enumerate(ordered):
        if each.position != position:
            each.position = position
            each.save(update_fields=["position"])


def _refuse_second(workspace: Workspace, name: str, but: int) -> None:
    same = LeadType.objects.filter(workspace=workspace, name_key=key(name), archived_at=None).exclude(pk=but)
    if same.exists():
        raise ActionError({"name": [f"There is a lead type “{name}” already."]})


def _refuse_second_stage(stage: Stage, name: str) -> None:
    others = Stage.objects.filter(lead_type_id=stage.lead_type_id, archived_at=None).exclude(pk=stage.pk)
    if any(key(other.name) == key(name) for other in others):
        raise ActionError({"name": [f"There is a stage “{name}” already."]})


def _changed(workspace: Workspace, actor: str, action: str, subject: str, changes: audit.Changes | None = None) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(types_version=new_version())
    if action in {"lead_type.added", "lead_type.renamed", "lead_type.restored"}:
        # A name that came and was nobody's may be somebody's now.
        UnmatchedName.objects.filter(workspace_id=workspace.pk, name_key=key(subject)).delete()
    audit.record(workspace, actor, action, subject, changes)
