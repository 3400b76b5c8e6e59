"""The board: the stages of a lead type as columns, with the newest leads of each.

However many leads there are, a page takes three queries: what stands in each column, how many (counted up to a cap)
and since when, and the leads themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

from stagewise.leads.models import Lead, LeadType, Stage, StageKind

if TYPE_CHECKING:
    from stagewise.accounts.models import Member, Workspace

#: Cards of a column at first, and with each "Show more".
CARDS = 25
#: So far the leads of a column are counted.
COUNTED = 1_000
#: More cards than this are not shown in one column: then the list is the better place.
MOST_CARDS = 500


class Column(NamedTuple):
    """A stage with its newest leads. ``total`` is ``COUNTED`` + 1 where there are more."""

    stage: Stage
    leads: list[Lead]
    total: int
    #: When the lead came that stands here longest, milliseconds since 1970.
    oldest: int | None
    #: How many cards to ask for to see more; 0: these are all.
    more: int

    @property
    def is_open(self) -> bool:
        """Whether leads in this stage are still being worked."""
        return self.stage.kind == StageKind.OPEN

    @property
    def counted(self) -> str:
        """The count in figures: "1,000+" where counting ended."""
        return f"{COUNTED:,}+" if self.total > COUNTED else f"{self.total:,}"


def columns(
    workspace: Workspace, lead_type: LeadType, owner: Member | None = None, cards: dict[int, int] | None = None
) -> list[Column]:
    """The columns of a lead type: its stages in use, and archived ones while leads stand in them.

    ``owner``: only this member's leads. ``cards``: how many to show of a stage, by its id.
    """
    stages = list(lead_type.stages.all())
    if not stages:
        return []
    wanted = {stage.pk: min(max((cards or {}).get(stage.pk, CARDS), CARDS), MOST_CARDS) for stage in stages}
    found_in = figures(workspace, stages, owner)
    ids = _newest(workspace, wanted, owner)
    rows = Lead.objects.filter(id__in=ids).select_related("owner__user").order_by("-id")
    by_stage: dict[int, list[Lead]] = {}
    for lead in rows:
        by_stage.setdefault(lead.stage_id, []).append(lead)
    found = []
    for stage in stages:
        count, oldest = found_in[stage.pk]
        if stage.archived_at is not None and not count:
            continue
        leads = by_stage.get(stage.pk, [])[: wanted[stage.pk]]
        more = wanted[stage.pk] + CARDS if count > len(leads) and wanted[stage.pk] < MOST_CARDS else 0
        found.append(Column(stage, leads, count, oldest, more))
    return found


def figures(
    workspace: Workspace, stages: list[Stage], owner: Member | None = None
) -> dict[int, tuple[int, int | None]]:
    """How many leads stand in each stage (``COUNTED`` + 1: more than that), and when the first of them came."""
    if not stages:
        return {}
    condition, values = _condition(owner)
    there = f"FROM lead WHERE workspace_id = %s AND {condition}"
    part = (
        f"SELECT %s, (SELECT count(*) FROM (SELECT 1 {there} LIMIT %s) AS c),"  # noqa: S608
        f" (SELECT created_at {there} ORDER BY id LIMIT 1)"
    )
    parameters: list[Any] = []
    for stage in stages:
        place = [workspace.pk, stage.pk, *values]
        parameters += [stage.pk, *place, COUNTED + 1, *place]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([part] * len(stages)), parameters)
        return {stage_id: (count, oldest) for stage_id, count, oldest in cursor.fetchall()}


def _newest(workspace: Workspace, wanted: dict[int, int], owner: Member | None) -> list[int]:
    """The ids of the newest leads of each stage: one walk in the index for each, in one statement."""
    condition, values = _condition(owner)
    part = (
        f"SELECT id FROM (SELECT id FROM lead WHERE workspace_id = %s AND {condition} ORDER BY id DESC LIMIT %s) AS s"  # noqa: S608
    )
    parameters: list[Any] = []
    for stage_id, size in wanted.items():
        parameters += [workspace.pk, stage_id, *values, size]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([part] * len(wanted)), parameters)
        return [row[0] for row in cursor.fetchall()]


def _condition(owner: Member | None) -> tuple[str, list[Any]]:
    """Which leads of a stage; its parameters after the stage's id."""
    if owner is None:
        return "stage_id = %s", []
    return "stage_id = %s AND owner_id = %s", [owner.pk]
