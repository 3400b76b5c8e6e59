"""Channels: where events go, how that is going, and setting it up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Role
from stagewise.backup.restoring import WHY_PAUSED
from stagewise.console import channel_form, toasts
from stagewise.console.access import Seat, channel_for, page
from stagewise.console.channel_form import Typed
from stagewise.console.context import show
from stagewise.console.templatetags.console import thousands
from stagewise.console.views.leads import Tab, number
from stagewise.notify import actions, channels, figures, outbox, queries
from stagewise.notify.models import DeliveryState
from stagewise.notify.sealed import SealedError

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from stagewise.notify.channels import Kind
    from stagewise.notify.delivering import Tried
    from stagewise.notify.models import Channel

#: The order in which kinds are offered; others follow.
_ORDER = ("email", "webhook", "slack", "discord", "teams", "telegram")


@page(read=Role.VIEWER)
def listed(request: HttpRequest, seat: Seat) -> HttpResponse:
    """All channels with their state, and the kinds that can be added."""
    counts, last = queries.counts(seat.workspace), figures.last_of_channels(seat.workspace)
    rows: list[dict[str, Any]] = [
        {
            "channel": each,
            "label": _label(each.kind),
            "counts": counts.get(each.pk, queries.Counts()),
            "last": last.get(each.pk),
        }
        for each in queries.of_workspace(seat.workspace)
    ]
    kinds = [(each, channel_form.look_of(each.name).line) for each in _kinds()]
    ailing = sum(bool(each["channel"].failing_since or each["channel"].paused_at) for each in rows)
    restored = sum(each["channel"].paused_because == WHY_PAUSED for each in rows)
    return show(request, seat, "channels.html", "channels", rows=rows, kinds=kinds, ailing=ailing, restored=restored)


@page(read=Role.VIEWER)
def channel(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """One channel: how it stands, and its deliveries, newest first."""
    found = channel_for(seat, pk)
    wanted = request.GET.get("state", "")
    state = wanted if wanted in DeliveryState.values else ""
    deliveries = queries.page(seat.workspace, found, state, before=number(request.GET.get("before")))
    kept: dict[str, int | str] = {"state": state} if state else {}
    return show(
        request,
        seat,
        "channel.html",
        "channels",
        channel=found,
        label=_label(found.kind),
        counts=queries.counts(seat.workspace).get(found.pk, queries.Counts()),
        last=figures.last_of_channels(seat.workspace).get(found.pk),
        wants=[outbox.KINDS.get(each, each) for each in found.events],
        deliveries=deliveries.deliveries,
        state=state,
        tabs=[Tab(_("All"), "", not state)]
        + [Tab(each.label, urlencode({"state": each.value}), each == state) for each in DeliveryState],
        older=urlencode({**kept, "before": deliveries.next_before}) if deliveries.next_before else "",
        newest=urlencode(kept) if "before" in request.GET else None,
    )


@page(read=Role.ADMIN, write=Role.ADMIN)
def channel_add(request: HttpRequest, seat: Seat, kind: str) -> HttpResponse:
    """Add a channel of a kind; "Send test event" tries out what is typed and keeps nothing."""
    if kind not in channels.names():
        raise Http404
    if request.method != "POST":
        return _form(request, seat, channels.kind(kind), None)
    typed, tried = channel_form.typed(kind, request.POST), None
    problems = typed.problems
    if not problems:
        try:
            if "test" in request.POST:
                tried = actions.try_out(seat.workspace, kind, typed.target, typed.options)
            else:
                added, secret = actions.add_channel(
                    seat.workspace, kind, typed.name, typed.target,
                    events=typed.events, options=typed.options, actor=seat.user.email,
                )  # fmt: skip
                return _added(request, seat, added, secret)
        except ActionError as error:
            problems = error.problems
    return _form(request, seat, channels.kind(kind), None, typed=typed, problems=problems, tried=tried)


def _added(request: HttpRequest, seat: Seat, added: Channel, secret: str | None) -> HttpResponse:
    if secret is not None:
        return show(request, seat, "channel_secret.html", "channels", channel=added, secret=secret, new=True)
    toasts.say(request, _("“%s” is here. What happens from now on is sent to it.") % added.name)
    return redirect("channel", slug=seat.workspace.slug, pk=added.pk)


@page(read=Role.ADMIN, write=Role.ADMIN)
def channel_edit(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Change a channel. A target that is a secret stays as it is when nothing is typed."""
    found = channel_for(seat, pk)
    kind = channels.kind(found.kind)
    if request.method != "POST":
        return _form(request, seat, kind, found)
    typed = channel_form.typed(found.kind, request.POST)
    problems = typed.problems
    target = None if channel_form.look_of(found.kind).hidden and not typed.target.strip() else typed.target
    if not problems:
        try:
            options = {**found.options, **typed.options}
            actions.update(
                found, name=typed.name, target=target, events=typed.events, options=options, actor=seat.user.email
            )
        except ActionError as error:
            problems = error.problems
        except SealedError as error:
            problems = {"target": [str(error)]}
        else:
            toasts.say(request, _("Saved. What is sent from now on follows it."))
            return redirect("channel", slug=seat.workspace.slug, pk=pk)
    return _form(request, seat, kind, found, typed=typed, problems=problems)


@page(write=Role.ADMIN)
def channel_test(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Send a test event to a saved channel, and say what came of it."""
    found = channel_for(seat, pk)
    try:
        tried = actions.send_test(found, seat.user.email)
    except SealedError as error:
        toasts.refuse(request, ActionError({"": [str(error)]}))
        return redirect("channel", slug=seat.workspace.slug, pk=pk)
    if tried.outcome.problem:
        said = _("The test event did not arrive. %s") % tried.outcome.problem
        toasts.refuse(request, ActionError({"": [said]}))
    else:
        toasts.say(request, _("The test event arrived within %s ms.") % thousands(tried.took_ms))
    return redirect("channel", slug=seat.workspace.slug, pk=pk)


@page(write=Role.ADMIN)
def channel_pause(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Pause or resume; Undo does the other. Nothing is lost while a channel is paused."""
    found = channel_for(seat, pk)
    pausing = request.POST.get("paused") == "on"
    if pausing:
        actions.pause(found, seat.user.email)
        done = _("“%s” is paused. What happens meanwhile waits for it.") % found.name
    else:
        actions.resume(found, seat.user.email)
        done = _("“%s” goes on, and what waited is sent now.") % found.name
    undo = reverse("channel_pause", args=[seat.workspace.slug, pk])
    toasts.say(request, done, undo=undo, fields={"paused": "off" if pausing else "on"})
    return redirect("channel", slug=seat.workspace.slug, pk=pk)


@page(write=Role.ADMIN)
def channels_resume(request: HttpRequest, seat: Seat) -> HttpResponse:
    """Resume all channels that a restore has paused; Undo pauses them again. What was sent meanwhile stays sent."""
    again = [pk for text in request.POST.get("pause", "").split(",") if (pk := number(text)) is not None]
    if again:
        for each in queries.of_workspace(seat.workspace).filter(pk__in=again):
            actions.pause(each, seat.user.email, WHY_PAUSED)
        toasts.say(request, _("They are paused. What happens meanwhile waits for them."))
        return redirect("channels", slug=seat.workspace.slug)
    found = list(queries.of_workspace(seat.workspace).filter(paused_because=WHY_PAUSED))
    for each in found:
        actions.resume(each, seat.user.email)
    said = ngettext("%d channel goes on.", "%d channels go on.", len(found)) % len(found)
    undo = reverse("channels_resume", args=[seat.workspace.slug]) if found else ""
    toasts.say(request, said, undo=undo, fields={"pause": ",".join(str(each.pk) for each in found)})
    return redirect("channels", slug=seat.workspace.slug)


@page(write=Role.ADMIN)
def channel_rotate(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Make a new secret and show it once. Reloading that page does not make another one."""
    found = channel_for(seat, pk)
    if request.POST.get("seen", "") != str(found.old_secret_until or ""):
        toasts.say(request, _("This page was old: the secret has been rotated already, and was shown then."))
        return redirect("channel_edit", slug=seat.workspace.slug, pk=pk)
    try:
        secret = actions.rotate_secret(found, seat.user.email)
    except ActionError as error:
        toasts.refuse(request, error)
        return redirect("channel_edit", slug=seat.workspace.slug, pk=pk)
    return show(request, seat, "channel_secret.html", "channels", channel=found, secret=secret, new=False)


@page(read=Role.ADMIN, write=Role.ADMIN)
def channel_remove(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Ask by naming the channel, then remove it with its deliveries."""
    found = channel_for(seat, pk)
    if request.method != "POST":
        counts = queries.counts(seat.workspace).get(found.pk, queries.Counts())
        return show(request, seat, "channel_remove.html", "channels", channel=found, counts=counts)
    actions.remove_channel(found, seat.user.email)
    toasts.say(request, _("“%s” was removed.") % found.name)
    return redirect("channels", slug=seat.workspace.slug)


def _form(
    request: HttpRequest,
    seat: Seat,
    kind: Kind,
    found: Channel | None,
    *,
    typed: Typed | None = None,
    problems: dict[str, list[str]] | None = None,
    tried: Tried | None = None,
) -> HttpResponse:
    look = channel_form.look_of(kind.name)
    context: dict[str, Any] = {
        "channel": found,
        "kind": kind,
        "look": look,
        "values": channel_form.values(kind.name, typed or found),
        "choices": channel_form.choices(seat.workspace, kind.name),
        "problems": problems or {},
        "tried": tried,
        "can_rotate": found is not None and kind.needs_secret,
    }
    return show(request, seat, "channel_form.html", "channels", status=422 if problems else 200, **context)


def _kinds() -> list[Kind]:
    names = [name for name in _ORDER if name in channels.names()]
    return [channels.kind(name) for name in [*names, *(each for each in channels.names() if each not in names)]]


def _label(name: str) -> str:
    """What people call a kind; its name where this version no longer has it."""
    return channels.kind(name).label if name in channels.names() else name
