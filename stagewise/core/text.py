"""Text as visitors send it, in one form: NFC, trimmed, without what breaks a line, an index or a reader's eye."""

from __future__ import annotations

import re
import unicodedata

import msgspec


class Bad(msgspec.Struct, frozen=True):
    """A value that cannot be taken, with the code of the reason."""

    code: str


REQUIRED = Bad("required")
BLANK = Bad("blank")
TOO_LONG = Bad("too_long")
#: Not a string, or a string with characters that the field cannot hold.
WRONG_TYPE = Bad("type")

#: The characters with the property White_Space (Unicode 15, PropList). ``str.strip()`` alone takes four controls more.
_WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_NONCHARACTERS = r"\ufdd0-\ufdef" + "".join(f"\\U{plane:04x}fffe\\U{plane:04x}ffff" for plane in range(17))
#: What a line cannot hold: C0, DEL, C1, line and paragraph separators, lone surrogates, noncharacters.
_NO_LINE = re.compile(rf"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{_NONCHARACTERS}]")
#: Controls that a message is better without: everything but TAB and LF.
_DROPPED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NO_MESSAGE = re.compile(r"[\x00\ud800-\udfff]")
#: Embeddings, overrides and isolates (Unicode Bidirectional Algorithm, section 2): they turn around what stands beside.
BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
#: Something to see: not white space, not default-ignorable (DerivedCoreProperties), not the blank Braille pattern.
_VISIBLE = re.compile(
    rf"[^{_WHITE_SPACE}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
#: NFC makes a text shorter by at most this factor: no character decomposes into more than four (UAX #15).
_SHRINKS_BY = 4
#: Up to here even the slow sorting of ``unicodedata`` takes less than 10 ms.
_SHORT = 2000
#: Characters that are no combining marks, but come apart into such.
_HIDDEN_MARKS = re.compile("[\u0f73\u0f75\u0f81]")


def line(text: str, limit: int, without: re.Pattern[str] | None = None) -> str | Bad:
    """One line of at most ``limit`` code points: without the given characters, trimmed, NFC, inner TABs as spaces."""
    if without is not None:
        text = without.sub("", text)
    text = text.strip(_WHITE_SPACE)
    if not text:
        return BLANK
    normal = nfc(text, limit)
    if normal is None:
        return TOO_LONG
    normal = normal.replace("\t", " ")
    return WRONG_TYPE if _NO_LINE.search(normal) else normal


def message(text: str, limit: int) -> str | Bad | None:
    """Free text: line ends as LF, other controls but TAB dropped, trimmed, NFC; blank is None."""
    if _NO_MESSAGE.search(text):
        return WRONG_TYPE
    text = _DROPPED.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip(_WHITE_SPACE)
    if not text:
        return None
    normal = nfc(text, limit)
    return TOO_LONG if normal is None else normal


def is_visible(text: str) -> bool:
    """Whether there is anything to see in the text."""
    return _VISIBLE.search(text) is not None


def nfc(text: str, limit: int) -> str | None:
    """Return the text in NFC, or None if that has more than ``limit`` code points; in about linear time."""
    if len(text) > _SHRINKS_BY * limit:
        return None
    if len(text) > _SHORT and (any(map(unicodedata.combining, text)) or _HIDDEN_MARKS.search(text)):
        text = _decomposed(text)
    normal = unicodedata.normalize("NFC", text)
    return normal if len(normal) <= limit else None


def _decomposed(text: str) -> str:
    """Return the text in NFD. ``unicodedata`` sorts marks by insertion: 20,000 in the wrong order take it a second."""
    sorted_text: list[str] = []
    marks: list[str] = []
    for char in "".join([unicodedata.normalize("NFD", char) for char in text]):
        if unicodedata.combining(char):
            marks.append(char)
        else:
            sorted_text += sorted(marks, key=unicodedata.combining)
            marks.clear()
            sorted_text.append(char)
    return "".join(sorted_text + sorted(marks, key=unicodedata.combining))
