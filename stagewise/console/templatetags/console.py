"""Tags for the console's templates."""

from __future__ import annotations

import datetime
import time
import zoneinfo
from typing import TYPE_CHECKING, Any

from django import template
from django.contrib.messages import get_messages
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy, pgettext

from stagewise.console import toasts
from stagewise.leads.queries import iso
from stagewise.notify import outbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.safestring import SafeString

    from stagewise.notify.models import Delivery

register = template.Library()

#: Below so many seconds, count in units of so many, said so of what was and of what is to come. The script says it so
#: later (assets/js/times.js).
_STEPS = (
    (60, 1, ngettext_lazy("%d second ago", "%d seconds ago"), ngettext_lazy("in %d second", "in %d seconds")),
    (3600, 60, ngettext_lazy("%d minute ago", "%d minutes ago"), ngettext_lazy("in %d minute", "in %d minutes")),
    (86_400, 3600, ngettext_lazy("%d hour ago", "%d hours ago"), ngettext_lazy("in %d hour", "in %d hours")),
    (30 * 86_400, 86_400, ngettext_lazy("%d day ago", "%d days ago"), ngettext_lazy("in %d day", "in %d days")),
    (
        365 * 86_400,
        30 * 86_400,
        ngettext_lazy("%d month ago", "%d months ago"),
        ngettext_lazy("in %d month", "in %d months"),
    ),
    (
        float("inf"),
        365 * 86_400,
        ngettext_lazy("%d year ago", "%d years ago"),
        ngettext_lazy("in %d year", "in %d years"),
    ),
)


@register.simple_tag(takes_context=True)
def when(context: template.Context, at_ms: int) -> SafeString:
    """A moment, relative; the exact one, in the workspace's zone, on hover."""
    return format_html(
        '<time class="when" datetime="{}" title="{}">{}</time>', iso(at_ms), _exact(context, at_ms), ago(at_ms)
    )


@register.simple_tag(takes_context=True)
def exactly(context: template.Context, at_ms: int) -> SafeString:
    """A moment, exact, in the workspace's zone."""
    return format_html('<time datetime="{}">{}</time>', iso(at_ms), _exact(context, at_ms))


@register.simple_tag(takes_context=True)
def toast_list(context: template.Context) -> list[dict[str, Any]]:
    """The messages to show once."""
    return [toasts.read(message) for message in get_messages(context["request"])]


@register.filter
def first_line(text: str | None) -> str:
    """The first line with something on it."""
    return next((line for line in (text or "").splitlines() if line.strip()), "")


@register.filter
def thousands(number: int) -> str:
    """A whole number in groups of three as the language writes them: 12,345."""
    return number_format(number, use_l10n=True, force_grouping=True)


@register.filter
def event_words(delivery: Delivery) -> str:
    """What a delivery tells of, in words."""
    others = {outbox.TEST: _("A test event"), outbox.DIGEST: _("Many leads in one mail")}
    return str({**outbox.KINDS, **others}.get(delivery.kind, delivery.kind))


@register.filter
def at(found: Mapping[str, Any] | None, name: str) -> Any:
    """What a mapping holds under a name that is a variable; nothing where there is none."""
    return (found or {}).get(name, "")


def ago(at_ms: int, now_ms: int | None = None) -> str:
    """How long ago, in the largest unit that fits: "3 minutes ago"; "in 2 hours" for what is to come."""
    seconds = (int(time.time() * 1000) if now_ms is None else now_ms) / 1000 - at_ms / 1000
    size = abs(seconds)
    if size < 10:
        return _("just now")
    unit, past, future = next(step[1:] for step in _STEPS if size < step[0])
    return str((past if seconds > 0 else future) % int(size // unit))


def _exact(context: template.Context, at_ms: int) -> str:
    seat = context.get("seat")
    zone = seat.zone if seat is not None else zoneinfo.ZoneInfo("UTC")
    moment = datetime.datetime.fromtimestamp(at_ms / 1000, zone)
    # Translators: a moment to the second; the letters are those of Django's template filter "date".
    return date_format(moment, pgettext("moment", "j F Y, H:i:s T"))
