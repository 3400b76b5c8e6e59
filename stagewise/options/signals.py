"""What may come beside a lead's five fields: attribution, a CAPTCHA's token, and the form's own signs of life.

Extensions of the endpoint: all optional, and never a reason to refuse as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from stagewise.options import attribution
from stagewise.options.attribution import Attribution

TOKEN, HONEYPOT, ELAPSED = "captcha_token", "_gotcha", "_elapsed_ms"
NAMES = (TOKEN, HONEYPOT, ELAPSED, *attribution.NAMES)

#: No provider's token is longer (reCAPTCHA's reach some 2,000 characters).
TOKEN_LIMIT = 8_192


class Signals(msgspec.Struct, frozen=True):
    """The extras of a submission, read."""

    captcha_token: str | None = None
    #: Whether the field that people do not see was filled in.
    honeypot: bool = False
    #: Milliseconds between showing the form and sending it.
    elapsed_ms: int | None = None
    attribution: Attribution | None = None


NONE = Signals()

_Extras = msgspec.defstruct(
    "_Extras", [(f"x{i}", Any, msgspec.UNSET) for i in range(len(NAMES))],
    rename={f"x{i}": name for i, name in enumerate(NAMES)},
)  # fmt: skip
_DECODE_EXTRAS = msgspec.json.Decoder(_Extras).decode


def find(body: bytes, fields: int) -> dict[str, object] | None:
    """What a body that was decoded holds beside its ``fields``, of the names that mean something here.

    Never raises: what cannot be read of it counts as not sent.
    """
    if body.count(b":") <= fields:  # each name is followed by one
        return None
    try:
        sent = _DECODE_EXTRAS(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    values = zip(NAMES, msgspec.structs.astuple(sent), strict=True)
    return {name: value for name, value in values if value is not msgspec.UNSET} or None


def read(extras: Mapping[str, object] | None) -> Signals:
    """Read what was sent beside the fields; what makes no sense counts as not sent. Never raises."""
    if not extras:
        return NONE
    token = extras.get(TOKEN)
    usable = isinstance(token, str) and 0 < len(token) <= TOKEN_LIMIT and token.isascii()
    trap = extras.get(HONEYPOT)
    return Signals(
        token if isinstance(token, str) and usable else None,
        bool(trap.strip() if isinstance(trap, str) else trap),
        _milliseconds(extras.get(ELAPSED)),
        attribution.read(extras),
    )


def _milliseconds(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 15:
        return int(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e15:
        return int(value)
    return None
