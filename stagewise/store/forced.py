"""Answers that a test call asked for by name: as they would be given, and nothing is stored."""

from __future__ import annotations

import msgspec

from stagewise.core.fields import FieldError, Fields
from stagewise.core.ids import dashed, uuid7_hex
from stagewise.core.limits import Figures
from stagewise.core.policy import Rules
from stagewise.core.submission import Submission
from stagewise.store.records import AnswerType, Decision, HeldAnswer, RepeatAnswer
from stagewise.store.times import iso

_ENCODE = msgspec.json.Encoder().encode
_SAMPLE = Fields("Ada Lovelace", "+44 20 7946 0958", "+442079460958", "ada@example.com", None, None)
#: Field errors that an answer would come with.
_ERRORS = {
    "missing_fields": (FieldError("phone", "required", "The phone number is missing."),),
    "invalid_fields": (FieldError("email", "invalid_email", "This is no valid e-mail address."),),
    "unknown_lead_type": (FieldError("lead_type_name", "unknown_lead_type", "There is no lead type of this name."),),
    "captcha_failed": (FieldError("captcha_token", "captcha_failed", "The CAPTCHA was not solved."),),
}
#: When a forced 429 says that a slot will be free, in seconds.
RETRY_S = 60


def decision(submission: Submission, rules: Rules, origin: str | None, now: int) -> Decision:
    """The answer that ``submission.test`` names; what it names wrongly is an invalid request."""
    code = submission.test or "invalid_request"
    made = Decision(code, allow_origin=origin, note="test", field_errors=_ERRORS.get(code, ()))
    public_id = dashed(uuid7_hex(now))
    if code == "held":
        made.status, made.body = 202, _ENCODE(HeldAnswer(public_id, True, submission.request_id))
    elif code == "duplicate":
        fields = submission.fields or _SAMPLE
        made.body = _ENCODE(
            RepeatAnswer(
                public_id, fields.name, fields.phone, fields.phone_e164, fields.email, fields.message,
                AnswerType(fields.lead_type_name or "General"), True, iso(now),
            )
        )  # fmt: skip
    elif code == "rate_limited":
        made.figures = Figures(rules.limit or 10, 0, RETRY_S)
    return made
