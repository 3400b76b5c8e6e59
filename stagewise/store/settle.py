"""Settle one batch: decide each submission in order of arrival, as if it had come alone. No SQL here.

The same function serves both lanes of the ledger. With ``admit`` it runs inside the locked transaction and what it
admits is written there. Without, it runs on a plain read and may only refuse: what it does not refuse it leaves
undecided (None) for the other lane.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stagewise.core import policy
from stagewise.core.addresses import bucket
from stagewise.core.submission import Submission, fingerprint
from stagewise.options import testing
from stagewise.options.source import ceiling_bucket, source_of
from stagewise.store import forced
from stagewise.store.admission import Admission, Call, Facts
from stagewise.store.records import Decision, Rows
from stagewise.store.repeats import mark_of, slots_of
from stagewise.store.view import Entry, Place, View


def settle(view: View, batch: Sequence[Submission], *, admit: bool) -> tuple[list[Decision | None], Rows]:
    """Decide a batch; return a decision for each submission (None: not refused, ``admit`` is off) and what to write."""
    decisions: list[Decision | None] = []
    calls: list[tuple[int, Call]] = []
    for place, submission in enumerate(batch):
        found = _caller(view, submission, admit=admit)
        if isinstance(found, Call):
            calls.append((place, found))
            decisions.append(None)
        else:
            decisions.append(found)
    if not calls:
        return decisions, Rows()
    windows: dict[Place, int] = {}
    marks = []
    for _, call in calls:
        if call.window is not None:
            windows[call.window] = call.entry.rules.limit or 0
        if call.ceiling is not None:
            windows[call.ceiling] = call.entry.options.server_ceiling or 0
        if admit and call.mark is not None:
            marks.append(call.mark)
    slots = slots_of(view.now)
    facts = Facts(
        view.bound(_keys(calls)),
        view.windows(windows),
        view.earlier(marks, slots, held=False) if marks else {},
        slots,
    )
    admission = Admission(view, facts)
    for place, call in calls:
        decisions[place] = admission.decide(call, admit=admit)
    return decisions, admission.finish()


def _caller(view: View, submission: Submission, *, admit: bool) -> Decision | Call:
    """Everything that is decided before idempotency; a call when nothing there speaks against the submission."""
    entry = view.entries.get(submission.key)
    if entry is None:
        code = policy.refusal_before_content(None, retired=False, submission=submission)
        return Decision(code or "not_found")
    rules, options = entry.rules, entry.options
    code = policy.refusal_before_content(
        rules, retired=entry.is_retired(view.now), submission=submission, page_open=options.form.enabled
    )
    origin = policy.allow_origin(rules, submission.origin)
    if code is None:
        if submission.preflight:
            code = "preflight"
        elif submission.test is not None and submission.test != testing.ORDINARY:
            return forced.decision(submission, rules, origin, view.now)
        elif submission.content_error is not None:
            code = submission.content_error
        elif submission.awaits_body:
            code = "admitted"
        elif submission.idempotency_key == "":
            code = "invalid_request"
    if code is not None:
        return Decision(code, allow_origin=origin, note=_note(submission))
    return _call(submission, entry, origin, admit=admit)


def _note(submission: Submission) -> str:
    return "" if submission.test is None else "test"


def _call(submission: Submission, entry: Entry, origin: str | None, *, admit: bool) -> Decision | Call:
    """Whose lead it is, and under what it is counted and found again."""
    rules, options = entry.rules, entry.options
    source = source_of(rules, submission, forwarding=options.forwarding)
    if source is None:
        return Decision("invalid_request", allow_origin=origin, note="visitor_ip_unreadable")
    # What is not to be stored is told from others only by a key or for a CAPTCHA's token.
    told_apart = admit or submission.idempotency_key is not None or options.captcha is not None
    print_ = fingerprint(submission) if told_apart and submission.fields is not None else None
    slot = bucket(source.address)
    call = Call(submission, entry, source, slot, print_, origin, _note(submission) or source.note)
    if print_ is not None:
        call.mark = mark_of(print_, rules.endpoint_id)
    if rules.limit is not None:
        call.window = (rules.endpoint_id, slot)
    if source.forwarded_by is not None and options.server_ceiling is not None:
        call.ceiling = (rules.endpoint_id, ceiling_bucket(source.forwarded_by))
    return call


def _keys(calls: Iterable[tuple[int, Call]]) -> set[Place]:
    return {
        (call.entry.rules.endpoint_id, call.submission.idempotency_key)
        for _, call in calls
        if call.submission.idempotency_key
    }
