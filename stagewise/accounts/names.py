"""Names that people give to things (workspaces, lead types, stages, endpoints) and to themselves."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stagewise.core import text


def clean(name: str, longest: int = 100) -> str:
    """The name as it is kept: NFC, trimmed, on one line, as the lane reads the names that websites send.

    Raises :class:`ValueError` with a sentence for the person who typed it.
    """
    found = text.line(name, longest, without=text.BIDI_CONTROLS)
    if found == text.BLANK or (isinstance(found, str) and not text.is_visible(found)):
        raise ValueError(_("Give it a name."))
    if found == text.TOO_LONG:
        said = ngettext("A name has at most %d character.", "A name has at most %d characters.", longest)
        raise ValueError(said % longest)
    if found == text.WRONG_TYPE or not isinstance(found, str):
        raise ValueError(_("A name is one line and holds no control characters."))
    return found


def of_person(name: str) -> str:
    """A person's name as it is kept; raises :class:`ValueError` with a sentence for them."""
    if not text.is_visible(name):
        raise ValueError(_("Tell the others your name."))
    return clean(name, longest=200)
