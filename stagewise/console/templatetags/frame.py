"""Tags for how things look: icons, initials, hues."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

register = template.Library()

#: How many muted hues there are (assets/css/tokens.css).
HUES = 8
#: Drawings that point somewhere: they turn with the direction of the text.
_POINTING = {"forward", "back", "undo", "send", "leave", "external", "chat"}


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing of assets/static/icons.svg, in the colour and size of the text; the words beside it say the same."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        " turns" if name in _POINTING else "",
        _icons(),
        name,
    )


@functools.cache
def _icons() -> str:
    # A page has some hundred of them.
    return static("icons.svg")


@register.filter
def initials(name: str) -> str:
    """One or two letters for a person: "Grace Hopper" is GH, "olga@example.com" is O."""
    words = [word for word in name.partition("@")[0].replace(".", " ").replace("_", " ").split() if word[:1].isalnum()]
    if not words:
        return name[:1].upper()
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


@register.filter
def hue(of: Any) -> str:
    """The class of a muted hue: of a lead type, stage or tag the chosen one, else by its place; of a number its own."""
    if isinstance(of, int):
        return f"hue-{of % HUES}"
    chosen = getattr(of, "hue", None)
    if chosen is None:
        chosen = getattr(of, "position", None)
    return f"hue-{(of.pk if chosen is None else chosen) % HUES}"
