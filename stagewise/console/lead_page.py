"""What the page of one lead shows, in a number of queries that does not grow with what happened to it."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Member
from stagewise.console import came_by
from stagewise.leads import merging, notes, queries, tags, tasks
from stagewise.leads.models import ActivityKind, LeadMention, LeadNote, StageKind
from stagewise.leads.search import digits_of
from stagewise.leads.timeline import AT_MOST, EVER, Line, timeline

if TYPE_CHECKING:
    import zoneinfo
    from collections.abc import Mapping, Sequence

    from stagewise.console.access import Seat
    from stagewise.leads.models import Lead, LeadTask, LeadType, Stage

#: What of the lead can be edited, and what it is called in the timeline.
FIELDS: Final = ("name", "email", "phone", "message")

#: What a number is dialled by where its E.164 form is not known: its beginning, up to the first word.
_DIALLED: Final = re.compile(r"[+(0-9][0-9 ()/.\-]*")


class Contact(NamedTuple):
    """A way to reach the person."""

    icon: str
    label: str
    value: str
    url: str


class Step(NamedTuple):
    """A stage as a step: behind the lead, where it stands, or ahead."""

    stage: Stage
    behind: bool
    here: bool


@dataclass(frozen=True)
class Entry:
    """A line of the timeline as it is shown."""

    line: Line
    #: Who did it, by name.
    who: str
    #: A note in parts, and whether the person who looks wrote it.
    pieces: list[notes.Piece]
    own: bool = False
    #: It happened to another lead, which was merged into this one.
    elsewhere: bool = False


@dataclass(frozen=True)
class Due:
    """A follow-up with its day in words."""

    task: LeadTask
    words: str
    late: bool
    #: The day as a date field holds it.
    day: str


class SamePerson(NamedTuple):
    """Another lead of the same person, and what a merge would take over from it."""

    lead: Lead
    notes: int
    tasks: int


def context(seat: Seat, lead: Lead, asked: Mapping[str, str], **typed: Any) -> dict[str, Any]:
    """All that lead.html shows.

    ``asked`` is the page's query: ``all`` for the whole timeline, ``edit`` for the form of the fields, ``note`` for
    that of a note (its row id). ``typed`` is what was refused: ``values`` and ``problems`` by field.
    """
    people = Member.objects.filter(workspace=seat.workspace).select_related("user").order_by("user__email")
    everybody = list(people)
    active = [each for each in everybody if each.deactivated_at is None and each.user.is_active]
    types = queries.lead_types(seat.workspace)
    chosen = next(each for each in types if each.pk == lead.lead_type_id)
    marked = [each.tag for each in lead.lead_tags.all()]
    now = now_ms()
    planned = [due(task, seat.zone, now) for task in tasks.of_lead(lead)]
    return {
        "lead": lead,
        "contacts": contacts(lead),
        "steps": steps(chosen, lead),
        "shows_e164": bool(lead.phone_e164) and digits_of(lead.phone) != digits_of(lead.phone_e164 or ""),
        "closed": [each for each in steps(chosen, lead) if each.stage.kind != StageKind.OPEN],
        "types": [each for each in types if each.archived_at is None or each.pk == lead.lead_type_id],
        "members": active,
        "marked": marked,
        "other_tags": [each for each in tags.tags_of(seat.workspace) if each not in marked],
        "open_tasks": [each for each in planned if each.task.done_at is None],
        "done_tasks": [each for each in planned if each.task.done_at is not None],
        "days": days(seat.zone, now),
        "mentions": _mentions(seat, lead, active),
        **_story(seat, lead, everybody, active, whole="all" in asked),
        "came_by": came_by.lines(queries.came_by(lead)),
        "others": _others(lead),
        "newer": queries.neighbour(lead, newer=True),
        "older": queries.neighbour(lead, newer=False),
        "note_field": _note_field(seat, lead),
        "editing": "edit" in asked,
        "editing_note": asked.get("note", ""),
        "values": {name: getattr(lead, name) or "" for name in FIELDS},
        "problems": {},
        **typed,
    }


def contacts(lead: Lead) -> list[Contact]:
    """The ways to reach the person, as links (RFC 3966, RFC 6068); one that leads nowhere is left out."""
    dialled = _DIALLED.match(lead.phone.strip())
    number = lead.phone_e164 or (re.sub(r"[^0-9+]", "", dialled[0]) if dialled else "")
    found = []
    if number.strip("+"):
        found.append(Contact("phone", _("Call"), lead.phone, f"tel:{number}"))
    found.append(Contact("mail", _("E-mail"), lead.email, f"mailto:{quote(lead.email, safe='@')}"))
    if lead.phone_e164 and lead.phone_valid is not False:
        found.append(Contact("chat", _("WhatsApp"), lead.phone_e164, f"https://wa.me/{lead.phone_e164.lstrip('+')}"))
    return found


def steps(lead_type: LeadType, lead: Lead) -> list[Step]:
    """The stages of the lead's type in their order; the one that it stands in is there even when it is archived."""
    stages = [each for each in lead_type.stages.all() if each.archived_at is None or each.pk == lead.stage_id]
    here = next((place for place, each in enumerate(stages) if each.pk == lead.stage_id), -1)
    return [Step(each, place < here, place == here) for place, each in enumerate(stages)]


def due(task: LeadTask, zone: zoneinfo.ZoneInfo, now: int) -> Due:
    """A follow-up as it is shown ``now``: today, tomorrow, or on which day; how many days late."""
    day, today = _day(task.due_at, zone), _day(now, zone)
    late = task.done_at is None and task.due_at < now
    distance = (day - today).days
    if late and distance < 0:
        words = ngettext("%d day late", "%d days late", -distance) % -distance
    elif distance in {-1, 0, 1}:
        words = {-1: _("yesterday"), 0: _("today"), 1: _("tomorrow")}[distance]
    else:
        # Translators: a day; the letters are those of Django's template filter "date".
        words = date_format(day, pgettext("day", "D j F") if day.year == today.year else pgettext("day", "D j F Y"))
    return Due(task, words, late, day_of(task, zone))


def days(zone: zoneinfo.ZoneInfo, now: int) -> dict[str, str]:
    """The days that are one click away, as dates; ``week`` is the Monday that comes."""
    today = _day(now, zone)
    chosen = {
        "today": today,
        "tomorrow": today + datetime.timedelta(days=1),
        "week": today + datetime.timedelta(days=7 - today.weekday()),
    }
    return {name: day.isoformat() for name, day in chosen.items()}


def end_of(day: datetime.date, zone: zoneinfo.ZoneInfo) -> int:
    """The last moment of a day: what is due on it may be done until then."""
    after = datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time(), zone)
    return int(after.timestamp() * 1000) - 1


def day_of(task: LeadTask, zone: zoneinfo.ZoneInfo) -> str:
    """The day by which a follow-up is to be done, as a date field holds it."""
    return _day(task.due_at, zone).isoformat()


def _day(at_ms: int, zone: zoneinfo.ZoneInfo) -> datetime.date:
    return datetime.datetime.fromtimestamp(at_ms / 1000, zone).date()


def _note_field(seat: Seat, lead: Lead) -> str:
    """The id of the field for a new note.

    It is another one after each note that this person has added: then a swap brings an empty field. Whatever else
    happens on the page, what they are typing stays.
    """
    ours = LeadNote.everything.filter(lead=lead, member=seat.member).order_by("-pk")
    return f"note-after-{ours.values_list('pk', flat=True).first() or 0}"


def _mentions(seat: Seat, lead: Lead, members: Sequence[Member]) -> list[Entry]:
    """The notes on this lead that name the person who looks and that they have not seen yet, the oldest first."""
    unseen = LeadMention.objects.filter(lead=lead, member=seat.member, seen_at=None, note__deleted_at=None)
    found = []
    for mention in unseen.select_related("note__member__user").order_by("at", "id")[:5]:
        writer = mention.note.member
        who = called(writer) if writer else ""
        line = Line(mention.at, ActivityKind.NOTE, note=mention.note)
        found.append(Entry(line, who, notes.pieces(mention.note.text, members)))
    return found


def called(member: Member) -> str:
    """What a member is called where there is room for one word or two."""
    return member.user.name or member.user.email


def _story(
    seat: Seat, lead: Lead, everybody: Sequence[Member], members: Sequence[Member], *, whole: bool
) -> dict[str, Any]:
    """The timeline, and whether there is more of it."""
    by_email = {each.user.email: called(each) for each in everybody}
    most = EVER if whole else AT_MOST
    lines = timeline(lead, most + 1)
    entries = []
    for line in lines[:most]:
        text = line.note.text if line.note else ""
        own = line.note is not None and line.note.member_id == seat.member.pk
        who = by_email.get(line.actor, line.actor)
        entries.append(Entry(line, who, notes.pieces(text, members) if text else [], own, "of" in line.data))
    return {"story": entries, "more_story": len(lines) > most, "whole_story": whole, "names": by_email}


def _others(lead: Lead) -> list[SamePerson]:
    found = merging.same_person(lead)
    beside = merging.carried(found) if found else {}
    return [SamePerson(each, *beside[each.pk]) for each in found]
