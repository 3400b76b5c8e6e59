"""A place in a list of leads, as text that goes through a URL. Made up ones lead somewhere or nowhere, never astray."""

from __future__ import annotations

import base64
import binascii
import json
from typing import NamedTuple

from stagewise.leads.finding.filters import SORTS

_LARGEST = 2**63 - 1
_LONGEST_KEY = 200


class Cursor(NamedTuple):
    """After this lead the page begins.

    ``part`` is which part of the order it stands in: most orders have leads that they say nothing about, after the
    others. ``key`` is what the order compares (a name, a time, the row id), ``id`` the row id.
    """

    sort: str
    part: int
    key: int | str
    id: int

    def __str__(self) -> str:
        packed = json.dumps([self.sort, self.part, self.key, self.id], separators=(",", ":"), ensure_ascii=False)
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def read(text: str | None, sort: str) -> Cursor | None:
    """The cursor of a URL; None for the beginning, and for what is no cursor of this order."""
    if not text or len(text) > 2 * _LONGEST_KEY + 200:
        return None
    try:
        packed = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found = json.loads(packed)
    except (ValueError, binascii.Error, RecursionError):
        return None
    match found:
        case [str(order), int(part), int() | str() as key, int(row)]:
            # To Python, true is a number as well.
            fits = not any(isinstance(each, bool) for each in found) and order == sort and order in SORTS
            fits = fits and part in {0, 1} and 0 <= row <= _LARGEST and _is_key(key, order, part)
            return Cursor(order, part, key, row) if fits else None
    return None


def _is_key(key: int | str, order: str, part: int) -> bool:
    if isinstance(key, int):
        return abs(key) <= _LARGEST and (order, part) != ("name", 1)
    # A lone surrogate cannot be sent to a database, nor can a null character.
    sendable = "\0" not in key and key.encode(errors="ignore").decode() == key
    return sendable and len(key) <= _LONGEST_KEY and (order, part) == ("name", 1)
