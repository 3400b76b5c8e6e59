"""What a page shows of an endpoint: its settings, freshly read, and a form made from them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping

from stagewise import log
from stagewise.forms.page import KEY, MADE_AT, Form
from stagewise.options.rules import FormRules
from stagewise.store.ledger import Ledger
from stagewise.store.session import StoreError
from stagewise.store.view import Entry

_log = log.Log("stagewise.forms")
#: What reading an endpoint may raise.
UNREADABLE = (StoreError, TimeoutError)


async def settings_of(ledger: Ledger, key: str) -> Entry | None:
    """The endpoint's settings, None where there are none or where they cannot be read."""
    try:
        return await ledger.entry(key)
    except UNREADABLE as error:
        _log.warning("could not read an endpoint for its form", error=str(error))
        return None


def can_be_sent(entry: Entry) -> bool:
    """Whether our page can pass the endpoint's CAPTCHA: it loads nothing from others, so it knows ALTCHA only."""
    captcha = entry.options.captcha
    return captcha is None or captcha.provider == "altcha" or captcha.if_failed == "hold"


def form_of(key: str, entry: Entry | None, typed: Mapping[str, str]) -> Form:
    """The form as these settings want it (None: the defaults), with what was typed, or fresh."""
    options = entry.options if entry else None
    rules = options.form if options else FormRules()
    captcha = options.captcha if options else None
    altcha = captcha is not None and captcha.provider == "altcha"
    hidden = {KEY: secrets.token_hex(16), MADE_AT: str(time.time_ns() // 1_000_000)}
    return Form(
        key,
        rules,
        tuple(kind.name for kind in entry.types.by_key.values()) if entry and rules.ask_lead_type else (),
        altcha=altcha,
        needs_script=captcha is not None and altcha and captcha.if_failed == "refuse",
        typed={**hidden, **typed},
    )
