"""The page Lead types: what it shows, and of what somebody typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.utils.translation import gettext_lazy as _

from stagewise.console.context import show
from stagewise.leads import aliases, board, queries
from stagewise.leads.models import LeadType, LeadTypeAlias, Stage, StageKind

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrPromise

    from stagewise.console.access import Seat

#: The eight hues by name, in the order of their numbers (assets/css/tokens.css).
HUES: list[_StrPromise] = [
    _("Blue"), _("Violet"), _("Amber"), _("Green"), _("Red"), _("Teal"), _("Orange"), _("Olive"),
]  # fmt: skip


class StageLine(NamedTuple):
    """A stage, the name of the field that renames it, and how many leads stand in it."""

    stage: Stage
    field: str
    leads: int


class Card(NamedTuple):
    """A lead type as the page shows it, with the names of its fields."""

    lead_type: LeadType
    field: str
    add_field: str
    alias_field: str
    stages: list[StageLine]
    archived: list[StageLine]
    aliases: list[LeadTypeAlias]
    #: How many leads of it are still being worked.
    waiting: int
    open: bool


def shown(request: HttpRequest, seat: Seat, *, typed: tuple[str, str] = ("", ""), problem: str = "") -> HttpResponse:
    """The page; after a refusal with what was typed (field, text) and what is wrong with it."""
    types = queries.lead_types(seat.workspace)
    stages = [stage for each in types for stage in each.stages.all()]
    figures = board.figures(seat.workspace, stages)
    named: dict[int, list[LeadTypeAlias]] = {}
    for alias in LeadTypeAlias.objects.filter(workspace=seat.workspace):
        named.setdefault(alias.lead_type_id, []).append(alias)
    active = [each for each in types if each.archived_at is None]
    return show(
        request,
        seat,
        "lead_types.html",
        "lead_types",
        status=422 if problem else 200,
        cards=[_card(each, typed[0], figures, named.get(each.pk, [])) for each in active],
        types=active,
        archived=[_card(each, "", figures, []) for each in types if each.archived_at is not None],
        unmatched=aliases.unmatched(seat.workspace),
        kinds=[(StageKind.OPEN, _("Open")), (StageKind.WON, _("Won")), (StageKind.LOST, _("Lost"))],
        hues=list(enumerate(HUES)),
        counted=board.COUNTED,
        typed_in=typed[0],
        typed=typed[1],
        problem=problem,
    )


def _card(
    lead_type: LeadType, typed_in: str, figures: dict[int, tuple[int, int | None]], named: list[LeadTypeAlias]
) -> Card:
    lines = [StageLine(stage, f"stage-{stage.pk}", figures[stage.pk][0]) for stage in lead_type.stages.all()]
    active = [line for line in lines if line.stage.archived_at is None]
    fields = (f"type-{lead_type.pk}", f"add-{lead_type.pk}", f"alias-{lead_type.pk}")
    return Card(
        lead_type,
        *fields,
        active,
        [line for line in lines if line.stage.archived_at is not None],
        named,
        sum(line.leads for line in lines if line.stage.kind == StageKind.OPEN),
        open=typed_in in {*fields, *(line.field for line in active)},
    )
