"""Something done to many leads at once: assign, move, tag, untag, delete; and all of it taken back.

It is done lead by lead with the same functions as for one, in slices: a transaction takes at most some 50 ms, because
leads that come in wait behind it. The request that asks for it begins; what is left the worker finishes.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Q
from django.http import QueryDict
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.leads import bulk_acts as acts
from stagewise.leads import finding
from stagewise.leads.models import BulkChange, BulkKind, BulkLead, Lead

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stagewise.accounts.models import Member
    from stagewise.leads.finding import Filters

#: So many of the leads that match are changed at most, the newest.
AT_MOST: Final = 10_000
#: A transaction takes about this long, in seconds; the next begins after a pause as long.
_SLICE_S: Final = 0.04
#: So many leads are looked for at a time.
_FOUND_AT_ONCE: Final = 200
#: A request works on a change for less than this.
_QUICK_MS: Final = 2_000
#: So many reasons why something was not done are told apart.
_REFUSALS: Final = 5
#: For so long a change can be taken back.
_KEPT_MS: Final = 7 * 86_400_000


def begin(
    member: Member,
    kind: BulkKind,
    *,
    value: str = "",
    ids: Sequence[int] = (),
    filters: Filters | None = None,
) -> BulkChange:
    """Begin to change these leads of the member's workspace, or all that match the filters; :func:`go_on` does it.

    ``value`` is for ``assign`` the row id of a member (empty: nobody), for ``stage`` the name of a stage, for the tags
    a tag's name. Raises :class:`ActionError`.
    """
    workspace = member.workspace
    if not ids and filters is None:
        raise ActionError({"lead": [_("Mark at least one lead first.")]})
    row, label = acts.target(workspace, kind, value)
    total = None if filters is None else finding.count(workspace, filters, AT_MOST)
    return BulkChange.objects.create(
        workspace=workspace,
        member=member,
        actor=member.user.email,
        kind=kind,
        value=row,
        label=label,
        ids=sorted(set(ids), reverse=True)[:AT_MOST],
        query="" if filters is None else _packed(filters),
        total=len(set(ids)) if total is None else total.number if total.exact else None,
        created_at=now_ms(),
    )


def take_back(change: BulkChange) -> BulkChange:
    """Begin to take the change back; what it had not come to yet is left as it is. Again does nothing."""
    with transaction.atomic():
        found = _locked(change.pk)
        if found is None:
            raise ActionError({"": [_("This is too long ago to be taken back.")]})
        if found.undone_at is None:
            found.undone_at, found.ended_at = now_ms(), None
            found.ids, found.query, found.after = [], "", ""
            found.handled, found.total, found.refused = 0, found.changed, {}
            found.save()
    return found


def go_on(change: BulkChange, seconds: float) -> BulkChange:
    """Work on the change for so long; it has ``ended_at`` when all is done."""
    end = time.monotonic() + seconds
    while change.ended_at is None and time.monotonic() < end:
        begun = time.monotonic()
        change = _slice(change)
        time.sleep(min(_SLICE_S, time.monotonic() - begun))
    return change


def work(seconds: float) -> int:
    """Work on the oldest change that has not ended, for so long; returns how many leads were handled."""
    change = BulkChange.objects.select_related("workspace").filter(ended_at=None).order_by("id").first()
    if change is None:
        return 0
    before = change.handled
    return go_on(change, seconds).handled - before


def forget(size: int) -> int:
    """Forget changes that are too old to be taken back; returns how many rows went."""
    old = BulkChange.objects.filter(ended_at__lt=now_ms() - _KEPT_MS).order_by("id").values_list("pk", flat=True)[:1]
    rows = list(BulkLead.objects.filter(bulk_id__in=list(old)).values_list("pk", flat=True)[:size])
    if rows:
        return BulkLead.objects.filter(pk__in=rows).delete()[0]
    return BulkChange.objects.filter(pk__in=list(old)).delete()[0]


def running(member: Member, just_ended_ms: int = 120_000) -> list[BulkChange]:
    """The member's changes that the worker is at, and those that it has ended just now; the newest first."""
    since = now_ms() - just_ended_ms
    found = BulkChange.objects.filter(member=member).filter(Q(ended_at=None) | Q(ended_at__gt=since)).order_by("-id")
    return [each for each in found[:5] if each.ended_at is None or not _was_quick(each)]


def _was_quick(change: BulkChange) -> bool:
    """Whether it was done within its request, and said by that."""
    return change.ended_at is not None and change.ended_at - (change.undone_at or change.created_at) < _QUICK_MS


# A slice


def _slice(change: BulkChange) -> BulkChange:
    """Change some more leads, or take some more back; returns the change as it is now."""
    found = _more(change) if change.undone_at is None and not change.ids and change.query else None
    with transaction.atomic():
        now = _locked(change.pk)
        if now is None:
            change.ended_at = now_ms()
            return change
        # Somebody else may have done a slice in between: then what was found is not what comes next.
        if (now.after, now.undone_at, now.handled, now.ids) != (
            change.after,
            change.undone_at,
            change.handled,
            change.ids,
        ):
            return now
        if found is not None:
            now.ids, now.after, now.query = found
        (_undo_some if now.undone_at else _do_some)(now)
        now.save()
    return now


def _more(change: BulkChange) -> tuple[list[int], str, str]:
    """The next leads that match; where to go on from, and the filters, if there is more to be found."""
    filters = _unpacked(change)
    after = finding.read(change.after, "newest")
    found = finding.ids(change.workspace, filters, after, _FOUND_AT_ONCE, finding.Budget(_SLICE_S))
    ids = found.ids[: AT_MOST - change.handled]
    more = found.following is not None and change.handled + len(ids) < AT_MOST
    return ids, str(found.following) if more else "", change.query if more else ""


def _do_some(change: BulkChange) -> None:
    """Change leads until the slice is over."""
    act, end, done = acts.of(change), time.monotonic() + _SLICE_S, 0
    rows = []
    for pk in change.ids:
        done += 1
        lead = Lead.objects.filter(pk=pk, workspace_id=change.workspace_id).first()
        before = None
        if lead is not None:
            with _refusals(change):
                before = act.do(lead)
        if before is not None:
            rows.append(BulkLead(bulk=change, lead_id=pk, before=before.value))
        if time.monotonic() >= end:
            break
    # A lead may be found twice.
    BulkLead.objects.bulk_create(rows, ignore_conflicts=True)
    change.ids = change.ids[done:]
    change.handled += done
    change.changed += len(rows)
    if not change.ids and not change.query:
        change.ended_at = now_ms()


def _undo_some(change: BulkChange) -> None:
    """Take leads back until the slice is over."""
    act, end = acts.of(change), time.monotonic() + _SLICE_S
    gone = []
    for row in BulkLead.objects.filter(bulk=change).order_by("lead_id")[:_FOUND_AT_ONCE]:
        gone.append(row.pk)
        with _refusals(change):
            act.undo(row.lead_id, row.before)
        if time.monotonic() >= end:
            break
    BulkLead.objects.filter(pk__in=gone).delete()
    change.handled += len(gone)
    if not BulkLead.objects.filter(bulk=change).exists():
        change.ended_at = now_ms()


@contextlib.contextmanager
def _refusals(change: BulkChange) -> Iterator[None]:
    """What cannot be done to one lead is counted, and does not keep the others."""
    try:
        with transaction.atomic():
            yield
    except ActionError as error:
        words = str(error)
        words = words if words in change.refused or len(change.refused) < _REFUSALS else _("and more")
        change.refused[words] = change.refused.get(words, 0) + 1


def _locked(pk: int) -> BulkChange | None:
    rows = BulkChange.objects.select_for_update(of=("self",)).select_related("workspace", "member__user")
    return rows.filter(pk=pk).first()


def _packed(filters: Filters) -> str:
    return urlencode([*filters.to_query(), ("zone", filters.zone)])


def _unpacked(change: BulkChange) -> Filters:
    query = QueryDict(change.query)
    return replace(finding.Filters.from_query(query), me=change.member_id, zone=query.get("zone", ""))
