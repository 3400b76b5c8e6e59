"""Two leads of one person become one; it can be taken back while the other one is in the trash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from stagewise.accounts import audit
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.leads import queries, working
from stagewise.leads.models import (
    ActivityKind,
    DeletedLead,
    Lead,
    LeadActivity,
    LeadMention,
    LeadNote,
    LeadSearch,
    LeadTag,
    LeadTask,
)
from stagewise.leads.search import digits_of, email_key, phone_key
from stagewise.notify import outbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: So many leads of one person are listed.
MOST: Final = 20
#: A lead that went into another one may have taken in others before: the way is followed so far.
_LONGEST_WAY: Final = 20


class Carried(NamedTuple):
    """What a merge would take over from a lead."""

    notes: int
    tasks: int


def same_person(lead: Lead, at_most: int = MOST) -> list[Lead]:
    """Other leads with the same e-mail address or phone number, newest first, with type, stage and owner.

    Those of the last second may be missing (stagewise/worker/derive.py). Test leads are compared with test leads.
    """
    rows = LeadSearch.objects.filter(workspace_id=lead.workspace_id).exclude(lead_id=lead.pk).order_by("-lead_id")
    ids = set(rows.filter(email_key=email_key(lead.email)).values_list("lead_id", flat=True)[: 2 * at_most])
    by_phone = phone_key(lead.phone, lead.phone_e164)
    if by_phone is not None:
        ids.update(rows.filter(phone_key=by_phone).values_list("lead_id", flat=True)[: 2 * at_most])
    found = Lead.objects.filter(workspace_id=lead.workspace_id, pk__in=ids, test=lead.test)
    listed = found.select_related("lead_type", "stage", "owner__user", "endpoint").order_by("-id")
    # Two keys can be alike by chance: what they were made of decides.
    return [each for each in listed if _alike(lead, each)][:at_most]


def carried(leads: Iterable[Lead]) -> dict[int, Carried]:
    """What a merge would take over from each of these leads, by row id."""
    ids = [lead.pk for lead in leads]
    counts: list[dict[int, int]] = []
    for rows in (LeadNote.objects.all(), LeadTask.objects.filter(done_at=None)):
        found = rows.filter(lead_id__in=ids).order_by().values_list("lead_id").annotate(count=Count("id"))
        counts.append(dict(found))
    notes, tasks = counts
    return {pk: Carried(notes.get(pk, 0), tasks.get(pk, 0)) for pk in ids}


def merge(into: Lead, other: Lead, actor: str = "") -> DeletedLead:
    """Take ``other`` into ``into``, which keeps all that it says and where it stands.

    Notes, tasks, tags and timeline of the other one come over; what it said stands in the line that the merge leaves
    in the timeline. The other one goes to the trash; :func:`stagewise.leads.working.restore` parts the two again.
    """
    with transaction.atomic():
        # Always in one order, so that two people who merge the same two never wait for each other.
        first, second = (working.locked(each) for each in sorted((into, other), key=lambda each: each.pk))
        into, other = (first, second) if first.pk == into.pk else (second, first)
        _refuse(into, other)
        now = now_ms()
        moved = _move(other, into)
        working.touch(into, now)
        moved["line"] = working.write_line(into, ActivityKind.MERGED, actor, now, _said(other)).pk
        kept = working.delete_lead(other, actor, merged_into=into)
        assert kept is not None  # locked above
        kept.moved = moved
        kept.save(update_fields=["moved"])
        outbox.write_of(into, outbox.UPDATED, now, {"changed": ["merged"]})
        audit.record(
            into.workspace, actor, "lead.merged", str(into.public_id), {"merged": [None, str(other.public_id)]}
        )
    return kept


def take_back(kept: DeletedLead) -> None:
    """Give a lead that is being restored what went over to another one; what was deleted since stays deleted."""
    way = _way(kept)
    moved: dict[str, Any] = kept.moved
    for model, ids in ((LeadNote.everything, moved.get("notes")), (LeadTask.objects, moved.get("tasks"))):
        model.filter(pk__in=ids or [], lead_id__in=way).update(lead_id=kept.lead_id)
    LeadMention.objects.filter(note_id__in=moved.get("notes") or [], lead_id__in=way).update(lead_id=kept.lead_id)
    lines = LeadActivity.objects.filter(pk__in=moved.get("lines") or [], lead_id__in=way)
    _mark(lines, kept.lead_id, of=None)
    LeadTag.objects.filter(tag_id__in=moved.get("tags") or [], lead_id__in=way).delete()
    LeadActivity.objects.filter(pk__in=[moved["line"]] if "line" in moved else [], lead_id__in=way).delete()


def _alike(one: Lead, other: Lead) -> bool:
    if one.email.strip().lower() == other.email.strip().lower():
        return True
    digits = digits_of(one.phone_e164 or one.phone)
    return bool(digits) and digits == digits_of(other.phone_e164 or other.phone)


def _refuse(into: Lead, other: Lead) -> None:
    if into.pk == other.pk or into.workspace_id != other.workspace_id:
        raise ActionError({"": [_("Choose another lead of this workspace.")]})
    if into.test != other.test:
        raise ActionError({"": [_("Test leads are deleted after some days: one cannot be merged with a real lead.")]})


def _move(other: Lead, into: Lead) -> dict[str, Any]:
    """Move what can be moved; returns what it was, for :func:`take_back`."""
    notes = list(LeadNote.objects.filter(lead=other).values_list("pk", flat=True))
    LeadNote.objects.filter(pk__in=notes).update(lead=into)
    LeadMention.objects.filter(note_id__in=notes).update(lead=into)
    tasks = list(LeadTask.objects.filter(lead=other).values_list("pk", flat=True))
    LeadTask.objects.filter(pk__in=tasks).update(lead=into)
    lines = list(LeadActivity.objects.filter(lead=other))
    _mark(lines, into.pk, of=str(other.public_id))
    has = LeadTag.objects.filter(lead=into).values_list("tag_id", flat=True)
    tags = list(LeadTag.objects.filter(lead=other).exclude(tag_id__in=list(has)).values_list("tag_id", flat=True))
    LeadTag.objects.bulk_create(LeadTag(workspace_id=into.workspace_id, tag_id=tag, lead=into) for tag in tags)
    return {"notes": notes, "tasks": tasks, "lines": [line.pk for line in lines], "tags": tags}


def _mark(lines: Iterable[LeadActivity], lead_id: int, of: str | None) -> None:
    """Hang lines on a lead, and note in each of which other lead it tells (None: of that one itself)."""
    moved = list(lines)
    for line in moved:
        line.lead_id = lead_id
        line.data = {name: value for name, value in line.data.items() if name != "of"} | ({"of": of} if of else {})
    LeadActivity.objects.bulk_update(moved, ["lead", "data"], batch_size=200)


def _said(other: Lead) -> dict[str, Any]:
    """What the other lead said: it must not be lost when its row goes for good."""
    other = queries.get(other.workspace, other.public_id)
    return {
        "lead": str(other.public_id),
        "name": other.name,
        "email": other.email,
        "phone": other.phone,
        "message": other.message,
        "created_at": other.created_at,
        "lead_type": other.lead_type.name,
        "stage": other.stage.name,
        "endpoint": other.endpoint.name if other.endpoint else None,
        "came_by": queries.came_by(other),
    }


def _way(kept: DeletedLead) -> Sequence[int]:
    """The lead that it was merged into, and where that one went since."""
    way: list[int] = []
    following = kept.merged_into
    while following is not None and following not in way and len(way) < _LONGEST_WAY:
        way.append(following)
        following = DeletedLead.objects.filter(lead_id=following).values_list("merged_into", flat=True).first()
    return way
