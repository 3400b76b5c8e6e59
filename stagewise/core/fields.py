"""The fields of a lead: api.md's rules for each, all errors at once.

Most submissions are plain ASCII. For them a cheap test knows the result; whatever it does not know goes the careful
way, which is the definition. Tests hold the two together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from stagewise.core import emails, phone, text
from stagewise.core.phone import phone_details
from stagewise.core.text import Bad

FIELD_NAMES = ("name", "phone", "email", "message", "lead_type_name")
REQUIRED_FIELDS = frozenset({"name", "phone", "email"})
NAME_LIMIT, MESSAGE_LIMIT, LEAD_TYPE_LIMIT = 200, 5000, 100


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with a field; ``detail`` is fit to be shown to the visitor."""

    field: str
    code: str
    detail: str


class Fields(msgspec.Struct, frozen=True):
    """Checked fields as they are stored. An absent message or lead type is None."""

    name: str
    phone: str
    phone_e164: str | None
    email: str
    message: str | None
    lead_type_name: str | None


_LABELS = {"name": "name", "phone": "phone number", "email": "e-mail address", "message": "message",
           "lead_type_name": "lead type"}  # fmt: skip
_LIMITS = {"name": NAME_LIMIT, "phone": phone.LIMIT, "email": emails.LIMIT, "message": MESSAGE_LIMIT,
           "lead_type_name": LEAD_TYPE_LIMIT}  # fmt: skip
_DETAILS = {
    "required": "The {label} is missing.",
    "blank": "The {label} is empty.",
    "too_long": "The {label} is longer than {limit:,} characters.",
    "type": "The {label} must be text without control characters.",
    "invalid_email": "This is no valid e-mail address.",
    "invalid_phone": "This is no valid phone number.",
}
_ERRORS = {
    (field, code): FieldError(field, code, detail.format(label=_LABELS[field], limit=_LIMITS[field]))
    for field in FIELD_NAMES
    for code, detail in _DETAILS.items()
}

#: Every text that can be said of a field.
DETAILS = tuple(error.detail for error in _ERRORS.values())

_PLAIN_LINE = re.compile(r"[!-~](?:[ -~]*[!-~])?").fullmatch
_PLAIN_MESSAGE = re.compile(r"[!-~](?:[\t\n -~]*[!-~])?").fullmatch


def check(raw: Mapping[str, object]) -> Fields | list[FieldError]:
    """Check and normalise the decoded fields; absent and null are the same.

    Returns the fields, or every error, one to a field, in the order of :data:`FIELD_NAMES`.
    """
    get = raw.get
    name = _name(get("name"))
    dialled = _phone(get("phone"))
    email = _email(get("email"))
    message = _message(get("message"))
    lead_type = _lead_type(get("lead_type_name"))
    if (
        isinstance(name, str)
        and isinstance(dialled, tuple)
        and isinstance(email, str)
        and not isinstance(message, Bad)
        and not isinstance(lead_type, Bad)
    ):
        return Fields(name, dialled[0], dialled[1], email, message, lead_type)
    results = zip(FIELD_NAMES, (name, dialled, email, message, lead_type), strict=True)
    return [_ERRORS[field, result.code] for field, result in results if isinstance(result, Bad)]


def is_missing(errors: list[FieldError]) -> bool:
    """Whether the refusal is ``missing_fields``: a required field is absent, null or blank."""
    return any(error.field in REQUIRED_FIELDS and error.code in {"required", "blank"} for error in errors)


def _name(value: object) -> str | Bad:
    if type(value) is not str:
        return _no_text(value)
    if len(value) <= NAME_LIMIT and _PLAIN_LINE(value):
        return value
    kept = text.line(value, NAME_LIMIT, text.BIDI_CONTROLS)
    return text.BLANK if isinstance(kept, str) and not text.is_visible(kept) else kept


def _phone(value: object) -> tuple[str, str | None] | Bad:
    return phone.read(value) if type(value) is str else _no_text(value)


def _email(value: object) -> str | Bad:
    return emails.read(value) if type(value) is str else _no_text(value)


def _message(value: object) -> str | Bad | None:
    if value is None:
        return None
    if type(value) is not str:
        return text.WRONG_TYPE
    if len(value) <= MESSAGE_LIMIT and _PLAIN_MESSAGE(value):
        return value
    return text.message(value, MESSAGE_LIMIT)


def _lead_type(value: object) -> str | Bad | None:
    if value is None:
        return None
    if type(value) is not str:
        return text.WRONG_TYPE
    if len(value) <= LEAD_TYPE_LIMIT and _PLAIN_LINE(value):
        return value
    kept = text.line(value, LEAD_TYPE_LIMIT)
    return None if kept is text.BLANK else kept


def _no_text(value: object) -> Bad:
    return text.REQUIRED if value is None else text.WRONG_TYPE


__all__ = ["FIELD_NAMES", "FieldError", "Fields", "check", "is_missing", "phone_details"]
