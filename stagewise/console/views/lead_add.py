"""Adding a lead by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Member, Role
from stagewise.console import toasts
from stagewise.console.access import Seat, page
from stagewise.console.context import show
from stagewise.console.views.leads import number
from stagewise.leads import queries, working

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_FIELDS = ("name", "phone", "email", "message")


@page(read=Role.AGENT, write=Role.AGENT)
def lead_add(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Ask for the fields of the public endpoint, by its rules, and for type and owner."""
    types = queries.lead_types(seat.workspace, archived=False)
    members = list(
        Member.objects.filter(workspace=seat.workspace, deactivated_at=None).select_related("user").order_by("pk")
    )
    typed = {name: request.POST.get(name, "") for name in (*_FIELDS, "type", "owner")}
    problems: dict[str, list[str]] = {}
    if request.method == "POST":
        owner = next((each for each in members if each.pk == number(typed["owner"])), None)
        lead_type = next((each for each in types if each.pk == number(typed["type"])), types[0])
        raw: dict[str, object] = {name: typed[name] for name in _FIELDS if typed[name] or name != "message"}
        try:
            lead = working.add(seat.workspace, {**raw, "lead_type_name": lead_type.name}, seat.user.email, owner=owner)
        except ActionError as error:
            problems = error.problems
        else:
            undo = reverse("lead_delete", args=[seat.workspace.slug, lead.public_id])
            toasts.say(request, _("“%s” is a lead now.") % lead.name[:80], undo=undo)
            if request.POST.get("again"):
                return redirect("lead_add", slug=seat.workspace.slug)
            return redirect("lead", slug=seat.workspace.slug, public_id=lead.public_id)
    else:
        typed |= {"type": request.GET.get("type", ""), "owner": str(seat.member.pk)}
    status = 422 if problems else 200
    return show(
        request, seat, "lead_add.html", "leads", status, types=types, members=members, values=typed, problems=problems
    )
