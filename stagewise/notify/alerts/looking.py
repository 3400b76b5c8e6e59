"""What the figures of one endpoint mean, given its rules and which of its alerts are open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stagewise.core.addresses import AddressSet
from stagewise.notify.alerts import detect_crowd, detect_house, detect_refusals, detect_silence, reading, rules
from stagewise.notify.alerts.raising import Found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stagewise.accounts.models import Workspace
    from stagewise.endpoints.models import Endpoint
    from stagewise.notify.alerts.detect_refusals import Calls
    from stagewise.notify.alerts.reading import Change, Past, Recent
    from stagewise.notify.alerts.rules import AlertRules
    from stagewise.notify.models import Alert


class Look:
    """One look at one endpoint, at ``now`` (milliseconds since 1970). ``known`` are the workspace's open alerts."""

    def __init__(
        self, endpoint: Endpoint, figures: AlertRules, known: Mapping[tuple[str, str], Alert], now: int
    ) -> None:
        self._endpoint = endpoint
        self._rules = figures
        self._known = known
        self._now = now
        self._subject = subject_of(endpoint.pk)

    def at_calls(self, workspace: Workspace, past: Past, recent: Recent, held: int) -> Iterator[Found]:
        """What is wrong with the calls of an endpoint that is switched on."""
        yield from self._found(rules.NO_LEADS, self._silence(past, recent))
        yield from self._found(rules.REFUSALS, self._refusals(past, recent))
        yield from self._found(rules.ONE_ADDRESS, self._one_address(workspace, recent))
        yield from self._found(rules.ONE_ORIGIN, self._one_origin(workspace, recent))
        yield from self._found(rules.LIMIT_REACHED, self._limit(recent))
        yield from self._found(rules.HELD_FULL, detect_house.held_full(held, self._open(rules.HELD_FULL) is not None))

    def at_change(self, change: Change, before: Calls, after: Calls) -> Iterator[Found]:
        """Whether the newest change of its settings made it refuse calls. One alert for each change."""
        subject = f"{self._subject}:{change.audit_id}"
        is_open = (rules.AFTER_CHANGE, subject) in self._known
        found = detect_refusals.after_change(self._rules, change.causes, before, after, is_open)
        if found is not None:
            named = {"audit_id": change.audit_id, "at": change.at, "by": change.by, "fields": change.fields}
            yield Found(rules.AFTER_CHANGE, subject, {**found, "change": named}, self._endpoint.pk)

    def _found(self, kind: str, figures: dict[str, Any] | None) -> Iterator[Found]:
        if figures is not None:
            yield Found(kind, self._subject, figures, self._endpoint.pk)

    def _open(self, kind: str) -> dict[str, Any] | None:
        alert = self._known.get((kind, self._subject))
        return None if alert is None else alert.data

    def _silence(self, past: Past, recent: Recent) -> dict[str, Any] | None:
        last = recent.last_lead or (past.rows[-1].end if past.rows else None)
        found = detect_silence.too_long(self._rules, past.usual, last, self._now)
        before = self._open(rules.NO_LEADS)
        if found is not None or before is None:
            return found
        # Once raised, only a lead resolves it: the silence itself must not become what is usual.
        is_wanted = self._rules.usual_silence if before["rule"] == "usual" else self._rules.no_lead_hours is not None
        is_same = last is None or last <= before["last_lead_at"]
        return before if is_wanted and is_same else None

    def _refusals(self, past: Past, recent: Recent) -> dict[str, Any] | None:
        rule = (self._open(rules.REFUSALS) or {}).get("rule")
        return detect_refusals.jump(
            self._rules, recent.window, past.usual_refusals, rule == "jump"
        ) or detect_refusals.nothing_taken(self._rules, recent.hour, past.calls, rule == "all")

    def _one_address(self, workspace: Workspace, recent: Recent) -> dict[str, Any] | None:
        percent, is_open = self._rules.one_address, self._open(rules.ONE_ADDRESS) is not None
        if percent is None or not self._has_crowd(recent):
            return None
        shares = reading.shares(workspace, self._endpoint, "address", self._now)
        allowed = self._endpoint.allowed_ips
        return detect_crowd.dominates(
            percent, self._rules.from_calls, shares, lambda each: each in AddressSet(allowed), is_open
        )

    def _one_origin(self, workspace: Workspace, recent: Recent) -> dict[str, Any] | None:
        percent, is_open = self._rules.one_origin, self._open(rules.ONE_ORIGIN) is not None
        if percent is None or not self._has_crowd(recent):
            return None
        shares = reading.shares(workspace, self._endpoint, "origin", self._now)
        allowed = set(self._endpoint.allowed_origins)
        return detect_crowd.dominates(percent, self._rules.from_calls, shares, allowed.__contains__, is_open)

    def _has_crowd(self, recent: Recent) -> bool:
        """Whether the journal is worth a look: counters say so, and they are read anyway."""
        return recent.hour.taken + recent.hour.refusals >= self._rules.from_calls * detect_refusals.STAYS

    def _limit(self, recent: Recent) -> dict[str, Any] | None:
        least = self._rules.limited_addresses
        if least is None or recent.hour.refused.get("rate_limited", 0) < least * detect_refusals.STAYS:
            return None
        addresses = reading.limited_addresses(self._endpoint, self._now)
        return detect_crowd.limit_reached(self._rules, addresses, self._open(rules.LIMIT_REACHED) is not None)


def subject_of(endpoint_id: int) -> str:
    """What alerts of an endpoint are about."""
    return f"endpoint:{endpoint_id}"
