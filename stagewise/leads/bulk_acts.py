"""What can be done to many leads, one lead at a time, and how each is taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from django.utils.translation import gettext as _

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Member
from stagewise.core.lead_types import key
from stagewise.leads import tags, working
from stagewise.leads.models import BulkKind, DeletedLead, Lead, LeadTag, Stage, Tag

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace
    from stagewise.leads.models import BulkChange


class Before(NamedTuple):
    """The lead was changed; what stood there before."""

    value: int | None = None


class Act(Protocol):
    """Something done to a lead. What cannot be done raises :class:`ActionError`."""

    def do(self, lead: Lead) -> Before | None:
        """Change the lead; None: it is so already."""

    def undo(self, lead_id: int, before: int | None, /) -> None:
        """Bring it back to what stood there before; what somebody has changed since stays."""


def target(workspace: Workspace, kind: str, value: str) -> tuple[int | None, str]:
    """What ``value`` means for this kind: a row id and a label. Raises :class:`ActionError`."""
    match kind:
        case BulkKind.ASSIGN:
            return _owner(workspace, value)
        case BulkKind.STAGE:
            named = Stage.objects.filter(workspace=workspace, archived_at=None).order_by("pk")
            found = next((each for each in named if key(each.name) == key(value)), None)
            if found is None:
                raise ActionError({"stage": [_("Choose a stage.")]})
            return None, found.name
        case BulkKind.TAG:
            made = tags.named(workspace, value)
            return made.pk, made.name
        case BulkKind.UNTAG:
            tag = Tag.objects.filter(workspace=workspace, name_key=key(value)).first()
            if tag is None:
                raise ActionError({"tag": [_("There is no tag of this name.")]})
            return tag.pk, tag.name
    return None, ""


def _owner(workspace: Workspace, value: str) -> tuple[int | None, str]:
    if not value:
        return None, ""
    members = Member.objects.select_related("user").filter(workspace=workspace, deactivated_at=None)
    found = members.filter(pk=int(value)).first() if value.isascii() and value.isdigit() and len(value) < 19 else None
    if found is None:
        raise ActionError({"owner": [_("Choose somebody of this workspace.")]})
    return found.pk, found.user.name or found.user.email


def of(change: BulkChange) -> Act:
    """The act of a change."""
    return _ACTS[change.kind](change)


class _Assign:
    def __init__(self, change: BulkChange) -> None:
        self._change = change
        self._actor = change.actor
        self._owner = _member(change.value)

    def do(self, lead: Lead) -> Before | None:
        if lead.owner_id == self._change.value:
            return None
        working.assign(lead, self._owner, self._actor)
        return Before(lead.owner_id)

    def undo(self, lead_id: int, before: int | None) -> None:
        lead = _lead(lead_id)
        if lead.owner_id != self._change.value:
            raise _changed_since()
        owner = _member(before)
        working.assign(lead, owner, self._actor)


class _Move:
    """Into the stage of this name of each lead's own type."""

    def __init__(self, change: BulkChange) -> None:
        self._actor = change.actor
        self._name = change.label
        found = Stage.objects.filter(workspace_id=change.workspace_id, archived_at=None).order_by("-position", "-pk")
        self._stages = {each.lead_type_id: each for each in found if key(each.name) == key(self._name)}

    def do(self, lead: Lead) -> Before | None:
        stage = self._stages.get(lead.lead_type_id)
        if stage is None:
            words = _("Leads of the type “%(type)s” have no stage “%(stage)s”.")
            raise ActionError({"stage": [words % {"type": lead.lead_type.name, "stage": self._name}]})
        if lead.stage_id == stage.pk:
            return None
        working.set_stage(lead, stage, self._actor)
        return Before(lead.stage_id)

    def undo(self, lead_id: int, before: int | None) -> None:
        lead = _lead(lead_id)
        moved_to = self._stages.get(lead.lead_type_id)
        if moved_to is None or lead.stage_id != moved_to.pk:
            raise _changed_since()
        working.set_stage(lead, Stage.objects.get(pk=before or 0), self._actor, seen=moved_to.pk)


class _Tag:
    def __init__(self, change: BulkChange) -> None:
        self._actor = change.actor
        self._tag = Tag.objects.filter(pk=change.value or 0, workspace_id=change.workspace_id).first()

    def do(self, lead: Lead) -> Before | None:
        if LeadTag.objects.filter(tag=self._known, lead=lead).exists():
            return None
        tags.tag(lead, self._known.name, self._actor)
        return Before()

    def undo(self, lead_id: int, _before: int | None, /) -> None:
        tags.untag(_lead(lead_id), self._known, self._actor)

    @property
    def _known(self) -> Tag:
        if self._tag is None:
            raise ActionError({"tag": [_("There is no tag of this name.")]})
        return self._tag


class _Untag(_Tag):
    def do(self, lead: Lead) -> Before | None:
        if not LeadTag.objects.filter(tag=self._known, lead=lead).exists():
            return None
        tags.untag(lead, self._known, self._actor)
        return Before()

    def undo(self, lead_id: int, _before: int | None, /) -> None:
        tags.tag(_lead(lead_id), self._known.name, self._actor)


class _Delete:
    def __init__(self, change: BulkChange) -> None:
        self._actor = change.actor
        self._workspace = change.workspace

    def do(self, lead: Lead) -> Before | None:
        return Before() if working.delete_lead(lead, self._actor) else None

    def undo(self, lead_id: int, _before: int | None, /) -> None:
        kept = DeletedLead.objects.filter(workspace=self._workspace, lead_id=lead_id).first()
        if kept is not None:
            working.restore(self._workspace, kept.public_id, self._actor)


_ACTS: dict[str, type[_Assign | _Move | _Tag | _Delete]] = {
    BulkKind.ASSIGN: _Assign,
    BulkKind.STAGE: _Move,
    BulkKind.TAG: _Tag,
    BulkKind.UNTAG: _Untag,
    BulkKind.DELETE: _Delete,
}


def _member(pk: int | None) -> Member | None:
    return None if pk is None else Member.objects.select_related("user").filter(pk=pk).first()


def _lead(pk: int) -> Lead:
    found = Lead.objects.filter(pk=pk).first()
    if found is None:
        raise ActionError({"": [_("Somebody deleted this lead in the meantime.")]})
    return found


def _changed_since() -> ActionError:
    return ActionError({"": [_("Somebody changed this lead in the meantime.")]})
