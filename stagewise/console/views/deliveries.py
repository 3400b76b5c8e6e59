"""Deliveries: one event to one channel with its tries, and sending it again."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stagewise.accounts.models import Role
from stagewise.console import toasts
from stagewise.console.access import Seat, channel_for, delivery_for, page
from stagewise.console.context import show
from stagewise.console.templatetags.console import thousands
from stagewise.leads.models import Lead
from stagewise.notify import actions, outbox, queries
from stagewise.notify.schedule import MOST_TRIES

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@page(read=Role.VIEWER)
def delivery(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """One delivery with every try: the receiver's status, when, how long it took, the beginning of its answer."""
    found = delivery_for(seat, pk)
    lead = Lead.objects.filter(workspace=seat.workspace, pk=found.lead_id or 0).values_list("public_id", "name").first()
    return show(
        request,
        seat,
        "delivery.html",
        "channels",
        delivery=found,
        channel=found.channel,
        lead=lead,
        tries=queries.tries(found),
        most_tries=MOST_TRIES,
        can_resend=seat.runs_settings and found.kind != outbox.TEST,
    )


@page(write=Role.ADMIN)
def delivery_resend(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Send one delivery again, now."""
    found = delivery_for(seat, pk)
    actions.resend(found, seat.user.email)
    if found.channel.paused_at:
        toasts.say(request, _("It is sent again once the channel goes on, under the same id."))
    else:
        toasts.say(request, _("It is sent again, under the same id."))
    return redirect("delivery", slug=seat.workspace.slug, pk=pk)


@page(write=Role.ADMIN)
def channel_resend(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Send again what happened in a range of time: what failed, or everything."""
    found = channel_for(seat, pk)
    since, until = (_moment(request.POST.get(name, ""), seat) for name in ("since", "until"))
    if since is None or until is None or since >= until:
        toasts.say(request, _("Nothing was sent again: choose two moments, the earlier one first."))
        return redirect("channel", slug=seat.workspace.slug, pk=pk)
    only_failed = request.POST.get("which") != "all"
    # A moment that was typed names its whole minute.
    count = actions.resend_range(found, since, until + 60_000, only_failed=only_failed, actor=seat.user.email)
    if count:
        many = ngettext("%(count)s delivery is sent again.", "%(count)s deliveries are sent again.", count)
        toasts.say(request, many % {"count": thousands(count)})
    else:
        toasts.say(request, _("There was nothing to send again in that time."))
    return redirect("channel", slug=seat.workspace.slug, pk=pk)


def _moment(text: str, seat: Seat) -> int | None:
    """Milliseconds since 1970 of what a person typed, in the workspace's time zone; None where it is no moment."""
    try:
        moment = datetime.datetime.fromisoformat(text.strip())
        known = moment if moment.tzinfo else moment.replace(tzinfo=seat.zone)
        return round(known.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
