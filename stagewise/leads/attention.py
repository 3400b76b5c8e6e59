"""What of the leads waits for one member: notes that name this person, and tasks that are due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stagewise.leads.models import LeadMention, LeadTask

if TYPE_CHECKING:
    from stagewise.accounts.models import Member

#: So many of the tasks that are due first are looked through for those of one member.
_LOOKED_THROUGH: Final = 200


def mentions(member: Member, size: int) -> list[LeadMention]:
    """The newest notes with @ and this member that were not seen yet, with lead and writer; deleted leads left out."""
    found = LeadMention.objects.filter(member=member, seen_at=None).select_related("lead", "note__member__user")
    return list(found.order_by("-at")[:size])


def tasks_due(member: Member, until: int, size: int) -> list[LeadTask]:
    """What this member, or anybody, should have done before ``until`` (milliseconds since 1970); the oldest first."""
    due = LeadTask.objects.filter(workspace_id=member.workspace_id, done_at=None, due_at__lt=until)
    first = due.order_by("due_at").values_list("pk", "member_id")[:_LOOKED_THROUGH]
    ours = [pk for pk, whose in first if whose in {None, member.pk}][:size]
    found = LeadTask.objects.filter(pk__in=ours).select_related("lead")
    return list(found.order_by("due_at"))
