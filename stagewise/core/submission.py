"""One call of the endpoint as a value: who called, and what was sent, with the first error of each stage."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from stagewise.core.addresses import Caller
from stagewise.core.fields import FieldError, Fields, is_missing

_ENCODE = msgspec.msgpack.Encoder().encode

#: Stands for an ``Origin`` that was sent in a way that can match nothing, such as twice.
UNUSABLE_ORIGIN = "\0"


class Submission(msgspec.Struct):
    """What the ledger needs to decide a call; nothing in it depends on the endpoint's rules."""

    key: str
    caller: Caller
    request_id: str
    origin: str | None = None
    user_agent: str | None = None
    preflight: bool = False
    #: Wrong with the request as such (method, Host, size of the headers); decided before anything about the endpoint.
    early_error: str | None = None
    #: The first of: media type, body, JSON. None when the JSON was an object of the right shape.
    content_error: str | None = None
    #: The ``Idempotency-Key`` as sent without quotes; ``""`` when it cannot be used.
    idempotency_key: str | None = None
    fields: Fields | None = None
    field_errors: tuple[FieldError, ...] = ()
    #: ``missing_fields`` or ``invalid_fields`` when there are field errors.
    fields_error: str | None = None
    #: ``Stagewise-Visitor-IP``: the address, ``""`` when it cannot be read, None when it was not sent.
    visitor: str | None = None
    #: ``Stagewise-Test`` as sent.
    test: str | None = None
    #: Posted from the page that we serve for the endpoint.
    hosted: bool = False
    #: What else was sent of the names in stagewise/options/signals.py, unchecked.
    extras: Mapping[str, object] | None = None
    #: What the CAPTCHA's provider said, once it was asked (stagewise/options/captcha.py).
    verdict: object = None
    #: The body had not arrived with the first event: only the caller is to be checked now.
    awaits_body: bool = False


def fill(submission: Submission, checked: Fields | list[FieldError]) -> None:
    """Put in what :func:`stagewise.core.fields.check` found."""
    if isinstance(checked, list):
        submission.field_errors = tuple(checked)
        submission.fields_error = "missing_fields" if is_missing(checked) else "invalid_fields"
    else:
        submission.fields = checked


def fingerprint(submission: Submission) -> bytes:
    """SHA-256 of the five normalised fields as sent (an absent lead type stays absent), and of whether it is a test.

    Two submissions under one Idempotency-Key are the same when their fingerprints are. There must be fields.
    """
    fields = submission.fields
    assert fields is not None
    sent = (fields.name, fields.phone, fields.email, fields.message, fields.lead_type_name)
    return hashlib.sha256(_ENCODE(sent if submission.test is None else (*sent, True))).digest()


def shown_origin(origin: str | None) -> str | None:
    """An origin as lead and journal keep it."""
    return "(unusable)" if origin == UNUSABLE_ORIGIN else origin
