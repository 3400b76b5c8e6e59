"""The way in: the first owner's set-up, and the door to one's workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.utils import perform_login
from django.contrib.auth.views import redirect_to_login
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from stagewise.accounts import actions, workspaces
from stagewise.accounts.caller import address_of
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import User
from stagewise.console import inputs, toasts
from stagewise.console.access import seats_of
from stagewise.console.inputs import OwnerForm

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """On to the overview of the first workspace that this person is a member of."""
    if not isinstance(request.user, User):
        return redirect_to_login("/")
    seats = seats_of(request.user)
    if not seats and workspaces.may_make(seats):
        return redirect("workspace_new")
    if not seats:
        return render(request, "no_workspace.html")
    return redirect("overview", slug=seats[0].workspace.slug)


@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """The one-time link: set the owner's e-mail address and password, and be logged in."""
    link = actions.find_setup_link(token)
    if link is None:
        return render(request, "setup_gone.html", status=410)
    form = OwnerForm(request.POST or None)
    problems: dict[str, list[str]] = {}
    if request.method == "POST":
        if form.is_valid():
            email, password = form.cleaned_data["email"], form.cleaned_data["password"]
            try:
                user = actions.redeem_setup_link(token, email, password, address_of(request))
            except ActionError as error:
                problems = error.problems
            else:
                toasts.say(request, _("Welcome! Your account is ready."))
                response: HttpResponse = perform_login(
                    request, user, redirect_url=reverse("api", args=[link.workspace.slug])
                )
                return response
        else:
            problems = inputs.problems(form)
    context = {"link": link, "form": form, "problems": {field or "all": texts for field, texts in problems.items()}}
    return render(request, "setup.html", context, status=422 if problems else 200)
