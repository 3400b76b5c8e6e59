"""Lead types and their stages: add, rename, order, archive, restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.shortcuts import redirect
from django.urls import reverse

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Role
from stagewise.console import toasts
from stagewise.console.access import Seat, lead_type_for, page, stage_for
from stagewise.console.context import show
from stagewise.console.inputs import MoveForm, NameForm, StageForm
from stagewise.leads import actions, queries
from stagewise.leads.models import LeadType, Stage, StageKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse


class StageLine(NamedTuple):
    """A stage and the name of the field that renames it."""

    stage: Stage
    field: str


class Card(NamedTuple):
    """A lead type as the page shows it, with the names of its fields."""

    lead_type: LeadType
    field: str
    add_field: str
    stages: list[StageLine]
    archived: list[Stage]
    open: bool


@page(read=Role.VIEWER)
def lead_types(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The lead types in use in their order, each with its stages, and the archive."""
    return _listed(request, seat)


@page(write=Role.ADMIN)
def lead_type_add(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Add a lead type."""
    name = _posted_name(request)
    return _act(
        request, seat, lambda: actions.add_lead_type(seat.workspace, name, seat.user.email), typed=("add", name)
    )


@page(write=Role.ADMIN)
def lead_type_rename(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Give a lead type another name."""
    lead_type, name = lead_type_for(seat, pk), _posted_name(request)
    return _act(
        request,
        seat,
        lambda: actions.rename_lead_type(lead_type, name, seat.user.email),
        typed=(f"type-{pk}", name),
    )


@page(write=Role.ADMIN)
def lead_type_move(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Move a lead type up or down."""
    lead_type, to = lead_type_for(seat, pk), _posted_place(request)
    return _act(request, seat, lambda: actions.move_lead_type(lead_type, to, seat.user.email))


@page(write=Role.ADMIN)
def lead_type_archive(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Archive a lead type; Undo takes it out again."""
    lead_type = lead_type_for(seat, pk)
    undo = reverse("lead_type_restore", args=[seat.workspace.slug, pk])
    done = f"“{lead_type.name}” is archived. Calls that name it are refused now."
    return _act(request, seat, lambda: actions.archive_lead_type(lead_type, seat.user.email), done=done, undo=undo)


@page(write=Role.ADMIN)
def lead_type_restore(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Take a lead type out of the archive."""
    lead_type = lead_type_for(seat, pk)
    return _act(request, seat, lambda: actions.restore_lead_type(lead_type, seat.user.email))


@page(write=Role.ADMIN)
def stage_add(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Add a stage to a lead type."""
    lead_type, form, name = lead_type_for(seat, pk), StageForm(request.POST), _posted_name(request)
    form.is_valid()
    kind = str(form.cleaned_data.get("kind", ""))
    return _act(
        request,
        seat,
        lambda: actions.add_stage(lead_type, name, kind, seat.user.email),
        typed=(f"add-{pk}", name),
    )


@page(write=Role.ADMIN)
def stage_rename(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Give a stage another name."""
    stage, name = stage_for(seat, pk), _posted_name(request)
    return _act(request, seat, lambda: actions.rename_stage(stage, name, seat.user.email), typed=(f"stage-{pk}", name))


@page(write=Role.ADMIN)
def stage_move(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Move a stage up or down."""
    stage, to = stage_for(seat, pk), _posted_place(request)
    return _act(request, seat, lambda: actions.move_stage(stage, to, seat.user.email))


@page(write=Role.ADMIN)
def stage_archive(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Archive a stage; Undo takes it out again."""
    stage = stage_for(seat, pk)
    undo = reverse("stage_restore", args=[seat.workspace.slug, pk])
    done = f"The stage “{stage.name}” is archived."
    return _act(request, seat, lambda: actions.archive_stage(stage, seat.user.email), done=done, undo=undo)


@page(write=Role.ADMIN)
def stage_restore(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Take a stage out of the archive."""
    stage = stage_for(seat, pk)
    return _act(request, seat, lambda: actions.restore_stage(stage, seat.user.email))


def _act(
    request: HttpRequest,
    seat: Seat,
    action: Callable[[], object],
    *,
    done: str = "",
    undo: str = "",
    typed: tuple[str, str] | None = None,
) -> HttpResponse:
    """Do it and go back to the page; what was ``typed`` (field, text) stays in its field if it was refused."""
    try:
        action()
    except ActionError as error:
        if typed is not None:
            return _listed(request, seat, typed=typed, problem=str(error))
        toasts.refuse(request, error)
    else:
        if done:
            toasts.say(request, done, undo=undo)
    return redirect("lead_types", slug=seat.workspace.slug)


def _listed(request: HttpRequest, seat: Seat, typed: tuple[str, str] = ("", ""), problem: str = "") -> HttpResponse:
    return show(
        request,
        seat,
        "lead_types.html",
        "lead_types",
        status=422 if problem else 200,
        cards=[_card(each, typed[0]) for each in queries.lead_types(seat.workspace, archived=False)],
        archived=queries.lead_types(seat.workspace, archived=True),
        kinds=StageKind.choices,
        typed_in=typed[0],
        typed=typed[1],
        problem=problem,
    )


def _card(lead_type: LeadType, typed_in: str) -> Card:
    stages = list(lead_type.stages.all())
    lines = [StageLine(stage, f"stage-{stage.pk}") for stage in stages if stage.archived_at is None]
    add_field = f"add-{lead_type.pk}"
    return Card(
        lead_type,
        f"type-{lead_type.pk}",
        add_field,
        lines,
        [stage for stage in stages if stage.archived_at is not None],
        open=typed_in in {f"type-{lead_type.pk}", add_field, *(line.field for line in lines)},
    )


def _posted_name(request: HttpRequest) -> str:
    form = NameForm(request.POST)
    form.is_valid()
    return str(form.cleaned_data.get("name", ""))


def _posted_place(request: HttpRequest) -> int:
    form = MoveForm(request.POST)
    return int(form.cleaned_data["to"]) if form.is_valid() else 0
