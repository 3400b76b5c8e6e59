"""Refused calls: more than usual, nothing but them, or since somebody changed the settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stagewise.notify.alerts.rules import AlertRules

MINUTE_MS, HOUR_MS = 60_000, 3_600_000

#: The window in which refusals may jump, and the one in which nothing but refusals is looked for.
WINDOW_MS: Final = 15 * MINUTE_MS
#: An alert that is open stays so until its figure has fallen below this part of the bar: no coming and going.
STAYS: Final = 0.5
#: From so many calls on, the past says whether most are taken as a rule.
LEAST_KNOWN: Final = 20
#: A change is blamed when the part of calls that are refused has risen by this much …
RISE: Final = 0.25
#: … within so long after it; of that the last hours are looked at, so that it is over when it is over.
BLAMED_MS: Final = 24 * HOUR_MS
AFTER_MS: Final = 3 * HOUR_MS
#: What was before the change is judged by so many days.
BEFORE_MS: Final = 7 * 24 * HOUR_MS

#: Setting (or ``document.`` with a dot for all of its fields) → the refusals that changing it can cause.
CAUSES: Final = {
    "enabled": {"endpoint_disabled"},
    "allow_all_ips": {"ip_not_allowed", "origin_required"},
    "allowed_ips": {"ip_not_allowed", "origin_required", "invalid_request"},
    "allowed_origins": {"origin_not_allowed", "origin_required"},
    "forwarding": {"invalid_request", "rate_limited", "ip_not_allowed"},
    "max_leads_per_ip": {"rate_limited"},
    "server_ceiling": {"rate_limited"},
    "over_limit": {"rate_limited"},
    "captcha.": {"captcha_failed", "captcha_unavailable"},
    "holding.": {"holding_full"},
}


@dataclass
class Calls:
    """Calls of a stretch of time: those that were taken or held, and the refused ones by code."""

    taken: int = 0
    refused: dict[str, int] = field(default_factory=dict)

    @property
    def refusals(self) -> int:
        """All refused calls."""
        return sum(self.refused.values())

    def of(self, codes: set[str]) -> int:
        """Calls refused for one of these reasons."""
        return sum(count for code, count in self.refused.items() if code in codes)


def causes_of(changes: Mapping[str, Any]) -> set[str]:
    """The refusals that a change of these settings can explain."""
    found: set[str] = set()
    for name in changes:
        document, dot, _ = name.partition(".")
        found |= CAUSES.get(document + dot, set())
    return found


def jump(rules: AlertRules, window: Calls, usual: float, is_open: bool) -> dict[str, Any] | None:
    """Whether the refusals of the last 15 minutes are many times ``usual``, the average of such a window."""
    if rules.refusals is None:
        return None
    bar = max(float(rules.refusals), rules.refusals_factor * usual) * (STAYS if is_open else 1)
    if window.refusals < bar:
        return None
    return {"rule": "jump", "refused": window.refusals, "usually": round(usual, 1), "by_code": _most(window)}


def nothing_taken(rules: AlertRules, hour: Calls, before: Calls, is_open: bool) -> dict[str, Any] | None:
    """Whether all calls of the last hour were refused, at an endpoint that takes most of them as a rule."""
    if rules.all_refused is None or hour.taken or hour.refusals < rules.all_refused * (STAYS if is_open else 1):
        return None
    known = before.taken + before.refusals
    if not is_open and (known < LEAST_KNOWN or before.taken < known / 2):
        return None
    return {"rule": "all", "refused": hour.refusals, "by_code": _most(hour)}


def after_change(
    rules: AlertRules, causes: set[str], before: Calls, after: Calls, is_open: bool
) -> dict[str, Any] | None:
    """Whether calls are refused since a change, for reasons that it explains."""
    if rules.refused_after_change is None or not causes:
        return None
    stays = STAYS if is_open else 1
    refused = after.of(causes)
    if refused < rules.refused_after_change * stays:
        return None
    part, part_before = _part(after, causes), _part(before, causes)
    if part - part_before < RISE * stays:
        return None
    return {
        "refused": refused,
        "percent": round(100 * part),
        "percent_before": round(100 * part_before),
        "by_code": {code: count for code, count in _most(after).items() if code in causes},
    }


def _part(calls: Calls, causes: set[str]) -> float:
    total = calls.taken + calls.refusals
    return calls.of(causes) / total if total else 0.0


def _most(calls: Calls) -> dict[str, int]:
    return dict(sorted(calls.refused.items(), key=lambda item: (-item[1], item[0]))[:5])
