"""Tags: the words of a workspace that its leads are marked with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils.translation import gettext as _

from stagewise.accounts import audit, names
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.core.lead_types import key
from stagewise.leads import working
from stagewise.leads.models import ActivityKind, LeadTag, Tag
from stagewise.notify import outbox

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stagewise.accounts.models import Workspace
    from stagewise.leads.models import Lead

#: Characters of a tag.
LONGEST: Final = 60
#: So many tags a workspace may have, and a lead: beyond that they tell nothing apart.
MOST: Final = 500
MOST_OF_A_LEAD: Final = 30

_HUES: Final = 8


def tags_of(workspace: Workspace) -> list[Tag]:
    """All tags of the workspace by name, those that no lead has too."""
    return list(Tag.objects.filter(workspace=workspace).order_by("name_key"))


def names_for(leads: Iterable[Lead]) -> dict[int, list[Tag]]:
    """The tags of many leads by the lead's row id, each lead's by name; leads without tags are left out."""
    found: dict[int, list[Tag]] = {}
    rows = LeadTag.objects.filter(lead_id__in=[lead.pk for lead in leads]).select_related("tag")
    for row in rows.order_by("tag__name_key"):
        found.setdefault(row.lead_id, []).append(row.tag)
    return found


def tag(lead: Lead, name: str, actor: str = "") -> Tag:
    """Mark the lead; a tag of this name is made if there is none yet. "VIP" and "vip" are one tag.

    A lead that has it already stays as it is. Raises :class:`ActionError`.
    """
    with transaction.atomic():
        lead = working.locked(lead)
        found = named(lead.workspace, name)
        if LeadTag.objects.filter(tag=found, lead=lead).exists():
            return found
        if LeadTag.objects.filter(lead=lead).count() >= MOST_OF_A_LEAD:
            raise ActionError({"tag": [_("A lead has at most %d tags. Remove one first.") % MOST_OF_A_LEAD]})
        LeadTag.objects.create(workspace_id=lead.workspace_id, tag=found, lead=lead)
        _changed(lead, actor, None, found.name)
    return found


def untag(lead: Lead, tag: Tag, actor: str = "") -> None:
    """Take the tag away from the lead; a lead that does not have it stays as it is."""
    with transaction.atomic():
        lead = working.locked(lead)
        gone, _rows = LeadTag.objects.filter(tag=tag, lead=lead).delete()
        if gone:
            _changed(lead, actor, tag.name, None)


def known(workspace: Workspace, name: str) -> Tag | None:
    """The workspace's tag of this name, if there is one."""
    return Tag.objects.filter(workspace=workspace, name_key=key(name)).first() if name else None


def named(workspace: Workspace, name: str) -> Tag:
    """The workspace's tag of this name, made if there is none; raises :class:`ActionError` on the field ``tag``."""
    try:
        name = names.clean(name, LONGEST)
    except ValueError as error:
        raise ActionError({"tag": [str(error)]}) from None
    tags = Tag.objects.filter(workspace=workspace)
    found = tags.filter(name_key=key(name)).first()
    if found is not None:
        return found
    count = tags.count()
    if count >= MOST:
        raise ActionError({"tag": [_("There are %d tags already. Use one of them.") % MOST]})
    # Somebody may make the same one in this moment: then it is theirs.
    made, _new = Tag.objects.get_or_create(
        workspace=workspace, name_key=key(name), defaults={"name": name, "hue": count % _HUES}
    )
    return made


def _changed(lead: Lead, actor: str, before: str | None, after: str | None) -> None:
    now = now_ms()
    working.touch(lead, now)
    line = {"removed": [before]} if after is None else {"added": [after]}
    working.write_line(lead, ActivityKind.TAGS, actor, now, line)
    outbox.write_of(lead, outbox.UPDATED, now, {"changed": ["tags"]})
    audit.record(lead.workspace, actor, "lead.tagged", str(lead.public_id), {"tag": [before, after]})
