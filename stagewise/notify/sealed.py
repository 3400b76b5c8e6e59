"""Secrets at rest: what a channel or an account keeps to itself is encrypted with a key outside the database.

The key is made from the installation's secret key (HKDF with SHA-256, RFC 5869) for one purpose, and the text is
sealed with AES-256-GCM. A copy of the database alone therefore opens nothing, and a sealed text that somebody changed
does not open either. What is kept reads ``1.`` (this way of sealing), then nonce and ciphertext in base64url.
"""

from __future__ import annotations

import base64
import functools
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_VERSION = "1."
#: Purposes; a text that was sealed for one does not open for another.
CHANNELS: Final = b"stagewise: secrets of channels"
TWO_FACTORS: Final = b"stagewise: second factors of accounts"
_NONCE_BYTES = 12


class SealedError(Exception):
    """A sealed text that does not open: it is damaged, or was sealed under another secret key."""


def seal(text: str, purpose: bytes = CHANNELS) -> str:
    """The text, encrypted; a different ciphertext each time."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + _cipher(settings.SECRET_KEY, purpose).encrypt(nonce, text.encode(), purpose)
    return _VERSION + base64.urlsafe_b64encode(sealed).decode("ascii")


def open_sealed(text: str, purpose: bytes = CHANNELS) -> str:
    """The text that was sealed for this purpose; raises :class:`SealedError`."""
    if not text.startswith(_VERSION):
        raise SealedError("This is no sealed text that this version of Stagewise can open.")
    try:
        sealed = base64.b64decode(text.removeprefix(_VERSION), altchars=b"-_", validate=True)
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return _cipher(settings.SECRET_KEY, purpose).decrypt(nonce, ciphertext, purpose).decode()
    except (ValueError, InvalidTag):
        kept = "An account's second factor" if purpose == TWO_FACTORS else "A channel's secret"
        raise SealedError(
            f"{kept} does not open: it was kept under another STAGEWISE_SECRET_KEY, or is damaged."
        ) from None


@functools.lru_cache(8)
def _cipher(secret_key: str, purpose: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode()))
