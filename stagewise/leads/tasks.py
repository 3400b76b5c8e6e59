"""Follow-ups: what is to be done about a lead, until when, by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from stagewise.accounts import audit
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.core import text as texts
from stagewise.leads import working
from stagewise.leads.models import ActivityKind, Lead, LeadTask

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from stagewise.accounts.models import Member, Workspace

LONGEST: Final = 200
#: So many may be open for one lead.
MOST: Final = 50

#: The years 2000 to 2999: a date beyond them is a slip of the finger.
_EARLIEST, _LATEST = 946_684_800_000, 32_503_680_000_000


def add_task(lead: Lead, member: Member | None, text: str, due_at: int, actor: str = "") -> LeadTask:
    """Plan something for the member, or for everybody (None), to be done by ``due_at`` (milliseconds since 1970).

    Raises :class:`ActionError` by field: ``text``, ``due``, ``member``.
    """
    text, due_at = _checked(text), _checked_due(due_at)
    with transaction.atomic():
        lead = working.locked(lead)
        if member is not None and (member.workspace_id != lead.workspace_id or member.deactivated_at is not None):
            raise ActionError({"member": [_("Choose somebody of this workspace.")]})
        if LeadTask.objects.filter(lead=lead, done_at=None).count() >= MOST:
            raise ActionError({"text": [_("There are %d open tasks already. Finish some first.") % MOST]})
        now = now_ms()
        task = LeadTask.objects.create(
            workspace=lead.workspace, lead=lead, member=member, text=text, due_at=due_at, created_at=now
        )
        _changed(lead, task, ActivityKind.TASK, actor, now)
    return task


def finish(task: LeadTask, actor: str = "") -> LeadTask:
    """Say that it is done; one that is done already stays as it is."""
    return _settle(task, actor, done=True)


def reopen(task: LeadTask, actor: str = "") -> LeadTask:
    """Say that it is still to be done; one that is open stays as it is."""
    return _settle(task, actor, done=False)


def postpone(task: LeadTask, due_at: int, actor: str = "") -> LeadTask:
    """Give an open task another moment to be done by."""
    due_at = _checked_due(due_at)
    with transaction.atomic():
        lead, task = _locked(task)
        if task.due_at != due_at:
            before, task.due_at = task.due_at, due_at
            task.save(update_fields=["due_at"])
            _changed(lead, task, ActivityKind.TASK, actor, now_ms(), was_due_at=before)
    return task


def remove(task: LeadTask, actor: str = "") -> None:
    """Take back a task that should never have been; one that is gone already is no error."""
    with transaction.atomic():
        if not LeadTask.objects.filter(pk=task.pk).exists():
            return
        lead, task = _locked(task)
        _changed(lead, task, ActivityKind.TASK, actor, now_ms(), removed=True)
        task.delete()


def due(workspace: Workspace, member: Member | None, until: int, at_most: int = 100) -> list[LeadTask]:
    """Open tasks due up to ``until`` with their leads, the most urgent first.

    With a member: theirs and everybody's; None: all of the workspace. Tasks of deleted leads are not due.
    """
    found = _due(workspace, member, until).select_related("lead__lead_type", "lead__stage", "member__user")
    return list(found.order_by("due_at", "id")[:at_most])


def count_due(workspace: Workspace, member: Member | None, until: int, at_most: int = 100) -> int:
    """How many there are of those; ``at_most`` where there are more."""
    return len(_due(workspace, member, until).values_list("pk", flat=True)[:at_most])


def of_lead(lead: Lead, finished: int = 5) -> list[LeadTask]:
    """The lead's open tasks, the most urgent first, and after them the last few that were done."""
    ours = LeadTask.objects.filter(lead=lead).select_related("member__user")
    still = ours.filter(done_at=None).order_by("due_at", "id")[:MOST]
    done = ours.exclude(done_at=None).order_by("-done_at", "-id")[:finished]
    return [*still, *done]


def _due(workspace: Workspace, member: Member | None, until: int) -> QuerySet[LeadTask]:
    # The lead's row is asked for, so that a task whose lead is in the trash is left out.
    open_ones = LeadTask.objects.filter(workspace=workspace, done_at=None, due_at__lte=until, lead__workspace=workspace)
    return open_ones if member is None else open_ones.filter(Q(member=member) | Q(member=None))


def _settle(task: LeadTask, actor: str, *, done: bool) -> LeadTask:
    with transaction.atomic():
        lead, task = _locked(task)
        if (task.done_at is not None) != done:
            now = now_ms()
            task.done_at = now if done else None
            task.save(update_fields=["done_at"])
            kind = ActivityKind.TASK_DONE if done else ActivityKind.TASK
            _changed(lead, task, kind, actor, now, **({} if done else {"reopened": True}))
    return task


def _locked(task: LeadTask) -> tuple[Lead, LeadTask]:
    lead = working.locked(Lead(pk=task.lead_id))
    found = LeadTask.objects.select_for_update().filter(pk=task.pk).first()
    if found is None:
        raise ActionError({"": [_("Somebody removed this task in the meantime.")]})
    return lead, found


def _changed(lead: Lead, task: LeadTask, kind: ActivityKind, actor: str, now: int, **more: object) -> None:
    working.touch(lead, now)
    working.write_line(lead, kind, actor, now, {"task": task.pk, "text": task.text, "due_at": task.due_at, **more})
    audit.record(lead.workspace, actor, f"lead.{kind}", str(lead.public_id))


def _checked(text: str) -> str:
    found = texts.line(text, LONGEST, texts.BIDI_CONTROLS)
    if found == texts.BLANK or (isinstance(found, str) and not texts.is_visible(found)):
        return _("Follow up")
    if found == texts.TOO_LONG:
        raise ActionError({"text": [_("A task has at most %d characters.") % LONGEST]})
    if not isinstance(found, str):
        raise ActionError({"text": [_("A task is one line and holds no control characters.")]})
    return found


def _checked_due(due_at: int) -> int:
    if not _EARLIEST <= due_at < _LATEST:
        raise ActionError({"due": [_("Choose a date.")]})
    return due_at
