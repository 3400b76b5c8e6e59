"""A guess which lane a submission needs, from the rules as last read. It is never a decision: the lane finds out."""

from __future__ import annotations

import time

from stagewise.core import policy
from stagewise.core.addresses import bucket
from stagewise.core.submission import Submission
from stagewise.store.records import Decision
from stagewise.store.rules import Compiled
from stagewise.store.view import Entry

#: How many exhausted addresses are remembered.
HINTS = 10_000


class Guess:
    """Remembers which addresses have used up their limit, and until when."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._exhausted: dict[tuple[int, str], float] = {}

    def looks_refused(self, submission: Submission) -> bool:
        """Whether a plain read will probably do."""
        entry = self._compiled.last.get(submission.key)
        if entry is None or submission.fields is None or submission.preflight or submission.idempotency_key == "":
            return True
        rules = entry.rules
        if entry.options.captcha is not None or submission.hosted or submission.test is not None:
            return True
        open_to_all = rules.enabled and rules.allow_all_ips and not rules.origins
        if not open_to_all and policy.refusal_before_content(rules, retired=False, submission=submission) is not None:
            return True
        if self._exhausted and submission.idempotency_key is None and submission.visitor is None:
            until = self._exhausted.get((rules.endpoint_id, bucket(submission.caller.address or "")))
            return until is not None and time.monotonic() < until
        return False

    def learn(self, submission: Submission, decision: Decision, entry: Entry) -> None:
        """Remember an address whose limit was reached; not a visitor that its server named."""
        if decision.outcome != "rate_limited" or decision.figures is None or decision.note or submission.visitor:
            return
        if len(self._exhausted) >= HINTS:
            self._exhausted.clear()
        place = (entry.rules.endpoint_id, bucket(submission.caller.address or ""))
        self._exhausted[place] = time.monotonic() + (decision.figures.reset or 0)
