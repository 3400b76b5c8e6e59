"""ALTCHA: the visitor's browser works for a second, and nobody else is asked.

Version 2 of the protocol (https://altcha.org/docs/v2/): the server draws a secret number, derives a key from it
(PBKDF2) and shows half of that key; the browser tries numbers until it finds the same half, and sends back the whole
key. The challenge carries a signature of itself and one of the whole key, so that the server keeps nothing and checks
an answer without deriving anything.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from base64 import b64decode
from typing import Any

from stagewise_client.captcha.verdict import PASSED, TOKEN_LIMIT, Verdict, refused

#: How much work a challenge is: so many rounds for each number, and a number from this range. On a desktop computer
#: about a second, on an old telephone a few; the server needs half a millisecond to make one.
COST, NUMBERS = 2_000, range(250, 1_250)


def altcha_challenge(key: str, *, expires_s: int = 1_200) -> dict[str, Any]:
    """A new challenge, ready to be sent as JSON: ``{"parameters": {…}, "signature": "…"}``.

    key: the secret that ``provider("altcha", secret=key)`` checks the answers with.
    expires_s: how many seconds the visitor has from asking for the challenge to sending the form.

    Raises ValueError for an empty key.
    """
    import altcha  # 30 ms that only those pay who use it

    if not key.strip():
        raise ValueError("an ALTCHA challenge needs a key")
    return altcha.create_challenge(
        "PBKDF2/SHA-256",
        COST,
        counter=secrets.choice(NUMBERS),
        expires_at=int(time.time()) + expires_s,
        hmac_secret=key.strip(),
        hmac_key_secret=_second_key(key.strip()),
    ).to_dict()


def token_hash(token: str) -> str:
    """SHA-256 of what makes a token this token, in hex: what to remember of one that has passed.

    An ALTCHA token can be written in many ways (its JSON holds the time that solving took, for example), so it counts
    as its challenge: whoever has solved one has one token, however it is spelt.
    """
    signature = _signature(token)
    return hashlib.sha256((signature or token).encode("utf-8", "replace")).hexdigest()


class Altcha:
    """Checks answers to the challenges made with the same key. Has no memory: see ``Verifier``."""

    def __init__(self, key: str) -> None:
        import altcha

        self._verify_solution = altcha.verify_solution
        self._key, self._second_key = key, _second_key(key)

    async def verify_async(self, token: str, *, address: str | None = None) -> Verdict:
        """The verdict; takes some 50 µs and waits for nothing."""
        return self.verify(token, address=address)

    def verify(self, token: str, *, address: str | None = None) -> Verdict:
        """The verdict: ok, or missing, failed or expired. The address plays no part."""
        del address
        if not token.strip():
            return refused("missing")
        if _signature(token) is None:
            return refused("failed")
        try:
            found = self._verify_solution(token, self._key, hmac_key_secret=self._second_key)
        except (TypeError, ValueError, AttributeError, OverflowError):
            return refused("failed")  # a value that no browser sends and that the library did not expect
        if found.verified:
            return PASSED
        return refused("expired" if found.expired else "failed")


def _second_key(key: str) -> str:
    """The key that signs derived keys: of its own, so that neither signature can stand in for the other."""
    return hmac.new(key.encode(), b"altcha derived key", hashlib.sha256).hexdigest()


def _signature(token: str) -> str | None:
    """The signature of the challenge that a token answers; None when it is no answer to one.

    Reads exactly as forgivingly as ALTCHA's library does, else one token could have two hashes.
    """
    if len(token) > TOKEN_LIMIT:
        return None
    try:
        found = json.loads(b64decode(token).decode())["challenge"]["signature"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if isinstance(found, str) and found else None
