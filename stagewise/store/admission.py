"""Deciding calls that are past the caller's rules: what a batch has bound, used, held and made so far."""

from __future__ import annotations

import hashlib

import msgspec

from stagewise.core.fields import FieldError
from stagewise.core.ids import dashed, uuid7_hex
from stagewise.core.limits import Window
from stagewise.core.policy import LeadTypeRule
from stagewise.core.submission import Submission, shown_origin
from stagewise.options import holding, signals
from stagewise.options.captcha import REMEMBERED_MS, ToVerify, Verdict
from stagewise.options.rules import CaptchaRules
from stagewise.options.source import Source, ceiling_bucket
from stagewise.store import repeats
from stagewise.store.records import (
    Answer,
    AnswerType,
    Bound,
    Decision,
    Earlier,
    HeldAnswer,
    NewAttribution,
    NewBound,
    NewHeld,
    NewHit,
    NewLead,
    Repeat,
    RepeatAnswer,
    Rows,
)
from stagewise.store.times import iso
from stagewise.store.view import Entry, Place, View

_ENCODE = msgspec.json.Encoder().encode
_UNKNOWN_TYPE = (FieldError("lead_type_name", "unknown_lead_type", "There is no lead type of this name."),)
_CAPTCHA = (FieldError(signals.TOKEN, "captcha_failed", "The CAPTCHA was not solved."),)
#: Refusals that say nothing about the limit.
_NO_FIGURES = {"captcha_unavailable", "holding_full"}


class Call(msgspec.Struct):
    """A submission that its caller may make."""

    submission: Submission
    entry: Entry
    source: Source
    #: Under which its hits are counted.
    slot: str
    #: SHA-256 of the fields, if there are any.
    fingerprint: bytes | None
    origin: str | None
    note: str
    mark: int | None = None
    window: Place | None = None
    ceiling: Place | None = None

    @property
    def is_test(self) -> bool:
        """Whether a test lead is wanted."""
        return self.submission.test is not None


class Facts(msgspec.Struct):
    """What was read for the whole batch at once."""

    bound: dict[Place, Bound]
    windows: dict[Place, Window]
    #: By mark: leads of the last minutes.
    earlier: dict[int, Earlier]
    slots: tuple[int, int]


class Admission:
    """One batch's decisions, and the rows that they make."""

    def __init__(self, view: View, facts: Facts) -> None:
        self.view = view
        self.now = view.now
        self.facts = facts
        self.created_at = iso(view.now)
        self.rows = Rows(at=view.now)
        self._waiting: dict[int, int] = {}
        self._seen: dict[tuple[int, int], int] = {}
        #: What is to learn the row id of a lead that gets its id at the end.
        self._later: list[tuple[Repeat | NewBound | Decision | NewAttribution, NewLead]] = []

    def decide(self, call: Call, *, admit: bool) -> Decision | None:
        """Idempotency, fields, lead type, CAPTCHA, limit, repeats, holding: in this order."""
        window = self.facts.windows.get(call.window) if call.window is not None else None
        decision = self._decide(call, window, admit=admit)
        if decision is not None:
            decision.allow_origin = call.origin
            if decision.figures is None and window is not None and decision.outcome not in _NO_FIGURES:
                decision.figures = window.figures(self.now)
            if not decision.note:
                decision.note = call.note
            if call.source.forwarded_by is not None:
                decision.source = call.source
        return decision

    def _decide(self, call: Call, window: Window | None, *, admit: bool) -> Decision | None:
        submission, entry, options = call.submission, call.entry, call.entry.options
        if submission.idempotency_key:
            earlier = self.facts.bound.get((entry.rules.endpoint_id, submission.idempotency_key))
            if earlier is not None:
                return self._replay(earlier, call, admit=admit)
        fields = submission.fields
        if fields is None:
            return Decision(submission.fields_error or "invalid_fields", field_errors=submission.field_errors)
        lead_type = entry.types.choose(fields.lead_type_name)
        if lead_type is None:
            return Decision("unknown_lead_type", field_errors=_UNKNOWN_TYPE)
        reasons: list[str] = []
        if options.captcha is not None:
            decision = self._captcha(call, options.captcha, reasons)
            if decision is not None:
                return decision
        decision = self._limit(call, window, reasons)
        if decision is not None or not admit:
            return decision
        before = self._repeated(call)
        if before is not None:
            return self._repeat(call, before, lead_type)
        if options.holding is not None:
            reasons += self._suspicions(call)
        return self._hold(call, lead_type, reasons, window) if reasons else self._create(call, lead_type, window)

    def _replay(self, earlier: Bound, call: Call, *, admit: bool) -> Decision | None:
        """Answer as before. It is an acknowledgement like the first, so it too is given after a COMMIT."""
        if call.fingerprint is None or earlier.fingerprint != call.fingerprint.hex():
            return Decision("idempotency_mismatch")
        if not admit:
            return None
        self.rows.repeats_an_answer = True
        return Decision("replayed", body=earlier.answer.encode(), status=earlier.status)

    def _captcha(self, call: Call, rules: CaptchaRules, reasons: list[str]) -> Decision | None:
        """What the token's verdict means by this endpoint's rules; ``verify`` when there is none yet."""
        token, verdict = signals.read(call.submission.extras).captcha_token, call.submission.verdict
        outcome = "failed"
        if isinstance(verdict, Verdict) and verdict.rules == rules:
            outcome = verdict.outcome
        elif token is not None and call.fingerprint is not None:
            from stagewise_client.captcha import token_hash  # only where a CAPTCHA is used

            hashed, print_ = token_hash(token), call.fingerprint.hex()
            passed_with = self.view.captcha_pass((call.entry.rules.endpoint_id, hashed), self.now - REMEMBERED_MS)
            if passed_with is None:
                return Decision("verify", verify=ToVerify(call.entry.rules.endpoint_id, rules, token, hashed, print_))
            outcome = "passed" if passed_with == print_ else "failed"
        code = {"failed": "captcha_failed", "down": "captcha_unavailable"}.get(outcome)
        if code is None:
            return None
        consequence = rules.if_failed if outcome == "failed" else rules.if_down
        if consequence == "hold":
            reasons.append(code)
        elif consequence == "admit":
            call.note = call.note or "captcha_down"
        else:
            return Decision(code, field_errors=_CAPTCHA if outcome == "failed" else ())
        return None

    def _limit(self, call: Call, window: Window | None, reasons: list[str]) -> Decision | None:
        if window is not None and window.is_full:
            if not call.entry.options.hold_over_limit:
                return Decision("rate_limited", figures=window.refused(self.now))
            reasons.append("over_limit")
        ceiling = self.facts.windows.get(call.ceiling) if call.ceiling is not None else None
        if ceiling is not None and ceiling.is_full:
            figures = msgspec.structs.replace(ceiling.refused(self.now), policy="leads-per-server")
            return Decision("rate_limited", figures=figures, note="server_ceiling")
        return None

    def _repeated(self, call: Call) -> Earlier | None:
        """What this submission repeats: a lead, or one that is held."""
        if call.mark is None:
            return None
        found = self.facts.earlier.get(call.mark)
        if found is None and call.entry.options.may_hold:
            found = self.view.earlier([call.mark], self.facts.slots, held=True).get(call.mark)
        return found if found is not None and repeats.is_repeat(found, call.submission, self.now) else None

    def _repeat(self, call: Call, before: Earlier, lead_type: LeadTypeRule) -> Decision:
        """Answer with what came first. It takes no slot and makes no lead, but it is counted, and binds its key."""
        fields, request_id = call.submission.fields, call.submission.request_id
        assert fields is not None
        public_id = dashed(before.public_id)
        if before.held_id or before.is_held:
            decision = Decision("held", body=_ENCODE(HeldAnswer(public_id, True, request_id)), status=202)
        else:
            answer = RepeatAnswer(
                public_id, fields.name, fields.phone, fields.phone_e164, fields.email, fields.message,
                AnswerType(lead_type.name), call.is_test, iso(before.at),
            )  # fmt: skip
            decision = Decision("duplicate", body=_ENCODE(answer), lead_id=before.lead_id or None)
        workspace_id = call.entry.rules.workspace_id
        repeat = Repeat(workspace_id, self.now, lead_id=before.lead_id, held_id=before.held_id)
        self.rows.repeats.append(repeat)
        bound = self._bind(call, decision, before.lead_id or None)
        if before.lead is not None:
            self._later += [(each, before.lead) for each in (repeat, decision, bound) if each is not None]
        return decision

    def _suspicions(self, call: Call) -> list[str]:
        rules, fields = call.entry.options.holding, call.submission.fields
        assert rules is not None
        assert fields is not None
        before = 0
        if holding.counts_messages(rules, fields):
            place = (call.entry.rules.endpoint_id, _message_hash(fields.message or ""))
            if place not in self._seen:
                self._seen[place] = self.view.seen_before(*place, self.now - holding.REPEATED_WITHIN_MS)
            before = self._seen[place]
            self._seen[place] += 1
            if not call.is_test:
                self.rows.messages.append(place)
        return holding.reasons(rules, fields, signals.read(call.submission.extras), before)

    def _hold(self, call: Call, lead_type: LeadTypeRule, reasons: list[str], window: Window | None) -> Decision:
        submission, rules, source = call.submission, call.entry.rules, call.source
        fields = submission.fields
        assert fields is not None
        public_id = uuid7_hex(self.now)
        body = _ENCODE(HeldAnswer(dashed(public_id), True, submission.request_id))
        if call.is_test:
            return Decision("held", body=body, status=202)
        endpoint_id = rules.endpoint_id
        waiting = self._waiting.get(endpoint_id)
        if waiting is None:
            waiting = self.view.held_waiting(endpoint_id)
        if waiting >= holding.MOST_WAITING:
            if reasons == ["over_limit"] and window is not None:
                return Decision("rate_limited", figures=window.refused(self.now))
            return Decision("holding_full")
        self._waiting[endpoint_id] = waiting + 1
        self._take_slots(call, window)
        self.rows.hits.append(NewHit(rules.workspace_id, endpoint_id, call.slot, self.now))
        sent = signals.read(submission.extras).attribution
        assert call.mark is not None
        held = NewHeld(
            public_id, rules.workspace_id, endpoint_id, lead_type.id, fields.name, fields.phone, fields.phone_e164,
            fields.email, fields.message, self.now, source.address, source.forwarded_by,
            shown_origin(submission.origin), submission.user_agent, submission.request_id,
            None if sent is None else _ENCODE(sent).decode(), ",".join(reasons), self.facts.slots[0], call.mark,
        )  # fmt: skip
        self.rows.held.append(held)
        self.facts.earlier[call.mark] = Earlier(public_id, self.now, repeats.kept(fields), is_held=True)
        decision = Decision("held", body=body, status=202)
        self._bind(call, decision, None)
        return decision

    def _create(self, call: Call, lead_type: LeadTypeRule, window: Window | None) -> Decision:
        submission, rules, source, mark = call.submission, call.entry.rules, call.source, call.mark
        fields, print_ = submission.fields, call.fingerprint
        assert fields is not None
        assert mark is not None
        assert print_ is not None
        public_id = uuid7_hex(self.now)
        body = _ENCODE(
            Answer(
                dashed(public_id), fields.name, fields.phone, fields.phone_e164, fields.email, fields.message,
                AnswerType(lead_type.name), call.is_test, self.created_at,
            )
        )  # fmt: skip
        key = submission.idempotency_key or None
        if key is not None:
            self.facts.bound[rules.endpoint_id, key] = Bound(print_.hex(), 201, body.decode())
        # Two different submissions with one mark: an index admits only one of them in its slot.
        before, slot = self.facts.earlier.get(mark), self.facts.slots[0]
        in_its_slot = before is None or before.at // repeats.WITHIN_MS != slot
        lead = NewLead(
            0, public_id, rules.workspace_id, rules.endpoint_id, lead_type.id, lead_type.first_stage_id, fields.name,
            fields.phone, fields.phone_e164, fields.email, fields.message, self.now, source.address, call.slot,
            shown_origin(submission.origin), submission.user_agent, submission.request_id, submission.caller.source,
            call.note or note_of(submission), uuid7_hex(self.now), key, print_.hex() if key else None,
            body.decode() if key else None, source.forwarded_by, slot if in_its_slot else None, mark,
        )  # fmt: skip
        self.facts.earlier[mark] = Earlier(public_id, self.now, repeats.kept(fields), lead=lead)
        if submission.extras:
            self._attribute(lead, submission)
        if call.is_test:
            self.rows.tests.append(lead)
            return Decision("test_created", body=body)
        self._take_slots(call, window)
        self.rows.leads.append(lead)
        return Decision("created", body=body)

    def _take_slots(self, call: Call, window: Window | None) -> None:
        """Use a slot of the address, and of the server that named it."""
        if window is not None:
            window.take(self.now)
        server = call.source.forwarded_by
        if server is not None:
            rules = call.entry.rules
            self.rows.hits.append(NewHit(rules.workspace_id, rules.endpoint_id, ceiling_bucket(server), self.now))
            if call.ceiling is not None:
                self.facts.windows[call.ceiling].take(self.now)

    def _attribute(self, lead: NewLead, submission: Submission) -> None:
        sent = signals.read(submission.extras).attribution
        if sent is None:
            return
        row = NewAttribution(
            0, lead.workspace_id, sent.page_url, sent.referrer, sent.utm_source, sent.utm_medium, sent.utm_campaign,
            sent.utm_term, sent.utm_content, _ENCODE(sent.click_ids).decode(),
        )  # fmt: skip
        self.rows.attributions.append(row)
        self._later.append((row, lead))

    def _bind(self, call: Call, decision: Decision, lead_id: int | None) -> NewBound | None:
        """Bind the key, if there is one, to an answer that made no new lead."""
        key, rules = call.submission.idempotency_key, call.entry.rules
        if not key or call.fingerprint is None or decision.body is None:
            return None
        print_, answer = call.fingerprint.hex(), decision.body.decode()
        self.facts.bound[rules.endpoint_id, key] = Bound(print_, decision.status, answer)
        row = NewBound(rules.workspace_id, rules.endpoint_id, key, print_, lead_id, decision.status, answer, self.now)
        self.rows.bound.append(row)
        return row

    def finish(self) -> Rows:
        """The rows, with the ids of the new leads."""
        made = [*self.rows.leads, *self.rows.tests]
        if made:
            for lead, row_id in zip(made, self.view.lead_ids(len(made)), strict=True):
                lead.id = row_id
            for row, lead in self._later:
                row.lead_id = lead.id
        return self.rows


def _message_hash(message: str) -> int:
    """The first 64 bits of the SHA-256 of a message without its white space and case, signed."""
    digest = hashlib.sha256("".join(message.lower().split()).encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def note_of(submission: Submission) -> str:
    """The code of the journal's note on how the caller's address was found, or an empty string."""
    if submission.caller.untrusted_proxy:
        return "untrusted_proxy"
    return "unreadable_address" if submission.caller.address is None else ""
