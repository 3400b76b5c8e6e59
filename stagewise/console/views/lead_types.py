"""Lead types and their stages: add, rename, order, colour, archive, restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Role
from stagewise.console import toasts
from stagewise.console.access import Seat, alias_for, lead_type_for, page, stage_for
from stagewise.console.inputs import HueForm, MoveForm, NameForm, StageForm
from stagewise.console.lead_types_page import shown
from stagewise.leads import actions, aliases, moving

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    from stagewise.leads.models import LeadType, Stage


@page(read=Role.VIEWER)
def lead_types(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The lead types in use in their order, each with its stages, and the archive."""
    return shown(request, seat)


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
def lead_type_paint(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Give a lead type one of the colours."""
    return _paint(request, seat, lead_type_for(seat, pk))


@page(write=Role.ADMIN)
def lead_type_archive(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Archive a lead type; its open leads stay, or become leads of another type. Undo takes it out again."""
    lead_type, target = lead_type_for(seat, pk), request.POST.get("to", "")
    to = lead_type_for(seat, int(target)) if target.isascii() and target.isdigit() else None
    undo = reverse("lead_type_restore", args=[seat.workspace.slug, pk])

    def act() -> str:
        actions.archive_lead_type(lead_type, seat.user.email)
        done = _("“%s” is archived. Calls that name it are refused now.") % lead_type.name
        return f"{done} {_moved(moving.to_type(lead_type, to, seat.user.email))}" if to else done

    return _act(request, seat, act, undo=undo)


@page(write=Role.ADMIN)
def lead_type_restore(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Take a lead type out of the archive."""
    lead_type = lead_type_for(seat, pk)
    return _act(request, seat, lambda: actions.restore_lead_type(lead_type, seat.user.email))


@page(write=Role.ADMIN)
def alias_add(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Give a lead type another name that calls may use; Undo takes it away."""
    lead_type, name = lead_type_for(seat, pk), _posted_name(request)

    def act() -> None:
        alias = aliases.add_alias(lead_type, name, seat.user.email)
        toasts.say(
            request,
            _("Calls that name “%(name)s” make leads of the type “%(type)s” now.")
            % {"name": alias.name, "type": lead_type.name},
            undo=reverse("alias_remove", args=[seat.workspace.slug, alias.pk]),
        )

    return _act(request, seat, act, typed=(f"alias-{pk}", name))


@page(write=Role.ADMIN)
def alias_remove(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Take a name away from a lead type; Undo gives it back."""
    alias = alias_for(seat, pk)

    def act() -> None:
        aliases.remove_alias(alias, seat.user.email)
        toasts.say(
            request,
            _("Calls that name “%s” are refused now.") % alias.name,
            undo=reverse("alias_add", args=[seat.workspace.slug, alias.lead_type_id]),
            fields={"name": alias.name},
        )

    return _act(request, seat, act)


@page(write=Role.ADMIN)
def unmatched_dismiss(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Forget a name that came and was no lead type's."""
    return _act(request, seat, lambda: aliases.dismiss(seat.workspace, request.POST.get("key", "")[:200]))


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
def stage_paint(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Give a stage one of the colours."""
    return _paint(request, seat, stage_for(seat, pk))


@page(write=Role.ADMIN)
def stage_archive(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Archive a stage; the leads in it stay, or move to another one. Undo takes it out again."""
    stage, target = stage_for(seat, pk), request.POST.get("to", "")
    to = stage_for(seat, int(target)) if target.isascii() and target.isdigit() else None
    undo = reverse("stage_restore", args=[seat.workspace.slug, pk])

    def act() -> str:
        if to is not None and to.lead_type_id != stage.lead_type_id:
            raise ActionError({"to": [_("Choose a stage of the same lead type.")]})
        actions.archive_stage(stage, seat.user.email)
        done = _("The stage “%s” is archived.") % stage.name
        return f"{done} {_moved(moving.to_stage([stage], to, seat.user.email))}" if to else done

    return _act(request, seat, act, undo=undo)


@page(write=Role.ADMIN)
def stage_restore(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Take a stage out of the archive."""
    stage = stage_for(seat, pk)
    return _act(request, seat, lambda: actions.restore_stage(stage, seat.user.email))


def _paint(request: HttpRequest, seat: Seat, item: LeadType | Stage) -> HttpResponse:
    form = HueForm(request.POST)

    def act() -> None:
        if not form.is_valid():
            raise ActionError({"hue": [_("Choose one of the colours.")]})
        actions.paint(item, form.cleaned_data["hue"], seat.user.email)

    return _act(request, seat, act)


def _moved(moved: moving.Moved) -> str:
    words = ngettext("%d lead was moved.", "%d leads were moved.", moved.leads) % moved.leads
    return f"{words} {_('There are more: archive it again to move them too.')}" if moved.more else words


def _act(
    request: HttpRequest,
    seat: Seat,
    action: Callable[[], object],
    *,
    undo: str = "",
    typed: tuple[str, str] | None = None,
) -> HttpResponse:
    """Do it and go back to the page; a text that it returns is said.

    What was ``typed`` (field, text) stays in its field if it was refused.
    """
    try:
        done = action()
    except ActionError as error:
        if typed is not None:
            return shown(request, seat, typed=typed, problem=str(error))
        toasts.refuse(request, error)
    else:
        if isinstance(done, str):
            toasts.say(request, done, undo=undo)
    return redirect("lead_types", slug=seat.workspace.slug)


def _posted_name(request: HttpRequest) -> str:
    form = NameForm(request.POST)
    form.is_valid()
    return str(form.cleaned_data.get("name", ""))


def _posted_place(request: HttpRequest) -> int:
    form = MoveForm(request.POST)
    return int(form.cleaned_data["to"]) if form.is_valid() else 0
