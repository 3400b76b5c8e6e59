"""Ids that the public sees."""

from __future__ import annotations

import os


def uuid7(at_ms: int) -> str:
    """A UUIDv7 (RFC 9562, section 5.7) of the given millisecond, as text: 48 bits of time, 74 random bits."""
    random = int.from_bytes(os.urandom(10))
    high, low = random >> 62 & 0xFFF, random & 0x3FFF_FFFF_FFFF_FFFF
    digits = f"{(at_ms & 0xFFFF_FFFF_FFFF) << 16 | 0x7000 | high:016x}{low | 1 << 63:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def request_id() -> str:
    """Thirty-two random hexadecimal digits that name one call in answers, journal and log."""
    return os.urandom(16).hex()
