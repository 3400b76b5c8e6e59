"""What leads are searched by: lower-case text, and phone numbers as bare digits.

The worker writes :class:`stagewise.leads.models.LeadSearch` from these functions after the lead was stored; what it
has not reached yet is searched by the same functions when somebody looks.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Any

#: What people put between the digits of a phone number.
_BETWEEN_DIGITS = re.compile(r"[\s()./+\-\u2010-\u2015\u2212]+")

_DIGITS = frozenset("0123456789")

#: So much of a message is searched: more than anybody types into a form, and an index that stays small.
MESSAGE_SEARCHED = 2_000
_NAME_KEY = 40


def text_of(name: str, email: str, phone: str, phone_e164: str | None, message: str | None = None) -> str:
    """The text in which a lead is found: name, e-mail, phone as typed and as digits, message, one on each line."""
    lines = [_folded(name), _folded(email), _folded(phone), digits_of(phone), digits_of(phone_e164 or "")]
    lines.append(_folded((message or "")[:MESSAGE_SEARCHED]))
    return "\n".join(dict.fromkeys(filter(None, lines)))


def name_key(name: str) -> str:
    """What leads are put in order by when they are read by name."""
    return _folded(name)[:_NAME_KEY]


def email_key(email: str) -> int:
    """64 bits, signed, under which leads with this e-mail address are found; compare the addresses as well."""
    return _hash(_folded(email))


def phone_key(phone: str, phone_e164: str | None) -> int | None:
    """The same of a phone number: of its E.164 form where that is known, else of its digits; None without digits."""
    digits = digits_of(phone_e164 or phone)
    return _hash(digits) if digits else None


def row_of(name: str, email: str, phone: str, phone_e164: str | None, message: str | None) -> dict[str, Any]:
    """The columns of a lead's row in ``lead_search``, but for its ids."""
    return {
        "name_key": name_key(name),
        "email_key": email_key(email),
        "phone_key": phone_key(phone, phone_e164),
        "text": text_of(name, email, phone, phone_e164, message),
    }


def terms(query: str) -> list[str]:
    """The texts that must all occur in a lead's :func:`text_of`.

    A query made of digits and what stands between them is one phone number in any spelling: the digits count, without
    the ``00`` or ``0`` in front, which one spelling has and another has not. Anything else is words.
    """
    folded = _folded(query)
    if not folded:
        return []
    digits = _BETWEEN_DIGITS.sub("", _ascii_digits(folded))
    if digits.isascii() and digits.isdigit():
        return [digits.lstrip("0") or digits]
    return folded.split()


def matches(text: str, wanted: list[str]) -> bool:
    """Whether a lead with this text is found; every lead is when nothing is wanted."""
    return all(term in text for term in wanted)


def digits_of(phone: str) -> str:
    """The digits of a phone number as ASCII, whatever script and spelling they came in."""
    return "".join(sign for sign in _ascii_digits(phone) if sign in _DIGITS)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().lower()


def _ascii_digits(text: str) -> str:
    return text if text.isascii() else "".join(str(unicodedata.decimal(sign, sign)) for sign in text)
