"""The fields of a lead, checked before anybody else is troubled with them.

The rules follow those of Stagewise's endpoint, roughly: what is plainly wrong gets its answer here, and the endpoint
has the last word on the rest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

NAMES = ("name", "phone", "email", "message", "lead_type_name")
REQUIRED = ("name", "phone", "email")
_LIMITS = {"name": 200, "phone": 40, "email": 254, "message": 5_000, "lead_type_name": 100}
_LABELS = {"name": "name", "phone": "phone number", "email": "e-mail address", "message": "message"}

#: Words for visitors, for each code of a field; a field without a label of its own is "value".
_WORDS = {
    "required": "Please enter your {label}.",
    "blank": "Please enter your {label}.",
    "too_long": "This {label} is too long: {limit:,} characters at most.",
    "type": "This {label} holds characters that cannot be used.",
    "invalid_email": "This does not look like an e-mail address.",
    "invalid_phone": "This does not look like a phone number.",
    "unknown_lead_type": "Please choose another subject.",
    "captcha_failed": "Please confirm once more that you are no robot.",
}
_OTHERWISE = "Please check your {label}."
#: NUL, and half a surrogate pair, which JSON can spell and UTF-8 cannot.
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")

#: White space, zero-width characters, direction marks, and the letters that are drawn as nothing.
_INVISIBLE = re.compile(r"[\s\u00ad\u115f\u1160\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0]*")


def check(sent: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong, as field → code; empty when nothing is."""
    return {name: code for name in NAMES if (code := _code(name, sent.get(name)))}


def is_missing(found: Mapping[str, str]) -> bool:
    """Whether something that every lead needs is not there at all."""
    return any(found.get(name) in {"required", "blank"} for name in REQUIRED)


def words(field: str, code: str) -> str:
    """A code in words for the visitor, whoever found it: here, or the endpoint."""
    template = _WORDS.get(code, _OTHERWISE)
    return template.format(label=_LABELS.get(field, "value"), limit=_LIMITS.get(field, 0))


def cleaned(sent: Mapping[str, Any]) -> dict[str, str]:
    """The fields that go on: text as it came, without the white space around it; blank ones are left out."""
    found = {name: sent[name].strip() for name in NAMES if isinstance(sent.get(name), str)}
    return {name: value for name, value in found.items() if value}


def _code(name: str, value: object) -> str:
    if value is None or value == "":
        return "required" if name in REQUIRED else ""
    if not isinstance(value, str) or _NO_TEXT.search(value):
        return "type"
    value = unicodedata.normalize("NFC", value).strip()
    if not value:
        return "blank" if name in REQUIRED else ""
    if len(value) > _LIMITS[name]:
        return "too_long"
    if name != "message" and _CONTROLS.search(value):
        return "type"
    if name == "email":
        return "" if _is_email(value) else "invalid_email"
    if name == "phone":
        return "" if _is_phone(value) else "invalid_phone"
    if name == "name" and _INVISIBLE.fullmatch(value):
        return "blank"
    return ""


def _is_email(value: str) -> bool:
    from email_validator import EmailNotValidError, validate_email  # 60 ms, for those who get this far

    try:
        validate_email(value, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def _is_phone(value: str) -> bool:
    """5 to 20 digits of any script, in which a vanity number's letters count, and perhaps an extension. No markup."""
    digits = sum(letter.isdecimal() or letter.isalpha() for letter in value)
    return 5 <= digits <= 40 and not re.search(r"[<>*@]", value)
