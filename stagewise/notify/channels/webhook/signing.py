"""Signatures as Standard Webhooks describes them (https://www.standardwebhooks.com, version 1, symmetric).

Signed is ``id.timestamp.body`` with HMAC-SHA256. The secret is written ``whsec_`` and base64.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "whsec_"
#: Standard Webhooks asks for 24 to 64 bytes.
_SECRET_BYTES = 32


def new_secret() -> str:
    """A new secret, to be shown to the owner once."""
    return PREFIX + base64.b64encode(os.urandom(_SECRET_BYTES)).decode("ascii")


def headers(message_id: str, timestamp: int, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """The three headers of a message; one signature for each secret, so that a secret can be changed in peace.

    ``timestamp`` is in seconds since 1970: the moment of this try.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{_signature(signed, secret)}" for secret in secrets),
    }


def _signature(signed: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii")
