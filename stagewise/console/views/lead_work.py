"""What a team does with a lead beside moving it: notes, tags, follow-ups, and merging it with another one."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Role
from stagewise.console import lead_page, toasts
from stagewise.console.access import Seat, lead_for, member_for, note_for, page, tag_for, task_for
from stagewise.console.views.leads import back, number, public_id_of, shown, url
from stagewise.leads import merging, notes, tags, tasks

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse


# Notes


@page(write=Role.AGENT)
def note_add(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Write down something about the lead."""
    found, text = lead_for(seat, public_id), request.POST.get("text", "")
    try:
        notes.add_note(found, seat.member, text)
    except ActionError as error:
        return shown(request, seat, found, 422, note_text=text, problems={"note": error.problems.get("text")})
    return back(seat, found)


@page(write=Role.AGENT)
def note_edit(request: HttpRequest, seat: Seat, public_id: uuid.UUID, pk: int) -> HttpResponse:
    """Say a note of one's own otherwise."""
    found, text = lead_for(seat, public_id), request.POST.get("text", "")
    try:
        notes.edit_note(note_for(seat, found, pk), seat.member, text)
    except ActionError as error:
        if "text" in error.problems:
            typed = {"editing_note": str(pk), "edited_text": text, "problems": {"edited": error.problems["text"]}}
            return shown(request, seat, found, 422, **typed)
        toasts.refuse(request, error)
    return back(seat, found)


@page(write=Role.AGENT)
def note_delete(request: HttpRequest, seat: Seat, public_id: uuid.UUID, pk: int) -> HttpResponse:
    """Delete a note of one's own; Undo puts it back."""
    found = lead_for(seat, public_id)
    note = note_for(seat, found, pk)
    if _done(request, lambda: notes.delete_note(note, seat.member)):
        toasts.say(request, _("The note was deleted."), undo=url("lead_note_restore", seat, found, pk))
    return back(seat, found)


@page(write=Role.AGENT)
def note_restore(request: HttpRequest, seat: Seat, public_id: uuid.UUID, pk: int) -> HttpResponse:
    """Put back a note that was deleted."""
    found = lead_for(seat, public_id)
    note = note_for(seat, found, pk)
    _done(request, lambda: notes.restore_note(note, seat.member))
    return back(seat, found)


@page(write=Role.VIEWER)
def mentions_seen(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:  # noqa: ARG001
    """The person has seen where they are named; it changes nothing of the lead, so that everybody may say it."""
    found = lead_for(seat, public_id)
    notes.see(found, seat.member)
    return back(seat, found)


# Tags


@page(write=Role.AGENT)
def tag_add(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Mark the lead with a tag, which is made if there is none of this name."""
    found, name = lead_for(seat, public_id), request.POST.get("tag", "")
    try:
        tags.tag(found, name, seat.user.email)
    except ActionError as error:
        return shown(request, seat, found, 422, tag_text=name, problems=error.problems)
    return back(seat, found)


@page(write=Role.AGENT)
def tag_remove(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Take a tag away; Undo puts it back."""
    found = lead_for(seat, public_id)
    tag = tag_for(seat, number(request.POST.get("taken")) or 0)
    if _done(request, lambda: tags.untag(found, tag, seat.user.email)):
        text = _("“%s” was taken away.") % tag.name
        toasts.say(request, text, undo=url("lead_tag", seat, found), fields={"tag": tag.name})
    return back(seat, found)


# Follow-ups


@page(write=Role.AGENT)
def task_add(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Plan a follow-up: for a day that is one click away, or for the date that was typed."""
    found, text = lead_for(seat, public_id), request.POST.get("task", "")
    whose = request.POST.get("member", "")
    member = member_for(seat, number(whose) or 0) if whose else None
    try:
        tasks.add_task(found, member, text, _due_at(request, seat), seat.user.email)
    except ActionError as error:
        typed = {"task_text": text, "task_day": request.POST.get("day", ""), "task_member": whose}
        return shown(request, seat, found, 422, **typed, problems=_of_task(error))
    return back(seat, found)


@page(write=Role.AGENT)
def task_done(request: HttpRequest, seat: Seat, public_id: uuid.UUID, pk: int) -> HttpResponse:
    """Say that it is done, or with ``done=off`` that it is not."""
    found = lead_for(seat, public_id)
    task, done = task_for(seat, found, pk), request.POST.get("done") != "off"
    settle = tasks.finish if done else tasks.reopen
    if _done(request, lambda: settle(task, seat.user.email)) and done:
        undo = url("lead_task_done", seat, found, pk)
        toasts.say(request, _("Done: %s") % task.text, undo=undo, fields={"done": "off"})
    return back(seat, found)


@page(write=Role.AGENT)
def task_postpone(request: HttpRequest, seat: Seat, public_id: uuid.UUID, pk: int) -> HttpResponse:
    """Give it another day."""
    found = lead_for(seat, public_id)
    task = task_for(seat, found, pk)
    before = lead_page.day_of(task, seat.zone)
    if _done(request, lambda: tasks.postpone(task, _due_at(request, seat), seat.user.email)):
        undo = url("lead_task_postpone", seat, found, pk)
        toasts.say(request, _("Put off: %s") % task.text, undo=undo, fields={"day": before})
    return back(seat, found)


@page(write=Role.AGENT)
def task_remove(request: HttpRequest, seat: Seat, public_id: uuid.UUID, pk: int) -> HttpResponse:
    """Take it back; Undo plans the same once more."""
    found = lead_for(seat, public_id)
    task = task_for(seat, found, pk)
    if _done(request, lambda: tasks.remove(task, seat.user.email)):
        again = {"task": task.text, "day": lead_page.day_of(task, seat.zone), "member": task.member_id or ""}
        toasts.say(request, _("Removed: %s") % task.text, undo=url("lead_task", seat, found), fields=again)
    return back(seat, found)


# Other leads of the same person


@page(write=Role.AGENT)
def merge(request: HttpRequest, seat: Seat, public_id: uuid.UUID) -> HttpResponse:
    """Take another lead of the person into this one; Undo parts them again."""
    found = lead_for(seat, public_id)
    other = lead_for(seat, public_id_of(request.POST.get("other")))
    if _done(request, lambda: merging.merge(found, other, seat.user.email)):
        undo = url("lead_restore", seat, other)
        text = _("The other lead of %s is part of this one now.") % other.name
        toasts.say(request, text, undo=undo, fields={"back": str(found.public_id)})
    return back(seat, found)


def _done(request: HttpRequest, act: Callable[[], object]) -> bool:
    """Do it; a refusal is said in a toast."""
    try:
        act()
    except ActionError as error:
        toasts.refuse(request, error)
        return False
    return True


def _due_at(request: HttpRequest, seat: Seat) -> int:
    """The end of the day that was chosen: by a button (``when``), or else by its date."""
    chosen = lead_page.days(seat.zone, now_ms()).get(request.POST.get("when", ""), request.POST.get("day", ""))
    try:
        return lead_page.end_of(datetime.date.fromisoformat(chosen), seat.zone)
    except (ValueError, OverflowError):
        raise ActionError({"due": [_("Choose a date.")]}) from None


def _of_task(error: ActionError) -> dict[str, list[str]]:
    """The problems under the names that the page's fields have."""
    return {"task": [text for texts in error.problems.values() for text in texts]}
