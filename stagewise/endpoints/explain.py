"""What an endpoint would say to a call that nobody has made: decided by the lane's own code, told step by step.

:func:`stagewise.store.settle.settle` decides, on a plain read of this moment; nothing is stored and no slot is used.
The steps only put into words what it looked at, in the order of the contract.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from stagewise.accounts.clock import now_ms
from stagewise.core.addresses import Caller
from stagewise.core.ids import request_id
from stagewise.core.json_body import BODY_BYTES
from stagewise.core.submission import Submission
from stagewise.endpoints import explain_steps, queries
from stagewise.endpoints.asking import Asking
from stagewise.endpoints.compiling import KEY, entry_of
from stagewise.endpoints.journal_rows import Outcome, outcome_of
from stagewise.options import content
from stagewise.options.captcha import Verdict
from stagewise.store.answers import Answers
from stagewise.store.settle import settle

if TYPE_CHECKING:
    from stagewise.endpoints.models import Endpoint
    from stagewise.store.records import Decision, Rows

#: ``yes``: passed. ``no``: here the call ends. ``skip``: does not apply. ``later``: not reached.
Mark = Literal["yes", "no", "skip", "later"]


@dataclass(frozen=True)
class Question:
    """A call as somebody describes it. ``address`` is canonical; ``visitor`` is ``Stagewise-Visitor-IP`` as read."""

    address: str
    origin: str | None
    body: bytes
    visitor: str | None = None


@dataclass(frozen=True)
class Step:
    """One check: what it is about, how it went, and in words why. ``at``: a moment that the words end with."""

    code: str
    label: str
    mark: Mark
    words: str = ""
    at: int | None = None


@dataclass(frozen=True)
class Explanation:
    """All checks in order, and the answer."""

    steps: list[Step]
    outcome: Outcome
    #: The status with which it would be answered, its headers, and its body.
    status: int
    headers: list[tuple[str, str]]
    body: str
    #: Whether a CAPTCHA's provider would be asked in between; the rest is told as if it said yes.
    asks_captcha: bool


def explain(endpoint: Endpoint, question: Question) -> Explanation:
    """Decide and explain. ``endpoint`` may hold settings that are not saved."""
    now = now_ms()
    entry = entry_of(endpoint)
    view = Asking(now, {KEY: entry})
    submission = _submission(question)
    decision, rows = _decide(view, submission)
    asks = decision.verify
    if asks is not None:
        submission.verdict = Verdict(asks.rules, "passed")
        decision, rows = _decide(view, submission)
    told = explain_steps.Told(endpoint, entry, submission, decision, rows, view, asks_captcha=asks is not None)
    answer = Answers(queries.public_base()).of(submission, decision)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]
    return Explanation(
        _marked(explain_steps.told(told), decision),
        outcome_of(decision.outcome, answer.status),
        answer.status,
        headers,
        json.dumps(json.loads(answer.body), indent=2, ensure_ascii=False),
        asks is not None,
    )


def _submission(question: Question) -> Submission:
    submission = Submission(
        key=KEY,
        caller=Caller(question.address, "peer", question.address),
        request_id=request_id(),
        origin=question.origin,
        visitor=question.visitor,
    )
    if len(question.body) > BODY_BYTES:
        submission.content_error = "too_large"
    else:
        content.read(submission, question.body)
    return submission


def _decide(view: Asking, submission: Submission) -> tuple[Decision, Rows]:
    decisions, rows = settle(view, [submission], admit=True)
    assert decisions[0] is not None
    return decisions[0], rows


def _marked(told: list[explain_steps.Telling], decision: Decision) -> list[Step]:
    """The checks with their marks: passed up to the one at which the call ends, not reached after it."""
    ends = explain_steps.step_of(decision)
    steps: list[Step] = []
    ended = False
    for each in told:
        if ended:
            steps.append(Step(each.code, each.label, "later"))
        elif each.code == ends:
            ended = True
            steps.append(Step(each.code, each.label, "no", each.why_not or each.words, each.at))
        else:
            steps.append(Step(each.code, each.label, "skip" if each.skipped else "yes", each.words, each.at))
    return steps
