"""The figures by which an endpoint is watched, and the kinds of alerts that there are.

An empty document means the figures below. Only what differs from them is kept, so that better ones reach everybody who
has not chosen their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise

#: Kind of alert → its headline. With a subject (an endpoint, a channel) at most one of a kind is open.
NO_LEADS: Final = "no_leads"
REFUSALS: Final = "refusals"
AFTER_CHANGE: Final = "refused_after_change"
ONE_ADDRESS: Final = "one_address"
ONE_ORIGIN: Final = "one_origin"
LIMIT_REACHED: Final = "limit_reached"
HELD_FULL: Final = "held_full"
CANARY: Final = "canary"
CHANNEL_FAILING: Final = "channel_failing"
CHANNEL_PAUSED: Final = "channel_paused"
QUEUE: Final = "queue"
DISK: Final = "disk"
DAMAGED: Final = "damaged"
KINDS: Final[dict[str, _StrPromise]] = {
    NO_LEADS: _("No leads are coming in"),
    REFUSALS: _("More calls are refused than usual"),
    AFTER_CHANGE: _("Calls are refused since a change of the settings"),
    ONE_ADDRESS: _("Most calls come from one address"),
    ONE_ORIGIN: _("Most calls come from one website"),
    LIMIT_REACHED: _("Many addresses reach the limit"),
    HELD_FULL: _("Many held leads are waiting"),
    CANARY: _("The test lead does not get through"),
    CHANNEL_FAILING: _("A channel fails"),
    CHANNEL_PAUSED: _("A channel was paused"),
    QUEUE: _("Work is piling up"),
    DISK: _("The disk is nearly full"),
    DAMAGED: _("The database is damaged"),
}


class AlertRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an endpoint's alerts are raised. None switches an alert off."""

    #: No lead for longer than usual at that time of the week, once there are two weeks to learn from.
    usual_silence: bool = True
    #: No lead for so many hours, after there was one.
    no_lead_hours: int | None = 168
    #: So many refused calls within 15 minutes …
    refusals: int | None = 20
    #: … when that is so many times what is usual.
    refusals_factor: int = 5
    #: So many refused calls within an hour and none taken, where most are taken as a rule.
    all_refused: int | None = 10
    #: Percent of the last hour's calls that came from one address, or one origin, that did not stand out before …
    one_address: int | None = 80
    one_origin: int | None = 80
    #: … when there were at least so many calls.
    from_calls: int = 100
    #: So many addresses were over the limit within an hour.
    limited_addresses: int | None = 10
    #: So many calls refused for a reason that a change of the settings explains.
    refused_after_change: int | None = 5


#: Field → smallest and largest number.
BOUNDS: Final = {
    "no_lead_hours": (1, 8_760),
    "refusals": (2, 1_000_000),
    "refusals_factor": (2, 100),
    "all_refused": (2, 100_000),
    "one_address": (10, 100),
    "one_origin": (10, 100),
    "from_calls": (10, 1_000_000),
    "limited_addresses": (2, 10_000),
    "refused_after_change": (1, 10_000),
}
#: Fields that have no "off" of their own.
_NEEDED: Final = {"usual_silence", "refusals_factor", "from_calls"}
_NAMES: Final = tuple(field.name for field in msgspec.structs.fields(AlertRules))

#: Minutes between two canaries, smallest and largest.
CANARY_MINUTES: Final = (5, 1_440)


def rules_of(kept: Mapping[str, Any]) -> AlertRules:
    """The figures of a kept document. One that this version cannot read counts as empty: watching goes on."""
    try:
        return msgspec.convert(dict(kept), AlertRules)
    except msgspec.ValidationError:
        return AlertRules()


def merged(kept: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept after these changes: the figures that differ from the usual ones."""
    together = {**msgspec.structs.asdict(rules_of(kept)), **changes}
    usual = msgspec.structs.asdict(AlertRules())
    return {name: together[name] for name in _NAMES if together[name] != usual[name]}


def problems_of(changes: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with typed figures, by field; empty: all can be kept."""
    found: dict[str, list[str]] = {}
    for name, value in changes.items():
        if name not in _NAMES:
            found[name] = [f"There is no such figure; there are {', '.join(_NAMES)}."]
        elif value is None and name not in _NEEDED:
            continue
        elif name == "usual_silence":
            if not isinstance(value, bool):
                found[name] = ["This is on or off."]
        elif not _fits(value, *BOUNDS[name]):
            smallest, largest = BOUNDS[name]
            off = "" if name in _NEEDED else ", or leave it empty to switch this alert off"
            found[name] = [f"Choose a whole number from {smallest} to {largest:,}{off}."]
    return found


def canary_problems(minutes: object) -> list[str]:
    """What is wrong with the minutes between two canaries."""
    smallest, largest = CANARY_MINUTES
    if minutes is None or _fits(minutes, smallest, largest):
        return []
    return [f"Choose a whole number of minutes from {smallest} to {largest:,}, or leave it empty to send none."]


def _fits(value: object, smallest: int, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and smallest <= value <= largest
