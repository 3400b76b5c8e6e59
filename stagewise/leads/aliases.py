"""Other names under which websites send leads of a type, and the names that came and were nobody's."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from stagewise.accounts import audit, names
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Workspace
from stagewise.core.lead_types import key
from stagewise.core.versions import new_version
from stagewise.leads.models import LeadType, LeadTypeAlias, UnmatchedName

#: So many aliases a workspace may have: the lane keeps them all in memory.
MOST = 1_000


def add_alias(lead_type: LeadType, name: str, actor: str = "") -> LeadTypeAlias:
    """From the next call on, ``name`` as ``lead_type_name`` means this type; one that does already is returned.

    Raises :class:`ActionError` where the name is a lead type's own, or means another one.
    """
    try:
        name = names.clean(name)
    except ValueError as error:
        raise ActionError({"alias": [str(error)]}) from None
    with transaction.atomic():
        workspace = Workspace.objects.select_for_update().get(pk=lead_type.workspace_id)
        own = LeadType.objects.filter(workspace=workspace, name_key=key(name), archived_at=None).first()
        if own is not None:
            raise ActionError({"alias": [_("“%s” is the name of a lead type already.") % own.name]})
        there = (
            LeadTypeAlias.objects.select_related("lead_type").filter(workspace=workspace, name_key=key(name)).first()
        )
        if there is not None and there.lead_type_id == lead_type.pk:
            return there
        if there is not None:
            raise ActionError(
                {"alias": [_("“%(name)s” means “%(type)s” already.") % {"name": name, "type": there.lead_type.name}]}
            )
        if LeadTypeAlias.objects.filter(workspace=workspace).count() >= MOST:
            raise ActionError({"alias": [_("There are %d other names already. Remove one first.") % MOST]})
        alias = LeadTypeAlias.objects.create(workspace=workspace, lead_type=lead_type, name=name, name_key=key(name))
        UnmatchedName.objects.filter(workspace_id=workspace.pk, name_key=key(name)).delete()
        _changed(workspace, actor, "lead_type.alias_added", lead_type.name, {"alias": [None, name]})
    return alias


def remove_alias(alias: LeadTypeAlias, actor: str = "") -> None:
    """From the next call on the name is nobody's; one that was removed already changes nothing."""
    with transaction.atomic():
        workspace = Workspace.objects.select_for_update().get(pk=alias.workspace_id)
        gone, _rows = LeadTypeAlias.objects.filter(pk=alias.pk).delete()
        if gone:
            _changed(workspace, actor, "lead_type.alias_removed", alias.lead_type.name, {"alias": [alias.name, None]})


def unmatched(workspace: Workspace, at_most: int = 20) -> list[UnmatchedName]:
    """Names that came and were no lead type's, those that came most often first."""
    return list(UnmatchedName.objects.filter(workspace_id=workspace.pk).order_by("-count", "-last_at")[:at_most])


def dismiss(workspace: Workspace, name_key: str) -> None:
    """Forget a name that was nobody's; it is listed again when it comes again."""
    UnmatchedName.objects.filter(workspace_id=workspace.pk, name_key=name_key).delete()


def _changed(workspace: Workspace, actor: str, action: str, subject: str, changes: audit.Changes) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(types_version=new_version())
    audit.record(workspace, actor, action, subject, changes)
