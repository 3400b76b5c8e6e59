"""Ids that the public sees. They are unique, not secret: nothing is reached by knowing one.

The interpreter's generator is seeded from the system and anew in every forked process, and asking it is no system call.
"""

from __future__ import annotations

from random import getrandbits

_VERSION_7 = 0x7 << 76
_VARIANT = 0x2 << 62


def uuid7_hex(at_ms: int) -> str:
    """A UUIDv7 (RFC 9562, section 5.7) of the given millisecond, 32 hexadecimal digits: 48 bits of time, 74 random."""
    random = getrandbits(74)
    return f"{at_ms << 80 | _VERSION_7 | random >> 62 << 64 | _VARIANT | random & 0x3FFF_FFFF_FFFF_FFFF:032x}"


def dashed(digits: str) -> str:
    """The usual text of a UUID: groups of 8, 4, 4, 4 and 12 digits."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def uuid7(at_ms: int) -> str:
    """The same with its dashes."""
    return dashed(uuid7_hex(at_ms))


def request_id() -> str:
    """Thirty-two random hexadecimal digits that name one call in answers, journal and log."""
    return f"{getrandbits(128):032x}"
