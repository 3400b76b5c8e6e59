"""Fill a workspace with made up leads, as many as one likes: to see how pages fare with a million of them.

What is written is what an installation of that age would hold: leads with their search rows, what a team did with
them, and of calls, used slots and events those that retention would have left.
"""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
from collections import deque
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Max

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Member
from stagewise.core import lead_types
from stagewise.endpoints.models import Endpoint
from stagewise.leads.models import Lead, LeadType, Tag
from stagewise.site.filling import rows
from stagewise.site.filling.tables import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stagewise.accounts.models import Workspace

#: So many leads are made at once by a process, and written in one transaction.
_CHUNK = 20_000
_DAY_MS = 86_400_000
_TAGS = ("VIP", "Waiting for photos", "Second offer", "Builder", "Referral", "Press")


def fill(workspace: Workspace, count: int, *, days: int = 730, seed: int = 1) -> Iterator[int]:
    """Write ``count`` leads of the last ``days`` days; yields how many were written, every now and then.

    The rows are made in processes of their own, one for each processor, while this one writes. Stopped in between,
    it leaves what it has written.
    """
    plan = _plan(workspace, count, days, seed)
    with Writer(plan.now - days * _DAY_MS) as writer, _helpers() as helpers:
        waiting: deque[concurrent.futures.Future[rows.Rows]] = deque()
        for chunk in plan.chunks(_CHUNK):
            waiting.append(helpers.submit(rows.make, chunk))
            if len(waiting) > 2 * (os.cpu_count() or 1):
                yield writer.write(waiting.popleft().result())
        while waiting:
            yield writer.write(waiting.popleft().result())


def _helpers() -> concurrent.futures.ProcessPoolExecutor:
    # Started afresh, not copied: they need neither Django nor our connection to the database.
    return concurrent.futures.ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn"))


def _plan(workspace: Workspace, count: int, days: int, seed: int) -> rows.Plan:
    now = now_ms()
    newest = Lead.objects.filter(workspace=workspace).order_by("-id").values_list("created_at", flat=True).first()
    kinds = LeadType.objects.filter(workspace=workspace, archived_at=None).prefetch_related("stages")
    members = Member.objects.filter(workspace=workspace, deactivated_at=None).exclude(role="viewer")
    return rows.Plan(
        workspace=workspace.pk,
        first=(Lead.objects.aggregate(top=Max("id"))["top"] or 0) + 1,
        count=count,
        # Row ids go up with time: they go on after the leads that are there.
        begin=min(max(now - days * _DAY_MS, newest or 0), now - 1),
        end=now,
        now=now,
        kinds=tuple(rows.Kind(each.pk, _stages(each)) for each in kinds),
        endpoints=tuple(Endpoint.objects.filter(workspace=workspace).values_list("pk", flat=True)),
        members=tuple(members.order_by("pk").values_list("pk", "user__email")),
        tags=tuple(_tag(workspace, hue, name).pk for hue, name in enumerate(_TAGS)),
        people=count * 6 + 1,
        seed=seed,
    )


def _stages(lead_type: LeadType) -> tuple[tuple[int, str, str], ...]:
    return tuple((each.pk, each.kind, each.name) for each in lead_type.stages.all() if each.archived_at is None)


def _tag(workspace: Workspace, hue: int, name: str) -> Tag:
    values = {"name": name, "hue": hue}
    return Tag.objects.get_or_create(workspace=workspace, name_key=lead_types.key(name), defaults=values)[0]


def size_of_database() -> int:
    """How many bytes the database has now."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        return int(cursor.fetchone()[0])
