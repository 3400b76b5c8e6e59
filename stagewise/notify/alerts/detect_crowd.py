"""Who calls: whether one address or one website makes most of the calls, or many addresses are over the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stagewise.notify.alerts.detect_refusals import STAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stagewise.notify.alerts.rules import AlertRules

#: What made at least half of this share before does not stand out: it is how this endpoint is used.
_USUAL_PART: Final = 0.5


class Share(NamedTuple):
    """A value with its calls of the last hour, and of the 24 hours with that one."""

    value: str
    hour: int
    day: int


class Shares(NamedTuple):
    """The values with most calls, and all calls that have a value, of the same two stretches of time."""

    values: Sequence[Share]
    hour: int
    day: int


def dominates(
    percent: int | None, from_calls: int, shares: Shares, is_known: Callable[[str], bool], is_open: bool
) -> dict[str, Any] | None:
    """The value that made at least ``percent`` of the last hour's calls.

    Nothing when there were fewer calls than ``from_calls``, when the value stood out before that hour too, or
    ``is_known``: the owner has it on a list.
    """
    stays = STAYS if is_open else 1
    if percent is None or shares.hour < from_calls * stays or not shares.values:
        return None
    most = max(shares.values, key=lambda share: share.hour)
    part = most.hour / shares.hour
    # A share has no room for half of itself to matter: it stays open down to nine tenths of its bar.
    if part < percent / 100 * (0.9 if is_open else 1) or is_known(most.value):
        return None
    calls_before, of_it_before = shares.day - shares.hour, most.day - most.hour
    if not is_open and calls_before >= from_calls and of_it_before / calls_before >= part * _USUAL_PART:
        return None
    return {"value": most.value, "calls": most.hour, "of": shares.hour, "percent": round(100 * part)}


def limit_reached(rules: AlertRules, addresses: int, is_open: bool) -> dict[str, Any] | None:
    """Whether many addresses were over the limit in the last hour."""
    if rules.limited_addresses is None or addresses < rules.limited_addresses * (STAYS if is_open else 1):
        return None
    return {"addresses": addresses}
