"""What each workspace throws away by its own periods (kept.py): leads, calls, deliveries, audit entries, addresses.

Every step handles a slice, the oldest rows of one workspace first: their ids grow with their time, so no index on time
is needed. A step that is cut off in the middle begins where it was.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.db.models import F

from stagewise.accounts import audit
from stagewise.accounts.models import AuditEntry, Workspace
from stagewise.calls import network
from stagewise.core.ids import uuid7
from stagewise.endpoints.models import Attempt, AttemptSummary
from stagewise.leads import trash
from stagewise.leads.models import HeldLead, Lead, LeadType
from stagewise.notify import outbox
from stagewise.notify.models import Delivery, Event
from stagewise.worker.kept import Kept, kept_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from stagewise.worker.slices import Slices

DAY_MS: Final = 86_400_000


class Ageing:
    """All of it. It remembers up to where addresses were truncated; a new one only has to look a little longer."""

    def __init__(self) -> None:
        #: (table, workspace) → the row id, or of counted calls the hour, up to which addresses are truncated.
        self._truncated: dict[tuple[str, int], int] = {}

    def prune(self, slices: Slices, now: int) -> int:
        """Throw away what is due at ``now`` (milliseconds since 1970); returns how many rows that concerned."""
        done = 0
        longest = longest_attempts()
        for workspace in Workspace.objects.order_by("id"):
            kept = kept_of(workspace.kept)
            done += _delete(slices, workspace, kept, longest, now)
            for lead_type in LeadType.objects.filter(workspace=workspace).exclude(keep_days=None):
                done += _forget_leads(slices, workspace, lead_type, now)
            if kept.addresses is not None:
                done += self._truncate(slices, workspace, now - kept.addresses * DAY_MS)
        return done

    def _truncate(self, slices: Slices, workspace: Workspace, before: int) -> int:
        done = slices.work(partial(trash.truncate_addresses, workspace.pk, before, _network))
        leads, held = (model.objects.filter(workspace=workspace) for model in (Lead, HeldLead))
        calls = Attempt.objects.filter(workspace_id=workspace.pk)
        for rows, column in ((leads, "created_at"), (held, "at"), (calls, "at")):
            done += slices.work(partial(self._truncate_some, rows, column, workspace.pk, before))
        return done + slices.work(partial(self._truncate_summaries, workspace.pk, before))

    def _truncate_some(self, chosen: QuerySet[Any], column: str, workspace_id: int, before: int, size: int) -> int:
        """Truncate the addresses of the next rows that are old enough.

        A row may be older than the one before it, such as a lead that was held for a while.
        """
        place = (chosen.model._meta.db_table, workspace_id)
        whole = _whole(chosen.filter(id__gt=self._truncated.get(place, 0)))
        rows = list(whole.order_by("id").values_list("id", "address", column)[:size])
        old = [row for row in rows if row[2] < before]
        if old:
            with transaction.atomic():
                for row_id, address, at in old:
                    # With its time, so that PostgreSQL looks into one month only.
                    chosen.filter(id=row_id, **{column: at}).update(address=_network(address))
        if len(old) == len(rows) and old:
            self._truncated[place] = old[-1][0]
        return len(old)

    def _truncate_summaries(self, workspace_id: int, before: int, size: int) -> int:
        """Truncate addresses of counted calls, by the hour; rows that become alike by it become one."""
        place = ("attempt_summary", workspace_id)
        since = self._truncated.get(place, 0)
        whole = _whole(AttemptSummary.objects.filter(workspace_id=workspace_id, hour__gte=since, hour__lt=before))
        rows = list(whole.order_by("hour", "id")[:size])
        if rows:
            with transaction.atomic():
                for row in rows:
                    _truncate_summary(row)
            self._truncated[place] = rows[-1].hour
        return len(rows)


def _truncate_summary(row: AttemptSummary) -> None:
    address = _network(row.address)
    alike = AttemptSummary.objects.filter(
        endpoint_id=row.endpoint_id, hour=row.hour, outcome=row.outcome, origin=row.origin, address=address
    )
    if alike.update(count=F("count") + row.count):
        row.delete()
    else:
        row.address = address
        row.save(update_fields=["address"])


def longest_attempts() -> int:
    """The longest period, in days, for which any workspace keeps its calls; others delete theirs before."""
    periods = [kept_of(document).attempts for document in Workspace.objects.values_list("kept", flat=True)]
    return max(periods, default=Kept().attempts)


def _whole(chosen: QuerySet[Any]) -> QuerySet[Any]:
    """Rows whose address was not truncated yet."""
    return chosen.exclude(address=None).exclude(address="").exclude(address__contains="/")


def _network(address: str) -> str:
    """What stays of an address; nothing of a text that is none."""
    try:
        return network(address)
    except ValueError:
        return ""


def _delete(slices: Slices, workspace: Workspace, kept: Kept, longest: int, now: int) -> int:
    done = 0
    # By the longest period the calls of all workspaces go at once (retention.py).
    if kept.attempts < longest:
        before = now - kept.attempts * DAY_MS
        calls = Attempt.objects.filter(workspace_id=workspace.pk)
        summaries = AttemptSummary.objects.filter(workspace_id=workspace.pk)
        done += slices.work(partial(_delete_oldest, calls, "at", before))
        done += slices.work(partial(_delete_oldest, summaries, "hour", before))
    done += slices.work(partial(_forget_deliveries, workspace.pk, now - kept.deliveries * DAY_MS))
    if kept.audit is not None:
        entries = AuditEntry.objects.filter(workspace=workspace)
        done += slices.work(partial(_delete_oldest, entries, "at", now - kept.audit * DAY_MS))
    return done


def _delete_oldest(chosen: QuerySet[Any], column: str, before: int, size: int) -> int:
    oldest = chosen.order_by("id").values_list("id", column)[:size]
    old = [row_id for row_id, at in oldest if at < before]
    if old:
        with transaction.atomic():
            chosen.filter(id__in=old, **{f"{column}__lt": before}).delete()
    return len(old)


def _forget_deliveries(workspace_id: int, before: int, size: int) -> int:
    """Those that were settled long ago; one that waits at a paused channel is given up after as long."""
    oldest = Delivery.objects.filter(workspace_id=workspace_id).order_by("id").values_list("pk", "settled_at", "at")
    old = [row_id for row_id, settled, at in oldest[:size] if (at if settled is None else settled) < before]
    if old:
        with transaction.atomic():
            Delivery.objects.filter(pk__in=old).delete()
    return len(old)


def _forget_leads(slices: Slices, workspace: Workspace, lead_type: LeadType, now: int) -> int:
    """Delete the leads of a type that are old enough, with an event for each and one audit entry for all."""
    before = now - (lead_type.keep_days or 0) * DAY_MS
    done = slices.work(partial(_forget_some_leads, workspace.pk, lead_type.pk, before, now))
    # Those that somebody has deleted before: of them channels and audit have heard.
    slices.work(partial(trash.expire_of_type, lead_type, before))
    if done:
        audit.record(workspace, "", "leads.deleted_by_age", lead_type.name, {"count": [None, done]})
    return done


def _forget_some_leads(workspace_id: int, lead_type_id: int, before: int, now: int, size: int) -> int:
    oldest = Lead.objects.filter(workspace_id=workspace_id, lead_type_id=lead_type_id).order_by("id")
    rows = list(oldest.values_list("id", "public_id", "created_at", "test")[:size])
    old = [(row_id, public_id, test) for row_id, public_id, at, test in rows if at < before]
    if not old:
        return 0
    with transaction.atomic():
        Event.objects.bulk_create(
            Event(
                workspace_id=workspace_id, public_id=uuid7(now), kind=outbox.DELETED, lead_id=row_id, at=now,
                data={"lead": str(public_id)},
            )
            for row_id, public_id, test in old
            if not test
        )  # fmt: skip
        Lead.objects.filter(id__in=[row_id for row_id, *_ in old]).delete()
    return len(old)
