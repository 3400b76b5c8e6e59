"""An invitation, accepted: by somebody new, or by somebody who has an account here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.utils import perform_login
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from stagewise.accounts import invitations
from stagewise.accounts.caller import address_of
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Invitation, User
from stagewise.console import toasts

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Show the invitation, and accept it."""
    invitation = invitations.find(token)
    if invitation is None:
        return render(request, "join_gone.html", status=410)
    if isinstance(request.user, User):
        return _join_as(request, request.user, invitation, token)
    if invitation.email and invitations.known(invitation.email):
        return render(request, "join_log_in.html", {"invitation": invitation, "email": invitation.email})
    return _join_as_new(request, invitation, token)


def _join_as(request: HttpRequest, user: User, invitation: Invitation, token: str) -> HttpResponse:
    """Somebody who is logged in."""
    if invitation.email and invitation.email != user.email:
        context = {"invitation": invitation, "here": request.path}
        return render(request, "join_other.html", context, status=403)
    problem = invitations.refusal(invitation, user)
    if request.method == "POST":
        try:
            invitations.accept(token, user, address_of(request))
        except ActionError as error:
            problem = str(error)
        else:
            toasts.say(request, _("Welcome to %s!") % invitation.workspace.name)
            return redirect("overview", slug=invitation.workspace.slug)
    context = {"invitation": invitation, "problem": problem, "here": request.path}
    return render(request, "join.html", context, status=409 if problem else 200)


def _join_as_new(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    """Somebody who has no account here, as far as the invitation tells."""
    problems: dict[str, list[str]] = {}
    values = {name: request.POST.get(name, "") for name in ("email", "name")}
    if request.method == "POST":
        password = request.POST.get("password", "")
        if password != request.POST.get("again", ""):
            problems["again"] = [_("The two passwords differ.")]
        else:
            try:
                user = invitations.accept_as_new(token, values["email"], values["name"], password, address_of(request))
            except ActionError as error:
                problems = error.problems
            else:
                toasts.say(request, _("Welcome to %s!") % invitation.workspace.name)
                url = reverse("overview", args=[invitation.workspace.slug])
                response: HttpResponse = perform_login(request, user, redirect_url=url)
                return response
    context = {
        "invitation": invitation,
        "values": values,
        "problems": {field or "all": texts for field, texts in problems.items()},
        "here": request.path,
    }
    return render(request, "join_new.html", context, status=422 if problems else 200)
