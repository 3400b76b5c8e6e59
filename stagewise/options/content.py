"""A body that is all there, and not too large, becomes its submission's content: fields, or why it cannot be used."""

from __future__ import annotations

from stagewise.core import fields
from stagewise.core.fields import FieldError
from stagewise.core.json_body import Unreadable, decode
from stagewise.core.submission import Submission, fill
from stagewise.options import signals

_NOT_OBJECT = (FieldError("", "type", "The body must be a JSON object with the lead's fields."),)


def read(submission: Submission, body: bytes) -> None:
    """Put into the submission what the body holds. Never raises: what is wrong stands in the submission."""
    try:
        sent = decode(body)
    except Unreadable as error:
        refuse(submission, error)
    else:
        submission.extras = signals.find(body, len(sent))
        fill(submission, fields.check(sent))


def refuse(submission: Submission, error: Unreadable) -> None:
    """Put in why a body cannot be used. Valid JSON that is no object has wrong fields; all else is no content."""
    if error.not_object:
        submission.fields_error, submission.field_errors = error.code, _NOT_OBJECT
    else:
        submission.content_error = error.code
