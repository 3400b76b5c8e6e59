"""What leads are searched by: lower-case text, and phone numbers as bare digits.

The worker fills ``lead.search_text`` with :func:`text_of` after the lead was stored; what it has not reached yet is
searched by the same function when somebody looks.
"""

from __future__ import annotations

import re
import unicodedata

#: What people put between the digits of a phone number.
_BETWEEN_DIGITS = re.compile(r"[\s()./+\-\u2010-\u2015\u2212]+")


def text_of(name: str, email: str, phone: str, phone_e164: str | None) -> str:
    """The text in which a lead is found: name, e-mail, phone as typed and as digits, one on each line."""
    lines = [_folded(name), _folded(email), _folded(phone), digits_of(phone), digits_of(phone_e164 or "")]
    return "\n".join(dict.fromkeys(filter(None, lines)))


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
    return "".join(sign for sign in _ascii_digits(phone) if sign.isascii() and sign.isdigit())


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().lower()


def _ascii_digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(sign, sign)) for sign in text)
