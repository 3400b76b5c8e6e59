"""What counts as JSON for the endpoint: a body is decoded strictly, and only its five fields are kept.

The decoder is fast and forgiving; so what it accepts is checked by exact, cheap tests, and whatever those leave open is
judged by the careful decoder here, which is the definition.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from stagewise.core.fields import FIELD_NAMES

#: Largest body, in bytes.
BODY_BYTES = 65_536
#: Deepest nesting of arrays and objects.
DEPTH = 512


class Unreadable(Exception):
    """The body cannot be used; ``code`` is the refusal, ``not_object`` marks valid JSON that is no object."""

    def __init__(self, code: str, *, not_object: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.not_object = not_object


class _Sent(msgspec.Struct):
    """The five fields, whatever their type; everything else is skipped."""

    name: Any = msgspec.UNSET
    phone: Any = msgspec.UNSET
    email: Any = msgspec.UNSET
    message: Any = msgspec.UNSET
    lead_type_name: Any = msgspec.UNSET


_DECODE = msgspec.json.Decoder(_Sent).decode
_QUOTED = tuple(f'"{name}"'.encode() for name in FIELD_NAMES)
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_SURROGATES = re.compile("[\ud800-\udfff]")


def decode(body: bytes) -> dict[str, object]:
    """The five fields that a JSON object holds, absent ones left out. Raises :class:`Unreadable`.

    Strict (RFC 8259): UTF-8 over the whole body, no BOM, no lone surrogates, one document, none of the five names
    twice, at most :data:`DEPTH` levels.
    """
    try:
        sent = _DECODE(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return decode_carefully(body)
    if not _is_plain(body):
        return decode_carefully(body)
    found: dict[str, object] = {}
    for name in FIELD_NAMES:
        value = getattr(sent, name)
        if value is not msgspec.UNSET:
            found[name] = value
    return found


def _is_plain(body: bytes) -> bool:
    """Whether nothing is in the body that the fast decoder lets pass and the careful one might not."""
    if b"\\u" in body or body.count(b"[") + body.count(b"{") > DEPTH:
        return False
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            return False
    # Spelled out: a generator here costs more than the counting.
    count, (name, phone, email, message, lead_type) = body.count, _QUOTED
    return (
        count(name) <= 1 and count(phone) <= 1 and count(email) <= 1 and count(message) <= 1 and count(lead_type) <= 1
    )


def decode_carefully(body: bytes) -> dict[str, object]:
    """The same by the standard library's decoder and exact tests; slower, and the word on what is accepted."""
    if _depth(body) > DEPTH:
        raise Unreadable("invalid_json")
    try:
        text = body.decode()
        document = json.loads(
            text, object_pairs_hook=_Object, parse_constant=_refuse, parse_int=_number, parse_float=_number
        )
    except (ValueError, RecursionError):
        raise Unreadable("invalid_json") from None
    if "\\u" in text and _has_surrogates(document):
        raise Unreadable("invalid_json")
    if not isinstance(document, _Object):
        raise Unreadable("invalid_fields", not_object=True)
    found: dict[str, object] = {}
    for name, value in document.pairs:
        if name in FIELD_NAMES:
            if name in found:
                raise Unreadable("invalid_json")
            found[name] = value
    return found


class _Object:
    """A JSON object as its pairs, so that a name that comes twice can be seen."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        self.pairs = pairs


def _refuse(constant: str) -> object:
    raise ValueError(constant)  # NaN and Infinity are no JSON


def _number(_digits: str) -> int:
    return 0  # no field takes a number; converting thousands of digits would only cost time


def _has_surrogates(document: object) -> bool:
    """Whether any string of the document, keys too, holds half of a surrogate pair."""
    open_values = [document]
    while open_values:
        value = open_values.pop()
        if isinstance(value, str):
            if _SURROGATES.search(value):
                return True
        elif isinstance(value, list):
            open_values.extend(value)
        elif isinstance(value, _Object):
            for name, content in value.pairs:
                open_values += (name, content)
    return False


def _depth(body: bytes) -> int:
    """The deepest nesting; exact for valid JSON."""
    depth = deepest = 0
    if body.count(b"[") + body.count(b"{") <= DEPTH:
        return 0
    for character in _STRINGS.sub(b"", body):
        if character in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in b"]}":
            depth -= 1
    return deepest
