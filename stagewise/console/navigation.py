"""The navigation: which pages there are, in the order of a day, and what waits behind each."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from django.urls import resolve, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.utils.functional import _StrPromise

    from stagewise.console.access import Seat

#: From this count on people read "99+".
_MANY = 100


class Entry(NamedTuple):
    """A link: its place (``here`` of :func:`stagewise.console.context.show`), its words, its icon, the key to it."""

    name: str
    label: str | _StrPromise
    icon: str
    url: str
    key: str
    current: bool
    #: How many things wait there, as it is shown; empty: none. ``said`` is the same in words, ``look`` its colour.
    waits: str = ""
    said: str = ""
    look: str = ""


class Group(NamedTuple):
    """Links under a heading."""

    name: str
    label: str | _StrPromise
    entries: list[Entry]


class Navigation(NamedTuple):
    """All of it for the bar at the side; for a phone the three that lie in thumb's reach, and the rest."""

    all: list[Entry | Group]
    thumbs: list[Entry]
    rest: list[Entry | Group]
    #: Whether the page that is open is one of the rest.
    in_rest: bool


class Waiting(NamedTuple):
    """What waits in a workspace: leads that are new, held ones, alerts."""

    new: int = 0
    held: int = 0
    alerts: int = 0


class _Place(NamedTuple):
    """A page as it stands below: name of its route and of its place, words, icon, and the key after ``g``."""

    name: str
    label: _StrPromise
    icon: str
    key: str = ""


class _Places(NamedTuple):
    name: str
    label: _StrPromise
    places: tuple[_Place, ...]


_ORDER: tuple[_Place | _Places, ...] = (
    _Place("overview", _("Overview"), "overview", "o"),
    _Place("leads", _("Leads"), "leads", "l"),
    _Place("board", _("Board"), "board", "b"),
    _Place("lead_types", _("Lead types"), "types", "t"),
    _Places(
        "integration",
        _("Integration"),
        (
            _Place("api", _("Stagewise API"), "api", "a"),
            _Place("channels", _("Channels"), "channels", "c"),
        ),
    ),
    _Place("logs", _("Logs"), "logs", "g"),
    _Place("monitoring", _("Monitoring"), "monitoring", "m"),
    _Place("alerts", _("Alerts"), "alerts", "r"),
    _Place("held", _("Held"), "held", "d"),
    _Places(
        "settings",
        _("Settings"),
        (
            _Place("workspace", _("Workspace"), "settings", "s"),
            _Place("team", _("Team"), "team"),
            _Place("tokens", _("API tokens"), "tokens"),
            _Place("audit", _("Audit"), "audit"),
        ),
    ),
    _Place("help", _("Help"), "help", "h"),
)
#: What a phone has at the bottom.
_THUMBS = ("overview", "leads", "board")


def build(seat: Seat, here: str, waiting: Waiting) -> Navigation:
    """The navigation of a workspace as it looks from the page ``here``, without what the member may not read."""
    counts = _counts(waiting)

    def entry(place: _Place) -> Entry | None:
        if place.name == "held" and not waiting.held and here != "held":
            return None
        if not seat.may(_least(place.name)):
            return None
        url = reverse(place.name, args=[seat.workspace.slug])
        key = f"g {place.key}" if place.key else ""
        return Entry(place.name, place.label, place.icon, url, key, place.name == here, *counts.get(place.name, ()))

    def entries(places: Iterable[_Place]) -> list[Entry]:
        return [made for made in map(entry, places) if made is not None]

    everything: list[Entry | Group] = []
    for each in _ORDER:
        if isinstance(each, _Places):
            everything.append(Group(each.name, each.label, entries(each.places)))
        else:
            everything += entries([each])
    thumbs = [each for each in everything if isinstance(each, Entry) and each.name in _THUMBS]
    rest = [each for each in everything if each.name not in _THUMBS]
    return Navigation(everything, thumbs, rest, here not in _THUMBS)


@functools.cache
def _least(name: str) -> str:
    """The least role that may read a page, as its view declares it (:func:`stagewise.console.access.page`)."""
    view = resolve(reverse(name, args=["any"])).func
    return str(view.least["GET"])  # type: ignore[attr-defined]


def _counts(waiting: Waiting) -> Mapping[str, tuple[str, str, str]]:
    """Place → the count as it is shown, in words, and how it looks; places where nothing waits are left out."""
    words = {
        "leads": (waiting.new, ngettext("%(count)s is new", "%(count)s are new", waiting.new), "new"),
        "alerts": (waiting.alerts, ngettext("%(count)s needs a look", "%(count)s need a look", waiting.alerts), "warn"),
        "held": (waiting.held, ngettext("%(count)s waits", "%(count)s wait", waiting.held), ""),
    }
    found = {}
    for name, (count, said, look) in words.items():
        if count:
            shown = f"{_MANY - 1}+" if count >= _MANY else str(count)
            found[name] = (shown, said % {"count": shown}, look)
    return found
