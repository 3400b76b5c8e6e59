"""The canary's token: for a minute it stands for an allowed address, and for nothing else.

The canary is a test lead that the worker sends through the public URL, to see that leads get through. Where only the
website's server may call, the worker may not; so it shows that it knows the installation's secret key. Such a call is
always a test call.
"""

from __future__ import annotations

import hashlib
import hmac
import time

HEADER = "Stagewise-Canary"

#: How long a token holds, and how far two clocks may differ, in seconds.
HOLDS_S = 60


class Canaries:
    """Makes and knows the tokens of an installation."""

    def __init__(self, secret_key: str) -> None:
        self._key = hmac.new(secret_key.encode(), b"canary", hashlib.sha256).digest()

    def token(self, endpoint_key: str, now_s: float | None = None) -> str:
        """A token for a call of the endpoint with this key."""
        at = str(int(time.time() if now_s is None else now_s))
        return f"{at}.{self._signature(endpoint_key, at)}"

    def is_ours(self, token: str, endpoint_key: str) -> bool:
        """Whether the token was made for this endpoint within the last minute."""
        at, _, signature = token.partition(".")
        if not (at.isascii() and at.isdigit() and len(at) < 15) or abs(time.time() - int(at)) > HOLDS_S:
            return False
        return hmac.compare_digest(signature.encode(), self._signature(endpoint_key, at).encode())

    def _signature(self, endpoint_key: str, at: str) -> str:
        return hmac.new(self._key, f"{endpoint_key} {at}".encode(), hashlib.sha256).hexdigest()
