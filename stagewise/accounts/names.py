"""Names that people give to things: workspaces, lead types, stages, endpoints."""

from __future__ import annotations

from stagewise.core import text


def clean(name: str, longest: int = 100) -> str:
    """The name as it is kept: NFC, trimmed, on one line, as the lane reads the names that websites send.

    Raises :class:`ValueError` with a sentence for the person who typed it.
    """
    found = text.line(name, longest, without=text.BIDI_CONTROLS)
    if found == text.BLANK or (isinstance(found, str) and not text.is_visible(found)):
        raise ValueError("Give it a name.")
    if found == text.TOO_LONG:
        raise ValueError(f"A name has at most {longest} characters.")
    if found == text.WRONG_TYPE or not isinstance(found, str):
        raise ValueError("A name is one line and holds no control characters.")
    return found
