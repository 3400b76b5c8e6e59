"""Check CAPTCHA tokens: one protocol, five providers.

Four of them (reCAPTCHA v2 and v3, hCaptcha, Turnstile) are asked over the network; ALTCHA is a proof of work that is
checked right here, without anybody else:

>>> from stagewise_client import captcha
>>> verifier = captcha.provider("altcha", secret="a key that nobody else knows")
>>> verifier.verify("")
Verdict(ok=False, reason='missing', score=None, hostname='')

A wrong setting is one clear line, before any visitor meets it:

>>> captcha.provider("turnstyle", secret="0x4AAA")
Traceback (most recent call last):
stagewise_client.errors.ConfigError: unknown CAPTCHA provider 'turnstyle', did you mean 'turnstile'? ...

Importing this module loads neither the HTTP library nor ALTCHA's; a verifier loads what it needs.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from urllib.parse import urlsplit

from stagewise_client.captcha.altcha import Altcha, altcha_challenge, token_hash
from stagewise_client.captcha.siteverify import SERVICES, SiteVerify
from stagewise_client.captcha.verdict import TOKEN_LIMIT, Reason, Verdict, Verifier
from stagewise_client.errors import ConfigError

#: Every provider, and the field of an HTML form in which its widget leaves the token.
TOKEN_FIELDS = {"altcha": "altcha", **{name: service.token_field for name, service in SERVICES.items()}}
NAMES = tuple(TOKEN_FIELDS)

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def provider(
    name: str,
    *,
    secret: str = "",
    hostnames: Iterable[str] = (),
    min_score: float = 0.5,
    action: str = "",
    timeout: float = 3.0,
    url: str | None = None,
) -> Verifier:
    """A verifier for the named provider.

    secret: the provider's secret key; for ALTCHA the key that the challenges were made with.
    hostnames: host names of the websites that a token may come from; none: any. ALTCHA's tokens name no host.
    min_score: 0 to 1, for tokens that carry a score (reCAPTCHA v3): below it, the token has failed.
    action: what the widget must have named as its action (reCAPTCHA v3, Turnstile); empty: any.
    timeout: seconds until a provider that does not answer counts as unavailable.
    url: another address of the provider's siteverify service; https, or http on this machine.

    Raises ConfigError, in one line, for anything that could never work.
    """
    if name not in NAMES:
        near = difflib.get_close_matches(name.lower().replace("-", "_"), NAMES, n=1, cutoff=0.5)
        hint = f", did you mean {near[0]!r}?" if near else ";"
        raise ConfigError(f"unknown CAPTCHA provider {name!r}{hint} there are {', '.join(NAMES)}")
    secret = secret.strip()  # a pasted key often brings its line break along
    if not secret:
        what = "a key (any long random text)" if name == "altcha" else "its secret key"
        raise ConfigError(f"the CAPTCHA provider {name} needs {what}")
    if not 0 <= min_score <= 1:
        raise ConfigError(f"the CAPTCHA's lowest score is a number from 0 to 1, not {min_score!r}")
    if not 0 < timeout < math.inf:
        raise ConfigError(f"the CAPTCHA's timeout is a number of seconds above 0, not {timeout!r}")
    if name == "altcha":
        return Altcha(secret)
    return SiteVerify(
        SERVICES[name],
        secret=secret,
        hostnames=frozenset(host.strip().lower() for host in hostnames),
        min_score=min_score,
        action=action,
        timeout=timeout,
        url=SERVICES[name].url if url is None else _checked(url),
    )


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port  # either raises for an address that is none
    except ValueError:
        host = None
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)):
        raise ConfigError(f"the CAPTCHA's URL must begin with https://, or be on this machine: {url!r}")
    return url


__all__ = [
    "NAMES",
    "TOKEN_FIELDS",
    "TOKEN_LIMIT",
    "ConfigError",
    "Reason",
    "Verdict",
    "Verifier",
    "altcha_challenge",
    "provider",
    "token_hash",
]
