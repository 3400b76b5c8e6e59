"""How a call of the journal was decided, step by step: which checks it had passed, which one refused it.

Only the outcome is kept, not what was looked at. But the order of the checks is part of the contract, so the outcome
says which came before. Where one code stands for several checks, nothing is said about the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from stagewise.endpoints.journal_rows import Row

#: ``good``: passed. ``bad``: refused here. ``wait``: held here. ``off``: not looked at any more.
Look = Literal["good", "bad", "wait", "off"]


class Step(NamedTuple):
    """One check: what was looked at, how it went as a word and as the class of its shape, and what is known of it."""

    name: str
    word: str
    look: Look
    words: str = ""


#: The checks in their order.
_CHECKS: Final = {
    "request": gettext_lazy("Method and URL"),
    "key": gettext_lazy("Key and switch"),
    "address": gettext_lazy("IP address"),
    "origin": gettext_lazy("Origin"),
    "body": gettext_lazy("Kind and size"),
    "json": gettext_lazy("JSON"),
    "visitor": gettext_lazy("Visitor's IP"),
    "key_of_call": gettext_lazy("Idempotency-Key"),
    "fields": gettext_lazy("Fields"),
    "lead_type": gettext_lazy("Lead type"),
    "captcha": gettext_lazy("CAPTCHA"),
    "limit": gettext_lazy("Limit"),
    "repeat": gettext_lazy("Came before"),
    "holding": gettext_lazy("Suspicious"),
    "stored": gettext_lazy("Stored"),
}

#: Outcome → the check at which the call ended. Left out is what may end at several.
_ENDS: Final = {
    "method_not_allowed": "request",
    "uri_too_long": "request",
    "headers_too_large": "request",
    "not_found": "key",
    "endpoint_disabled": "key",
    "ip_not_allowed": "address",
    "origin_not_allowed": "origin",
    "origin_required": "origin",
    "unsupported_media_type": "body",
    "too_large": "body",
    "timeout": "body",
    "invalid_json": "json",
    "idempotency_in_flight": "key_of_call",
    "idempotency_mismatch": "key_of_call",
    "replayed": "key_of_call",
    "missing_fields": "fields",
    "invalid_fields": "fields",
    "unknown_lead_type": "lead_type",
    "captcha_failed": "captcha",
    "captcha_unavailable": "captcha",
    "rate_limited": "limit",
    "duplicate": "repeat",
    "held": "holding",
    "holding_full": "holding",
    "created": "stored",
    "test_created": "stored",
}
#: A browser's question before the call: only these are looked at.
_OF_PREFLIGHT: Final = ("request", "key", "origin")
#: What happens only where somebody has switched it on, or sent it: said only where the call ended there.
_SOMETIMES: Final = {"visitor", "key_of_call", "captcha", "repeat", "holding"}


def steps(row: Row) -> list[Step]:
    """The checks of a call in their order; empty where its outcome does not tell."""
    code = row.outcome.code
    ends = "visitor" if row.note == "visitor_ip_unreadable" else _ENDS.get(code)
    if ends is None or row.summary or (row.note == "test" and not row.outcome.accepted):
        return []
    found: list[Step] = []
    reached = True
    for check, name in _CHECKS.items():
        if row.preflight and check not in _OF_PREFLIGHT:
            continue
        if check == "limit" and code == "held":
            continue  # it may be what the lead was held for
        if check == ends:
            found.append(_end(row, str(name)))
            reached = False
        elif check not in _SOMETIMES and (reached or not row.outcome.accepted):
            known = _known(row, check) if reached else ""
            found.append(Step(str(name), *(_passed() if reached else _later()), known))
    return found


def _end(row: Row, name: str) -> Step:
    if row.outcome.code == "held":
        return Step(name, _("held"), "wait", row.outcome.in_words)
    if row.outcome.accepted:
        return Step(name, _("done"), "good", row.outcome.in_words)
    return Step(name, _("refused"), "bad", row.outcome.in_words)


def _passed() -> tuple[str, Look]:
    return _("passed"), "good"


def _later() -> tuple[str, Look]:
    return _("not looked at"), "off"


def _known(row: Row, check: str) -> str:
    """What the journal still knows of a check that was passed."""
    if check == "address":
        return row.forwarded_by or row.address or ""
    if check == "origin":
        return row.origin or _("none was sent")
    return ""
