"""How a lead type's name is compared."""

from __future__ import annotations

import unicodedata


def key(name: str) -> str:
    """What two names of lead types are compared by: NFC, trimmed, ``str.lower()``.

    Not ``casefold()``: it would make a name that is spelled with the long s (U+017F) equal to "Sales".
    """
    return unicodedata.normalize("NFC", name).strip().lower()
