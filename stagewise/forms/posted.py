"""Reading what a browser posts by itself: ``application/x-www-form-urlencoded`` (URL standard, section 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from stagewise.core.fields import FIELD_NAMES
from stagewise.forms.page import HIDDEN, KEY, MADE_AT
from stagewise.intake.body import Unreadable
from stagewise.options import signals

FORM = b"application/x-www-form-urlencoded"
#: No form has more fields.
MOST = 200
#: Fields in which the widgets of CAPTCHA providers leave their token.
_TOKENS = ("altcha", "g-recaptcha-response", "h-captcha-response", "cf-turnstile-response")
_KEPT = {*FIELD_NAMES, *signals.NAMES, *HIDDEN, *_TOKENS}


def is_form(types: Sequence[bytes]) -> bool:
    """Whether the ``Content-Type`` headers say that the body is a form, once, whatever the charset.

    Browsers send no charset; the standard decodes as UTF-8 without asking.
    """
    return len(types) == 1 and types[0].lower().split(b";")[0].strip(b" \t") == FORM


def decode(body: bytes) -> dict[str, str]:
    """The fields that we know, the first of each name. Raises :class:`Unreadable` for more than :data:`MOST` fields.

    A page that is not in UTF-8 posts in its own encoding, which on old websites is windows-1252.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST)
    except UnicodeDecodeError:
        pairs = parse_qsl(
            body.decode("cp1252", "replace"),
            keep_blank_values=True,
            encoding="cp1252",
            errors="replace",
            max_num_fields=MOST,
        )
    except ValueError:
        raise Unreadable("invalid_request") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in _KEPT:
            found.setdefault(name, value)
    return found


def extras(sent: Mapping[str, str], now: int, referrer: str | None) -> dict[str, object]:
    """What comes beside the five fields, by the names of stagewise/options/signals.py.

    ``now`` in milliseconds since 1970. The referrer is the page that the form stands on, if the browser tells.
    """
    found: dict[str, object] = {name: sent[name] for name in signals.NAMES if name in sent}
    for name in _TOKENS:
        if sent.get(name):
            found.setdefault(signals.TOKEN, sent[name])
    made_at = sent.get(MADE_AT, "")
    if made_at.isascii() and made_at.isdigit() and len(made_at) <= 15:
        found.setdefault(signals.ELAPSED, max(0, now - int(made_at)))
    if referrer:
        found.setdefault("page_url", referrer)
    return found


def page_view(sent: Mapping[str, str]) -> str | None:
    """What our page put into its hidden field to tell one view of it from another."""
    key = sent.get(KEY, "")
    return key if key.isascii() and key.isalnum() and len(key) <= 64 else None
