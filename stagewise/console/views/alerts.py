"""Alerts: what needs a look, what did before, and by which figures each endpoint is watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stagewise.accounts.caller import address_of
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry, Role
from stagewise.console import alert_links, toasts, watch_form, way_back
from stagewise.console.access import Seat, alert_for, endpoint_for, page
from stagewise.console.context import show
from stagewise.console.views.leads import number
from stagewise.endpoints import queries as endpoints
from stagewise.notify.alerts import actions, queries, raising, rules
from stagewise.notify.alerts.words import describe, setting
from stagewise.notify.models import Watch

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from stagewise.endpoints.models import Endpoint
    from stagewise.notify.models import Alert

#: Hours to snooze for, in words.
SNOOZES = {
    "1": gettext_lazy("for an hour"),
    "8": gettext_lazy("for 8 hours"),
    "24": gettext_lazy("for a day"),
    "168": gettext_lazy("for a week"),
}
_HISTORY = 30


@page(read=Role.VIEWER)
def alerts(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The open ones, those that are over, and each endpoint's canary."""
    now, before = now_ms(), number(request.GET.get("before"))
    opened = list(queries.open_ones(seat.workspace))
    over = queries.of_workspace(seat.workspace).exclude(resolved_at=None)
    rows = list((over if before is None else over.filter(pk__lt=before))[: _HISTORY + 1])
    listed = endpoints.of_workspace(seat.workspace)
    watches = {each.pk: each for each in Watch.objects.filter(endpoint__workspace=seat.workspace)}
    return show(
        request,
        seat,
        "alerts.html",
        "alerts",
        # What somebody is quiet about comes last.
        opened=sorted((_dressed(seat, each, now) for each in opened), key=lambda each: bool(each["snoozed"])),
        history=[_dressed(seat, each, now) for each in rows[:_HISTORY]],
        older=urlencode({"before": rows[_HISTORY - 1].pk}) if len(rows) > _HISTORY else "",
        newest="" if before is not None else None,
        snoozes=SNOOZES,
        watched=[(each, watches.get(each.pk)) for each in listed],
    )


def _dressed(seat: Seat, alert: Alert, now: int) -> dict[str, Any]:
    return {
        "alert": alert,
        "words": describe(alert.kind, alert.data, raising.name_of(alert), seat.zone),
        "snoozed": alert.snoozed_until is not None and alert.snoozed_until > now,
        "look": alert_links.look_at(seat.workspace.slug, alert),
        "can_revert": alert.kind == rules.AFTER_CHANGE and alert.resolved_at is None,
    }


@page(write=Role.ADMIN)
def alert_snooze(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Be quiet about an alert for some hours; 0: tell again."""
    found = alert_for(seat, pk)
    hours = request.POST.get("hours", "")
    if hours == "0":
        actions.snooze(found, 0, seat.user.email)
        toasts.say(request, _("It is shown and told again."))
    elif hours in SNOOZES:
        actions.snooze(found, int(hours), seat.user.email)
        undo = reverse("alert_snooze", args=[seat.workspace.slug, pk])
        toasts.say(request, _("Snoozed %(how_long)s.") % {"how_long": SNOOZES[hours]}, undo=undo, fields={"hours": "0"})
    else:
        toasts.refuse(request, ActionError({"hours": [_("Choose how long the alert is snoozed.")]}))
    return redirect("alerts", slug=seat.workspace.slug)


@page(write=Role.ADMIN)
def alert_revert(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Take back the change of settings that the alert names; Undo makes it again."""
    found = alert_for(seat, pk)
    try:
        saved = actions.revert(found, seat.user.email, address_of(request))
    except ActionError as error:
        toasts.refuse(request, error)
    else:
        _say_taken_back(request, seat, saved)
    return way_back.way_back(request, seat) or redirect("alerts", slug=seat.workspace.slug)


@page(write=Role.ADMIN)
def endpoint_take_back(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Take back one saved change of an endpoint, named by its audit entry."""
    found = endpoint_for(seat, pk)
    entry = number(request.POST.get("entry")) or 0
    try:
        saved = actions.take_back(found, entry, seat.user.email, address_of(request))
    except ActionError as error:
        toasts.refuse(request, error)
    else:
        _say_taken_back(request, seat, saved)
    return redirect("endpoint", slug=seat.workspace.slug, pk=pk)


def _say_taken_back(request: HttpRequest, seat: Seat, saved: Endpoint) -> None:
    """Name what was taken back, which is what the newest audit entry of the endpoint tells."""
    entries = AuditEntry.objects.filter(workspace=seat.workspace, action="endpoint.saved", subject=saved.name)
    entry = entries.latest("id")
    named = ", ".join(dict.fromkeys(setting(field) for field in entry.changes))
    undo = reverse("endpoint_take_back", args=[seat.workspace.slug, saved.pk])
    said = _("“%(name)s” is as before: %(settings)s.") % {"name": saved.name, "settings": named}
    toasts.say(request, said, undo=undo, fields={"entry": entry.pk})


@page(read=Role.VIEWER, write=Role.ADMIN)
def watch(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """By which figures one endpoint is watched, and its canary."""
    found = endpoint_for(seat, pk)
    kept = Watch.objects.filter(endpoint=found).first() or Watch(endpoint=found)
    values = watch_form.values(kept)
    problems: dict[str, list[str]] = {}
    if request.method == "POST":
        values = request.POST.dict()
        figures, minutes, problems = watch_form.typed(request.POST)
        if not problems:
            try:
                actions.set_watch(found, figures, minutes, seat.user.email)
            except ActionError as error:
                problems = error.problems
            else:
                toasts.say(request, _("Saved. “%s” is watched by these figures from the next minute on.") % found.name)
                return redirect("watch", slug=seat.workspace.slug, pk=pk)
    return show(
        request,
        seat,
        "watch.html",
        "alerts",
        status=422 if problems else 200,
        endpoint=found,
        watch=kept,
        values=values,
        problems=problems,
        usual=watch_form.usual(),
    )
