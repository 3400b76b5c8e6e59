"""Ids that the public sees. They are unique, not secret: nothing is reached by knowing one.

The interpreter's generator is seeded from the system and anew in every forked process, and asking it is no system call.
"""

from __future__ import annotations

from random import getrandbits


def uuid7(at_ms: int) -> str:
    """A UUIDv7 (RFC 9562, section 5.7) of the given millisecond, as text: 48 bits of time, 74 random bits."""
    random = getrandbits(74)
    high, low = random >> 62, random & 0x3FFF_FFFF_FFFF_FFFF
    digits = f"{(at_ms & 0xFFFF_FFFF_FFFF) << 16 | 0x7000 | high:016x}{low | 1 << 63:016x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def request_id() -> str:
    """Thirty-two random hexadecimal digits that name one call in answers, journal and log."""
    return f"{getrandbits(128):032x}"
