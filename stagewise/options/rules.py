"""The optional rules of an endpoint, as they are kept: one JSON document for each family, everything off at first."""

from __future__ import annotations

from typing import Literal

import msgspec

Provider = Literal["", "altcha", "recaptcha_v2", "recaptcha_v3", "hcaptcha", "turnstile"]


class CaptchaRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A CAPTCHA that the endpoint itself checks, for websites without a server. No provider: no CAPTCHA."""

    provider: Provider = ""
    #: What the page shows; public. ALTCHA needs neither of the two: its key is derived from the installation's.
    site_key: str = ""
    secret: str = ""
    #: reCAPTCHA v3 only: below it, the token has failed. 0 to 1.
    min_score: float = 0.5
    #: Host names that a token may have been made on; empty: any.
    hostnames: tuple[str, ...] = ()
    #: reCAPTCHA v3 and Turnstile: the action that the page names; empty: any.
    action: str = ""
    #: What becomes of a lead whose token is missing or wrong.
    if_failed: Literal["refuse", "hold"] = "refuse"
    #: What becomes of it while the provider does not answer.
    if_down: Literal["refuse", "hold", "admit"] = "refuse"


class HoldingRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What makes a lead suspicious: it is answered 202 and waits for the owner."""

    #: The field that people do not see was filled in.
    honeypot: bool = False
    #: Sent less than so many seconds after the form was shown.
    min_seconds: int | None = None
    #: More links than this in message and name.
    max_links: int | None = None
    #: The same message came so many times within 24 hours, this one included (2 or more).
    repeated: int | None = None
    #: Words or phrases in name, e-mail or message; compared without regard to case, as whole words.
    words: tuple[str, ...] = ()
    #: Domains of e-mail addresses, and of links in the message, with their subdomains.
    domains: tuple[str, ...] = ()


class FormRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The page with a form that Stagewise itself serves, for those without a website."""

    enabled: bool = False
    title: str = ""
    intro: str = ""
    button: str = ""
    thanks: str = ""
    ask_lead_type: bool = False
    #: Where to go after sending; empty: stay and say thank you.
    next_url: str = ""
