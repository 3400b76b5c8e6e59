"""What every page says of alerts, and from an alert to the page on which one sees what it is about."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _

from stagewise.notify.alerts import queries, raising, rules
from stagewise.notify.alerts.words import describe

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace
    from stagewise.notify.models import Alert


class Link(NamedTuple):
    """A link and its words."""

    label: str
    url: str


def headlines(workspace: Workspace) -> list[str]:
    """The alerts that need a look, the newest first, each in one line: what every page says."""
    needed, zone = queries.needing_a_look(workspace, time.time_ns() // 1_000_000), raising.zone_of(workspace)
    return [describe(each.kind, each.data, raising.name_of(each), zone).title for each in needed]


def look_at(slug: str, alert: Alert) -> Link | None:
    """Where to look; None where no page of ours shows more."""
    if alert.channel_id is not None:
        return Link(_("Open the channel"), reverse("channel", args=[slug, alert.channel_id]))
    of = f"?endpoint={alert.endpoint_id}" if alert.endpoint_id else "?"
    logs = reverse("logs", args=[slug])
    match alert.kind:
        case rules.NO_LEADS | rules.CANARY:
            return Link(_("Look at Logs"), f"{logs}{of}")
        case rules.REFUSALS | rules.AFTER_CHANGE:
            return Link(_("Look at refused calls"), f"{logs}{of}&outcome=refused")
        case rules.LIMIT_REACHED:
            return Link(_("Look at refused calls"), f"{logs}{of}&outcome=rate_limited")
        case rules.HELD_FULL:
            return Link(_("Look at held leads"), reverse("held", args=[slug]))
        case rules.ONE_ADDRESS | rules.ONE_ORIGIN | rules.QUEUE:
            return Link(_("Look at Monitoring"), f"{reverse('monitoring', args=[slug])}{of}")
    return None
