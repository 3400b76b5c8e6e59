"""Numbers in words: how long something took, how two figures compare; and a line that shows how they ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

if TYPE_CHECKING:
    from collections.abc import Sequence

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
#: Below this, "3 more" says more than "60% more".
_FEW = 20
#: The box of a spark line.
WIDTH, HEIGHT = 120, 32
_EDGE = 3


def count(number: int) -> str:
    """A whole number in groups of three."""
    return str(number_format(number, use_l10n=True, force_grouping=True))


def duration(ms: int) -> str:
    """How long something took, in two units at most: "4 min", "2 h 10 min", "3 days"."""
    if ms < _HOUR:
        return _("%d min") % max(1, round(ms / _MINUTE))
    if ms < _DAY:
        hours, minutes = divmod(round(ms / _MINUTE), 60)
        if not minutes:
            return _("%d h") % hours
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    days, hours = divmod(round(ms / _HOUR), 24)
    said = ngettext("%d day", "%d days", days) % days
    return said if days > 2 or not hours else f"{said} " + _("%d h") % hours


def compared(now: int, before: int) -> str:
    """How a count compares with the one before: "3 more", "12% fewer", "steady"; empty where both are none."""
    if now == before:
        return _("steady") if now else ""
    difference, percent = abs(now - before), 100 * abs(now - before) / max(1, before)
    if before < _FEW or now < _FEW or percent >= 1000:
        said = count(difference)
    elif percent < 1:
        return _("steady")
    else:
        said = f"{percent:.0f}%"
    return (_("%s more") if now > before else _("%s fewer")) % said


def sooner(now: int | None, before: int | None) -> str:
    """How a time compares with the one before: "20 min sooner"; empty where one of them is not known."""
    if now is None or before is None:
        return ""
    difference = abs(now - before)
    if difference < _MINUTE:
        return _("as soon")
    return (_("%s sooner") if now < before else _("%s later")) % duration(difference)


def spark(values: Sequence[int | None]) -> tuple[str, str]:
    """The path of a line through the values from left to right, with gaps, and of the dot at its end.

    Its box is :data:`WIDTH` by :data:`HEIGHT`, and begins at 0: a line that looks steep is steep.
    """
    most = max((value for value in values if value is not None), default=0) or 1
    step = (WIDTH - 2 * _EDGE) / max(1, len(values) - 1)
    path, dot, drawing = "", "", False
    for place, value in enumerate(values):
        if value is None:
            drawing = False
            continue
        x, y = _EDGE + place * step, HEIGHT - _EDGE - (HEIGHT - 2 * _EDGE) * value / most
        path += f"{'L' if drawing else 'M'}{x:.1f} {y:.1f}"
        if not drawing:
            path += "h0"  # so that a value between two gaps is a dot
        dot, drawing = f"M{x:.1f} {y:.1f}h0", True
    return path, dot
