"""The people of a workspace: who is in, who is invited, who may do what."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stagewise.accounts import invitation_mail, invitations, members, second_factors
from stagewise.accounts.caller import address_of
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Member, Role
from stagewise.console import toasts
from stagewise.console.access import Seat, invitation_for, member_for, page
from stagewise.console.context import show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

    from stagewise.accounts.invitations import Made

#: What each role may do, in a line.
MAY = {
    Role.OWNER: gettext_lazy("Everything, also who else is an owner"),
    Role.ADMIN: gettext_lazy("Settings, people, and leads"),
    Role.AGENT: gettext_lazy("Works the leads"),
    Role.VIEWER: gettext_lazy("Looks, and changes nothing"),
}


class Person(NamedTuple):
    """A line of the list."""

    member: Member
    #: Whether a password alone does not let them in.
    two_factors: bool
    #: The roles that whoever looks may give them; empty: may not change them.
    roles: list[Role]
    is_me: bool


@page(read=Role.VIEWER)
def team(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Everybody, and who is invited."""
    return _team(request, seat)


@page(write=Role.ADMIN)
def team_invite(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Invite somebody by mail."""
    email, role = request.POST.get("email", ""), request.POST.get("role", "")
    if not email.strip():
        problems = {"email": [_("Type the e-mail address of who shall come in, or make a link below.")]}
        return _team(request, seat, values=request.POST, problems=problems)
    try:
        made = invitations.invite(seat.workspace, seat.member, email, role, address_of(request))
    except ActionError as error:
        return _team(request, seat, values=request.POST, problems=error.problems)
    _say_sent(request, made)
    return redirect("team", slug=seat.workspace.slug)


@page(write=Role.ADMIN)
def team_link(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Make a link to hand over; this page shows it once."""
    try:
        made = invitations.invite(seat.workspace, seat.member, "", request.POST.get("role", ""), address_of(request))
    except ActionError as error:
        toasts.refuse(request, error)
        return redirect("team", slug=seat.workspace.slug)
    return _show_link(request, seat, made)


@page(write=Role.ADMIN)
def invitation_renew(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Send an invitation again, or make its link anew."""
    try:
        made = invitations.renew(invitation_for(seat, pk), seat.member, address_of(request))
    except ActionError as error:
        toasts.refuse(request, error)
        return redirect("team", slug=seat.workspace.slug)
    if not made.invitation.email:
        return _show_link(request, seat, made)
    _say_sent(request, made)
    return redirect("team", slug=seat.workspace.slug)


@page(write=Role.ADMIN)
def invitation_withdraw(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Take an invitation back."""
    try:
        there = invitations.withdraw(invitation_for(seat, pk), seat.member, address_of(request))
    except ActionError as error:
        toasts.refuse(request, error)
    else:
        said = (
            _("The invitation of %s no longer works.") % there.email if there.email else _("The link no longer works.")
        )
        toasts.say(request, said, undo=reverse("invitation_restore", args=[seat.workspace.slug, pk]))
    return redirect("team", slug=seat.workspace.slug)


@page(write=Role.ADMIN)
def invitation_restore(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Undo of taking an invitation back."""
    try:
        invitations.restore(invitation_for(seat, pk), seat.member, address_of(request))
    except ActionError as error:
        toasts.refuse(request, error)
    else:
        toasts.say(request, _("The invitation works again."))
    return redirect("team", slug=seat.workspace.slug)


@page(write=Role.ADMIN)
def member_role(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Give somebody another role."""
    found = member_for(seat, pk)
    before, is_me = found.role, found.pk == seat.member.pk
    try:
        there = members.change_role(found, request.POST.get("role", ""), seat.member, address_of(request))
    except ActionError as error:
        toasts.refuse(request, error)
        return redirect("team", slug=seat.workspace.slug)
    values = {"who": called(there), "role": there.get_role_display()}
    if there.role == before:
        toasts.say(request, _("%(who)s has the role %(role)s already.") % values)
    elif is_me:
        # Whoever gives a role away cannot take it back: no Undo.
        toasts.say(request, _("Your role is %(role)s now.") % values)
    else:
        undo = reverse("member_role", args=[seat.workspace.slug, pk])
        toasts.say(request, _("%(who)s has the role %(role)s now.") % values, undo=undo, fields={"role": before})
    return redirect("team", slug=seat.workspace.slug)


@page(write=Role.ADMIN)
def member_deactivate(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Put somebody out."""
    found = member_for(seat, pk)
    if found.pk == seat.member.pk:
        toasts.refuse(
            request, ActionError({"": [_("To go yourself, leave the workspace on the page of your account.")]})
        )
        return redirect("team", slug=seat.workspace.slug)
    try:
        there = members.deactivate(found, seat.member, address_of(request))
    except ActionError as error:
        toasts.refuse(request, error)
    else:
        undo = reverse("member_reactivate", args=[seat.workspace.slug, pk])
        toasts.say(request, _("%s is out, also where they are logged in now.") % called(there), undo=undo)
    return redirect("team", slug=seat.workspace.slug)


@page(write=Role.ADMIN)
def member_reactivate(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Let somebody in again."""
    try:
        there = members.reactivate(member_for(seat, pk), seat.member, address_of(request))
    except ActionError as error:
        toasts.refuse(request, error)
    else:
        values = {"who": called(there), "role": there.get_role_display()}
        toasts.say(request, _("%(who)s is in again, with the role %(role)s.") % values)
    return redirect("team", slug=seat.workspace.slug)


@page(write=Role.VIEWER)
def workspace_leave(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Go oneself. There is no Undo: somebody else must let one in again."""
    try:
        members.deactivate(seat.member, seat.member, address_of(request))
    except ActionError as error:
        toasts.refuse(request, error)
        return redirect("account")
    said = _("You have left %s. An owner or admin there can let you in again.")
    toasts.say(request, said % seat.workspace.name)
    return redirect("home")


def called(member: Member) -> str:
    """The person's name, else their address."""
    return member.user.name or member.user.email


def _say_sent(request: HttpRequest, made: Made) -> None:
    if invitations.mail_is_set_up():
        toasts.say(request, _("An invitation is on its way to %s.") % made.invitation.email)
    else:
        said = _("No mail server is set: the invitation of %s only stands in the console's log.")
        toasts.say(request, said % made.invitation.email)


def _show_link(request: HttpRequest, seat: Seat, made: Made) -> HttpResponse:
    link = invitation_mail.link(made.token)
    return show(request, seat, "team_link.html", "team", link=link, invitation=made.invitation)


def _team(
    request: HttpRequest,
    seat: Seat,
    values: Mapping[str, str] | None = None,
    problems: dict[str, list[str]] | None = None,
) -> HttpResponse:
    everybody = members.roster(seat.workspace)
    manages = seat.runs_settings
    secured = second_factors.who_has(each.user_id for each in everybody) if manages else set()
    given = members.roles_of(seat.member.role)
    people = [
        Person(
            each,
            each.user_id in secured,
            given if members.may_change(seat.member.role, each.role) else [],
            each.pk == seat.member.pk,
        )
        for each in everybody
    ]
    return show(
        request,
        seat,
        "team.html",
        "team",
        status=422 if problems else 200,
        people=[each for each in people if each.member.deactivated_at is None],
        gone=[each for each in people if each.member.deactivated_at is not None],
        waiting=invitations.waiting(seat.workspace) if manages else [],
        roles=[(role, role.label, MAY[role]) for role in given],
        legend=[(role.label, MAY[role]) for role in reversed(members.ORDER)],
        mail_is_set_up=invitations.mail_is_set_up(),
        values=values or {"role": Role.AGENT.value},
        problems=problems or {},
    )
