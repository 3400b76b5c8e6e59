"""Notes on leads, and who is named in them with @."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from stagewise.accounts import audit
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Member
from stagewise.core import text as texts
from stagewise.leads import mention_mail, working
from stagewise.leads.models import Lead, LeadMention, LeadNote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import QuerySet

#: Characters of a note.
LONGEST: Final = 5_000
#: For so long a deleted note can be put back, in milliseconds.
KEPT_MS: Final = 86_400_000


class Piece(NamedTuple):
    """A part of a note's text; ``mention``: it names somebody, the @ included."""

    text: str
    mention: bool


class _Name(NamedTuple):
    """What somebody can be named by, in lower case, and who that is: of two with one name both are meant."""

    text: str
    members: tuple[Member, ...]


def add_note(lead: Lead, member: Member, text: str) -> LeadNote:
    """Write down something about the lead.

    Members named with ``@`` and their name or e-mail address are told by mail; their own mentions in this lead count
    as seen by who writes. Raises :class:`ActionError` on the field ``text``.
    """
    text = _checked(text)
    with transaction.atomic():
        lead = working.locked(lead)
        now = now_ms()
        note = LeadNote.objects.create(workspace=lead.workspace, lead=lead, member=member, text=text, at=now)
        working.touch(lead, now)
        _mention(lead, note, member, now)
        see(lead, member)
        audit.record(lead.workspace, member.user.email, "lead.noted", str(lead.public_id))
    return note


def edit_note(note: LeadNote, member: Member, text: str) -> LeadNote:
    """Say it otherwise; only who wrote it may. Who is named now and was not before is told."""
    text = _checked(text)
    with transaction.atomic():
        lead, note = _own(note, member)
        if note.text != text:
            now = now_ms()
            note.text, note.edited_at = text, now
            note.save(update_fields=["text", "edited_at"])
            _mention(lead, note, member, now)
            audit.record(lead.workspace, member.user.email, "lead.note_edited", str(lead.public_id))
    return note


def delete_note(note: LeadNote, member: Member) -> None:
    """Delete it; only who wrote it may. For a day :func:`restore_note` puts it back."""
    with transaction.atomic():
        lead, note = _own(note, member)
        if note.deleted_at is None:
            note.deleted_at = now_ms()
            note.save(update_fields=["deleted_at"])
            audit.record(lead.workspace, member.user.email, "lead.note_deleted", str(lead.public_id))


def restore_note(note: LeadNote, member: Member) -> LeadNote:
    """Put a deleted note back where it was; only who wrote it may."""
    with transaction.atomic():
        lead, note = _own(note, member)
        if note.deleted_at is not None:
            note.deleted_at = None
            note.save(update_fields=["deleted_at"])
            audit.record(lead.workspace, member.user.email, "lead.note_restored", str(lead.public_id))
    return note


def unseen_mentions(member: Member, at_most: int = 20) -> list[LeadMention]:
    """Where somebody named this member and they have not said that they saw it, newest first, with note and lead."""
    unseen = LeadMention.objects.filter(member=member, seen_at=None, note__deleted_at=None)
    return list(unseen.select_related("note__member__user", "lead").order_by("-at", "-id")[:at_most])


def see(lead: Lead, member: Member) -> int:
    """The member has seen what names them in this lead's notes; returns how many mentions that were."""
    return LeadMention.objects.filter(lead=lead, member=member, seen_at=None).update(seen_at=now_ms())


def expire(size: int) -> int:
    """Forget at most ``size`` notes that were deleted more than a day ago; returns how many."""
    gone = LeadNote.everything.filter(deleted_at__lt=now_ms() - KEPT_MS).order_by("id")
    ids = list(gone.values_list("id", flat=True)[:size])
    if ids:
        # Asked again with the condition: somebody may have put one back in between.
        LeadNote.everything.filter(id__in=ids, deleted_at__lt=now_ms() - KEPT_MS).delete()
    return len(ids)


def members_of(workspace_id: int) -> list[Member]:
    """Who can be named: the members that come in, by name."""
    active = Member.objects.filter(workspace_id=workspace_id, deactivated_at=None, user__is_active=True)
    found: QuerySet[Member] = active.select_related("user")
    return sorted(found, key=lambda member: (member.user.name or member.user.email).lower())


def mentioned(text: str, members: Sequence[Member]) -> list[Member]:
    """Who is named in a text with ``@`` and their name or e-mail address, in any case; each once."""
    found = {member.pk: member for _start, _end, named in _mentions(text, members) for member in named}
    return list(found.values())


def pieces(text: str, members: Sequence[Member]) -> list[Piece]:
    """The text in parts, so that a page can show who is named in it."""
    found, done = [], 0
    for start, end, _named in _mentions(text, members):
        found += [Piece(text[done:start], mention=False), Piece(text[start:end], mention=True)]
        done = end
    found.append(Piece(text[done:], mention=False))
    return [piece for piece in found if piece.text]


def _mention(lead: Lead, note: LeadNote, writer: Member, now: int) -> None:
    """Write down who is named in the note, and tell those who were not named in it before. Nobody names themselves."""
    named = {member.pk: member for member in mentioned(note.text, members_of(lead.workspace_id))}
    named.pop(writer.pk, None)
    there = LeadMention.objects.filter(note=note)
    there.exclude(member__in=named).delete()
    known = set(there.values_list("member_id", flat=True))
    new = [member for pk, member in named.items() if pk not in known]
    LeadMention.objects.bulk_create(
        LeadMention(workspace_id=lead.workspace_id, note=note, lead=lead, member=member, at=now) for member in new
    )
    mention_mail.send_later(lead, note, writer, new)


def _mentions(text: str, members: Sequence[Member]) -> Iterator[tuple[int, int, tuple[Member, ...]]]:
    """(start, end, who is meant) of every mention; where several names fit, the longest counts."""
    names = _names(members)
    place = text.find("@")
    while place >= 0:
        # "me@example.com" names nobody: there is no @ of ours within a word.
        free = place == 0 or not (text[place - 1].isalnum() or text[place - 1] in "._-+")
        name = next((name for name in names if _stands_at(text, place + 1, name.text)), None) if free else None
        end = place + 1
        if name is not None:
            end += len(name.text)
            yield place, end, name.members
        place = text.find("@", end)


def _names(members: Sequence[Member]) -> list[_Name]:
    found: dict[str, tuple[Member, ...]] = {}
    for member in members:
        name = " ".join(member.user.name.split())
        for text in {name.lower(), member.user.email.lower()} - {""}:
            found[text] = (*found.get(text, ()), member)
    return sorted((_Name(*each) for each in found.items()), key=lambda each: -len(each.text))


def _stands_at(text: str, start: int, name: str) -> bool:
    end = start + len(name)
    after = text[end : end + 1]
    return text[start:end].lower() == name and not after.isalnum() and after not in {"@", "_"}


def _checked(text: str) -> str:
    found = texts.message(text, LONGEST)
    if found is None or (isinstance(found, str) and not texts.is_visible(found)):
        raise ActionError({"text": [_("Write something first.")]})
    if found == texts.TOO_LONG:
        raise ActionError({"text": [_("A note has at most %d characters.") % LONGEST]})
    if not isinstance(found, str):
        raise ActionError({"text": [_("There is a character in it that cannot be stored.")]})
    return found


def _own(note: LeadNote, member: Member) -> tuple[Lead, LeadNote]:
    """The lead, locked, and the note as it is now; :class:`ActionError` if it is somebody else's, or gone for good."""
    lead = working.locked(Lead(pk=note.lead_id))
    found = LeadNote.everything.select_for_update().filter(pk=note.pk).first()
    if found is None:
        raise ActionError({"": [_("This note is gone.")]})
    if found.member_id != member.pk:
        raise ActionError({"": [_("Only who wrote a note can change it.")]})
    return lead, found
