"""Where on the web a lead came from, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stagewise.options.attribution import URLS

if TYPE_CHECKING:
    from collections.abc import Mapping

LABELS = {
    "page_url": "Page",
    "referrer": "Page before",
    "utm_source": "Source",
    "utm_medium": "Medium",
    "utm_campaign": "Campaign",
    "utm_term": "Search term",
    "utm_content": "Content",
}
#: What the list of leads can be filtered by: name → its parameter.
FILTERS = {"utm_source": "source", "utm_campaign": "campaign"}


class Line(NamedTuple):
    """One thing that is known. ``is_address``: the value is that of a page; ``filter``: see :data:`FILTERS`."""

    label: str
    value: str
    is_address: bool
    filter: str


def lines(found: Mapping[str, str]) -> list[Line]:
    """What is known, in a fixed order; click ids last, under their own names."""
    return [
        Line(LABELS.get(name, f"Click id {name}"), value, name in URLS, FILTERS.get(name, ""))
        for name, value in found.items()
    ]
