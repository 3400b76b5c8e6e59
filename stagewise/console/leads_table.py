"""The table of leads: its rows as they are shown, and which columns a member wants to see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.utils.translation import gettext_lazy as _

from stagewise.leads import news
from stagewise.leads.models import StageKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.utils.functional import _StrPromise

    from stagewise.leads.models import Lead, LeadTask, LeadType, Stage

#: Columns that can be shown beside name, message and age, in their order.
COLUMNS: Final[dict[str, _StrPromise]] = {
    "type": _("Lead type"),
    "stage": _("Stage"),
    "tags": _("Tags"),
    "email": _("E-mail"),
    "phone": _("Phone"),
    "endpoint": _("Endpoint"),
    "source": _("Source"),
    "due": _("Next task"),
    "changed": _("Changed"),
    "owner": _("Owner"),
}
USUAL: Final = ("type", "stage", "tags", "owner")

#: Where they are kept in ``Member.prefs``.
PREFERENCE: Final = "lead_columns"


class Row(NamedTuple):
    """A lead in the table."""

    lead: Lead
    new: bool
    tags: list[Any]
    #: What is to be done first, and whether it is late.
    task: LeadTask | None
    late: bool
    #: The stage after its own, if it is still being worked.
    following: Stage | None
    #: How often the same came again.
    again: int


def columns_of(prefs: Mapping[str, Any]) -> list[str]:
    """The columns that a member has chosen, in their order."""
    chosen = prefs.get(PREFERENCE)
    wanted = chosen if isinstance(chosen, list) else USUAL
    return [name for name in COLUMNS if name in wanted]


def rows_of(leads: Iterable[Lead], types: list[LeadType], now: int) -> list[Row]:
    """The leads as :func:`stagewise.leads.finding.load` gives them, with what the table says of each."""
    stages = {each.pk: [stage for stage in each.stages.all() if stage.archived_at is None] for each in types}
    return [_row(lead, stages.get(lead.lead_type_id, []), now) for lead in leads]


def _row(lead: Lead, stages: list[Stage], now: int) -> Row:
    tasks: list[LeadTask] = getattr(lead, "open_tasks", [])
    repeat = getattr(lead, "repeat", None)
    return Row(
        lead=lead,
        new=news.is_new(lead, now),
        tags=[each.tag for each in lead.lead_tags.all()],
        task=tasks[0] if tasks else None,
        late=bool(tasks) and tasks[0].due_at < now,
        following=_following(lead, stages),
        again=repeat.count if repeat else 0,
    )


def _following(lead: Lead, stages: list[Stage]) -> Stage | None:
    if lead.stage.kind != StageKind.OPEN:
        return None
    after = [stage for stage in stages if (stage.position, stage.pk) > (lead.stage.position, lead.stage.pk)]
    return after[0] if after and after[0].kind == StageKind.OPEN else None
