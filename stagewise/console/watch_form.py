"""The figures by which an endpoint is watched, as a page shows them and a person sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from django.utils.translation import gettext as _

from stagewise.notify.alerts.rules import AlertRules, rules_of

if TYPE_CHECKING:
    from django.http import QueryDict

    from stagewise.notify.models import Watch

_SWITCH = "usual_silence"
_NUMBERS = tuple(field.name for field in msgspec.structs.fields(AlertRules) if field.name != _SWITCH)


def values(watch: Watch) -> dict[str, Any]:
    """What the fields show; an alert that is off has an empty field."""
    found = {**msgspec.structs.asdict(rules_of(watch.alerts)), "canary_minutes": watch.canary_minutes}
    return {name: "" if value is None else value for name, value in found.items()}


def usual() -> dict[str, Any]:
    """The figures that everybody begins with."""
    return msgspec.structs.asdict(AlertRules())


def typed(posted: QueryDict) -> tuple[dict[str, Any], int | None, dict[str, list[str]]]:
    """What was typed: the figures, the canary's minutes, and what cannot be read as a number, by field."""
    figures: dict[str, Any] = {_SWITCH: bool(posted.get(_SWITCH))}
    problems: dict[str, list[str]] = {}
    for name in (*_NUMBERS, "canary_minutes"):
        digits = posted.get(name, "").strip().replace(",", "").replace(" ", "")
        if digits and not (digits.isascii() and digits.isdigit() and len(digits) < 10):
            problems[name] = [_("“%s” is no whole number.") % digits[:40]]
        else:
            figures[name] = int(digits) if digits else None
    minutes = figures.pop("canary_minutes", None)
    return figures, minutes, problems
