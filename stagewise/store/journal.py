"""The journal in memory: calls that made no lead, until they are written.

A refusal is answered before its row is committed, so these rows gather here and are written a few times a second in
a transaction of their own. A flood must neither fill the table nor hide the honest refusal: past 1,000 detail rows per
endpoint and hour, one row per hour, outcome, address and origin goes on with a count, 1,000 of those at most; what is
past that goes into one row per outcome without address. The counters go on without cap.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from stagewise.core import refusal
from stagewise.core.lead_types import key as type_key
from stagewise.core.policy import Rules
from stagewise.core.submission import Submission, shown_origin
from stagewise.store.admission import note_of
from stagewise.store.records import Attempt, Decision
from stagewise.store.timings import TimingRow

HOUR_MS = 3_600_000
MINUTE_MS = 60_000

#: Detail rows of calls that made no lead, per endpoint and hour.
DETAIL_ROWS = 1_000
#: Rows with a count, per endpoint and hour. The last few are kept for what finds no row of its own.
SUMMARY_ROWS = 1_000
_OWN_ROWS = SUMMARY_ROWS - len(refusal.REFUSALS) - len(refusal.ACCEPTED)
#: Rows for calls with an unknown key, per hour.
UNKNOWN_ROWS = 100
#: Names that were no lead type's, per workspace.
UNMATCHED_ROWS = 100
#: Detail rows kept in memory while they cannot be written; past that only counters and summaries go on.
WAITING_ROWS = 5_000

_Key = TypeVar("_Key")

#: (endpoint id, start of the hour)
EndpointHour = tuple[int, int]
#: (workspace id, endpoint id, hour, outcome, status, address, origin)
SummaryKey = tuple[int, int, int, str, int, str, str]
#: (workspace id, endpoint id, minute, outcome)
CounterKey = tuple[int, int, int, str]
#: (hour, prefix, address)
UnknownKey = tuple[int, str, str]
#: (workspace id, name key)
UnmatchedKey = tuple[int, str]


class Flush(msgspec.Struct):
    """What is to be written in one go. ``summaries`` and ``unknown`` map to [count, last time]."""

    attempts: list[Attempt]
    summaries: dict[SummaryKey, list[int]]
    #: [count, how many of them have a detail row]
    counters: dict[CounterKey, list[int]]
    unknown: dict[UnknownKey, list[int]]
    timings: list[TimingRow] = []
    #: Lead type names that matched nothing: how they were spelled, and [count, last time].
    unmatched: dict[UnmatchedKey, tuple[str, list[int]]] = {}

    def copy(self) -> Flush:
        """A copy to be folded, so that this one can be given back when writing fails."""
        return Flush(
            list(self.attempts),
            {key: list(row) for key, row in self.summaries.items()},
            {key: list(row) for key, row in self.counters.items()},
            {key: list(row) for key, row in self.unknown.items()},
            self.timings,
            {key: (name, list(row)) for key, (name, row) in self.unmatched.items()},
        )

    def hours(self) -> set[EndpointHour]:
        """The endpoint hours whose detail rows must be counted before these are written."""
        return {(a.endpoint_id, a.at - a.at % HOUR_MS) for a in self.attempts}

    def fold(self, detailed: dict[EndpointHour, int]) -> None:
        """Turn attempts past the cap into summaries; ``detailed`` says how many rows each hour already has."""
        kept = []
        for attempt in self.attempts:
            hour = (attempt.endpoint_id, attempt.at - attempt.at % HOUR_MS)
            if detailed[hour] < DETAIL_ROWS:
                detailed[hour] += 1
                self.counters[_counter_key(attempt, attempt.at, attempt.outcome, attempt.note)][1] += 1
                kept.append(attempt)
            else:
                outcome, status = attempt.outcome, attempt.status
                key = _summary_key(attempt, attempt.at, outcome, status, attempt.address, attempt.origin)
                _add(self.summaries, key, 1, attempt.at)
        self.attempts = kept

    def cap_summaries(self, existing: Callable[[EndpointHour], set[tuple[str, str, str]]]) -> None:
        """Fold what finds no row of its own into one row per outcome.

        ``existing`` gives the (outcome, address, origin) of the rows that an endpoint's hour has already.
        """
        capped: dict[SummaryKey, list[int]] = {}
        known: dict[EndpointHour, set[tuple[str, str, str]]] = {}
        for summary, (count, last) in self.summaries.items():
            workspace, endpoint, hour, outcome, status, address, origin = key = summary
            rows = known.get((endpoint, hour))
            if rows is None:
                rows = known[endpoint, hour] = existing((endpoint, hour))
            row = (outcome, address, origin)
            if row not in rows and len(rows) >= _OWN_ROWS:
                key, row = (workspace, endpoint, hour, outcome, status, "", ""), (outcome, "", "")
            rows.add(row)
            _add(capped, key, count, last)
        self.summaries = capped

    def cap_unknown(self, existing: Callable[[int], set[tuple[str, str]]]) -> None:
        """Drop unknown keys past the cap of their hour; ``existing`` gives the (prefix, address) rows it has."""
        known: dict[int, set[tuple[str, str]]] = {}
        for hour, prefix, address in list(self.unknown):
            rows = known.get(hour)
            if rows is None:
                rows = known[hour] = existing(hour)
            if (prefix, address) not in rows and len(rows) >= UNKNOWN_ROWS:
                del self.unknown[hour, prefix, address]
            else:
                rows.add((prefix, address))

    def cap_unmatched(self, existing: Callable[[int], set[str]]) -> None:
        """Drop names past the cap of their workspace; ``existing`` gives the name keys that it has rows for."""
        known: dict[int, set[str]] = {}
        for workspace, name_key in list(self.unmatched):
            rows = known.get(workspace)
            if rows is None:
                rows = known[workspace] = existing(workspace)
            if name_key not in rows and len(rows) >= UNMATCHED_ROWS:
                del self.unmatched[workspace, name_key]
            else:
                rows.add(name_key)

    def unmatched_rows(self) -> list[tuple[int, str, str, int, int]]:
        """(workspace id, name key, name, count, last time), in one order for all processes."""
        return [(*key, name, row[0], row[1]) for key, (name, row) in sorted(self.unmatched.items())]


class Journal:
    """Gathers what became of calls, from several threads, and hands it over for writing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = Flush([], {}, {}, {})
        self._full: set[EndpointHour] = set()

    def record(self, submission: Submission, decision: Decision, rules: Rules | None, now: int) -> None:
        """Note a call that made no lead; one with an unknown key only by its first characters."""
        caller = submission.caller
        if rules is None:
            hour = now - now % HOUR_MS
            with self._lock:
                if len(self._waiting.unknown) < WAITING_ROWS:
                    _add(self._waiting.unknown, (hour, submission.key[:6], caller.address or ""), 1, now)
            return
        note = decision.note or note_of(submission)
        if decision.outcome == "endpoint_disabled" and rules.enabled and not decision.note:
            note = "key_retired"
        outcome, source, origin = decision.outcome, decision.source, shown_origin(submission.origin)
        status, address = refusal.status_of(outcome), source.address if source else caller.address
        with self._lock:
            waiting = self._waiting
            if outcome == "unknown_lead_type" and submission.fields and submission.fields.lead_type_name:
                _add_unmatched(waiting, rules.workspace_id, submission.fields.lead_type_name, 1, now)
            counter = waiting.counters.setdefault(_counter_key(rules, now, outcome, note), [0, 0])
            counter[0] += 1
            if (rules.endpoint_id, now - now % HOUR_MS) in self._full or len(waiting.attempts) >= WAITING_ROWS:
                if len(waiting.summaries) < WAITING_ROWS:
                    _add(waiting.summaries, _summary_key(rules, now, outcome, status, address, origin), 1, now)
                return
            attempt = Attempt(
                workspace_id=rules.workspace_id, endpoint_id=rules.endpoint_id, at=now, outcome=outcome, status=status,
                address=address, address_from=caller.source, note=note, preflight=submission.preflight, origin=origin,
                user_agent=submission.user_agent,
                field_errors=",".join(f"{error.field}:{error.code}" for error in decision.field_errors),
                request_id=submission.request_id, forwarded_by=source.forwarded_by if source else None,
                lead_id=decision.lead_id,
            )  # fmt: skip
            waiting.attempts.append(attempt)

    def take(self, timings: list[TimingRow]) -> Flush | None:
        """What is waiting, taken out, with these figures of the lane; None when nothing is."""
        with self._lock:
            waiting = self._waiting
            if not waiting.counters and not waiting.unknown and not timings:
                return None
            self._waiting = Flush([], {}, {}, {})
            waiting.timings = timings
            return waiting

    def give_back(self, flush: Flush) -> None:
        """Put back what could not be written."""
        with self._lock:
            waiting = self._waiting
            room = max(0, WAITING_ROWS - len(waiting.attempts))
            waiting.attempts[:0] = flush.attempts[:room]
            for key, (count, detailed) in flush.counters.items():
                counter = waiting.counters.setdefault(key, [0, 0])
                counter[0] += count
                counter[1] += detailed
            for summary, (count, last) in flush.summaries.items():
                _add(waiting.summaries, summary, count, last)
            for unknown, (count, last) in flush.unknown.items():
                _add(waiting.unknown, unknown, count, last)
            for (workspace, _key), (name, (count, last)) in flush.unmatched.items():
                _add_unmatched(waiting, workspace, name, count, last)

    def learn(self, detailed: Iterable[tuple[EndpointHour, int]]) -> None:
        """Remember which endpoint hours have all their detail rows, so that they need no more memory here."""
        with self._lock:
            newest = max((hour for _, hour in self._full), default=0)
            for place, count in detailed:
                if count >= DETAIL_ROWS:
                    self._full.add(place)
                    newest = max(newest, place[1])
            self._full = {place for place in self._full if place[1] >= newest - HOUR_MS}


def _counter_key(of: Attempt | Rules, at: int, outcome: str, note: str) -> CounterKey:
    # Test calls are counted apart, so that they bend no figure.
    return (of.workspace_id, of.endpoint_id, at - at % MINUTE_MS, "test" if note == "test" else outcome)


def _summary_key(
    of: Attempt | Rules, at: int, outcome: str, status: int, address: str | None, origin: str | None
) -> SummaryKey:
    return (of.workspace_id, of.endpoint_id, at - at % HOUR_MS, outcome, status, address or "", origin or "")


def _add_unmatched(waiting: Flush, workspace_id: int, name: str, count: int, at: int) -> None:
    key = (workspace_id, type_key(name))
    known = waiting.unmatched.get(key)
    if known is None:
        if len(waiting.unmatched) < WAITING_ROWS:
            waiting.unmatched[key] = (name, [count, at])
        return
    known[1][0] += count
    known[1][1] = max(known[1][1], at)


def _add(rows: dict[_Key, list[int]], key: _Key, count: int, at: int) -> None:
    row = rows.setdefault(key, [0, at])
    row[0] += count
    row[1] = max(row[1], at)
