"""Settle one batch: decide each submission in order of arrival, as if it had come alone. No SQL here.

The same function serves both lanes of the ledger. With ``admit`` it runs inside the locked transaction and what it
admits is written there. Without, it runs on a plain read and may only refuse: what it does not refuse it leaves
undecided (None) for the other lane.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from stagewise.core import policy
from stagewise.core.addresses import bucket
from stagewise.core.fields import FieldError
from stagewise.core.ids import dashed, uuid7_hex
from stagewise.core.limits import Window
from stagewise.core.policy import LeadTypeRule, LeadTypes, Rules
from stagewise.core.submission import Submission, fingerprint, shown_origin
from stagewise.store.records import Answer, AnswerType, Bound, Decision, NewLead

_ENCODE = msgspec.json.Encoder().encode
_UNKNOWN_TYPE = (FieldError("lead_type_name", "unknown_lead_type", "There is no lead type of this name."),)

#: (endpoint id, bucket) and (endpoint id, Idempotency-Key)
Place = tuple[int, str]


class Entry(msgspec.Struct, frozen=True):
    """What a key in a URL stands for at this moment."""

    rules: Rules
    types: LeadTypes
    retires_at: int | None

    def is_retired(self, now: int) -> bool:
        """Whether the key was rotated away and its overlap is over."""
        return self.retires_at is not None and self.retires_at <= now


class View(Protocol):
    """The database as one batch sees it."""

    @property
    def now(self) -> int:
        """Milliseconds since 1970 by the database's clock, read after the lock."""

    @property
    def entries(self) -> Mapping[str, Entry]:
        """By key; unknown keys are absent."""

    def bound(self, places: Iterable[Place]) -> dict[Place, Bound]:
        """The Idempotency-Keys among these that are bound."""

    def windows(self, places: Mapping[Place, int]) -> dict[Place, Window]:
        """The hits in the window of each place, whose limit is given."""

    def lead_ids(self, count: int) -> Sequence[int]:
        """Row ids for so many new leads."""


def settle(view: View, batch: Sequence[Submission], *, admit: bool) -> tuple[list[Decision | None], list[NewLead]]:
    """Decide a batch; return a decision for each submission (None: not refused, ``admit`` is off) and the new leads."""
    decisions: list[Decision | None] = []
    callers: list[tuple[int, Submission, Entry]] = []
    for place, submission in enumerate(batch):
        decision = _caller(view, submission)
        decisions.append(decision)
        if decision is None:
            callers.append((place, submission, view.entries[submission.key]))
    if not callers:
        return decisions, []
    bound = view.bound(_keys(callers))
    windows = view.windows({place: limit for _, s, e in callers for place, limit in _window_of(s, e)})
    admitted = _Admitted(view, bound, windows)
    for place, submission, entry in callers:
        decisions[place] = admitted.decide(submission, entry, admit=admit)
    return decisions, admitted.numbered()


def _caller(view: View, submission: Submission) -> Decision | None:
    """Everything that is decided before idempotency; None when nothing there speaks against the submission."""
    entry = view.entries.get(submission.key)
    retired = entry is not None and entry.is_retired(view.now)
    rules = entry.rules if entry else None
    code = policy.refusal_before_content(rules, retired=retired, submission=submission)
    if rules is None:
        return Decision(code or "not_found")
    origin = policy.allow_origin(rules, submission.origin)
    if code is None:
        if submission.preflight:
            code = "preflight"
        elif submission.content_error is not None:
            code = submission.content_error
        elif submission.awaits_body:
            code = "admitted"
    if code is None and submission.idempotency_key == "":
        code = "invalid_request"
    return None if code is None else Decision(code, allow_origin=origin)


def _keys(callers: Iterable[tuple[int, Submission, Entry]]) -> set[Place]:
    return {(e.rules.endpoint_id, s.idempotency_key) for _, s, e in callers if s.idempotency_key}


def _window_of(submission: Submission, entry: Entry) -> list[tuple[Place, int]]:
    limit, address = entry.rules.limit, submission.caller.address
    if limit is None or address is None:
        return []
    return [((entry.rules.endpoint_id, bucket(address)), limit)]


class _Admitted:
    """The part of a batch that is past the caller's rules: what it has bound, used and made so far."""

    def __init__(self, view: View, bound: dict[Place, Bound], windows: dict[Place, Window]) -> None:
        self.view = view
        self.now = view.now
        self.bound = bound
        self.windows = windows
        self.created_at = iso(view.now)
        self.made: list[NewLead] = []

    def decide(self, submission: Submission, entry: Entry, *, admit: bool) -> Decision | None:
        """Idempotency, fields, lead type, limit: in this order."""
        rules = entry.rules
        origin = policy.allow_origin(rules, submission.origin)
        slot = bucket(submission.caller.address or "")
        window = self.windows.get((rules.endpoint_id, slot)) if rules.limit is not None else None
        figures = window.figures(self.now) if window else None
        fields = submission.fields
        print_ = fingerprint(fields) if fields is not None and submission.idempotency_key else None
        if submission.idempotency_key:
            earlier = self.bound.get((rules.endpoint_id, submission.idempotency_key))
            if earlier is not None:
                if earlier.fingerprint != print_:
                    return Decision("idempotency_mismatch", figures=figures, allow_origin=origin)
                return Decision("replayed", body=earlier.answer.encode(), figures=figures, allow_origin=origin)
        if fields is None:
            code = submission.fields_error or "invalid_fields"
            return Decision(code, field_errors=submission.field_errors, figures=figures, allow_origin=origin)
        lead_type = entry.types.choose(fields.lead_type_name)
        if lead_type is None:
            return Decision("unknown_lead_type", field_errors=_UNKNOWN_TYPE, figures=figures, allow_origin=origin)
        if window is not None and window.is_full:
            return Decision("rate_limited", figures=window.refused(self.now), allow_origin=origin)
        if not admit:
            return None
        if window is not None:
            window.take(self.now)
            figures = window.figures(self.now)
        body = self._create(submission, rules, lead_type, (slot, print_))
        return Decision("created", body=body, figures=figures, allow_origin=origin)

    def _create(
        self, submission: Submission, rules: Rules, lead_type: LeadTypeRule, marks: tuple[str, str | None]
    ) -> bytes:
        fields, caller = submission.fields, submission.caller
        assert fields is not None
        assert caller.address is not None
        slot, print_ = marks
        public_id = uuid7_hex(self.now)
        body = _ENCODE(
            Answer(
                dashed(public_id), fields.name, fields.phone, fields.phone_e164, fields.email, fields.message,
                AnswerType(lead_type.name), False, self.created_at,
            )
        )  # fmt: skip
        key = submission.idempotency_key or None
        if key is not None and print_ is not None:
            self.bound[rules.endpoint_id, key] = Bound(print_, body.decode())
        lead = NewLead(
            id=0, public_id=public_id, workspace_id=rules.workspace_id, endpoint_id=rules.endpoint_id,
            lead_type_id=lead_type.id, stage_id=lead_type.first_stage_id,
            name=fields.name, phone=fields.phone, phone_e164=fields.phone_e164, email=fields.email,
            message=fields.message, at=self.now, address=caller.address, bucket=slot,
            origin=shown_origin(submission.origin),
            user_agent=submission.user_agent, request_id=submission.request_id, address_from=caller.source,
            note=note_of(submission), event_id=uuid7_hex(self.now),
            idempotency_key=key, fingerprint=print_, answer=body.decode() if key else None,
        )  # fmt: skip
        self.made.append(lead)
        return body

    def numbered(self) -> list[NewLead]:
        """The new leads with their row ids."""
        if self.made:
            for lead, row_id in zip(self.made, self.view.lead_ids(len(self.made)), strict=True):
                lead.id = row_id
        return self.made


def note_of(submission: Submission) -> str:
    """The code of the journal's note on how the caller's address was found, or an empty string."""
    if submission.caller.untrusted_proxy:
        return "untrusted_proxy"
    return "unreadable_address" if submission.caller.address is None else ""


def iso(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds: ``2026-01-01T12:00:00.123Z``."""
    seconds, ms = divmod(at_ms, 1000)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"
