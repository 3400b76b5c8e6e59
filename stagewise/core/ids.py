"""Ids that the public sees."""

from __future__ import annotations

import os
import uuid


def uuid7(at_ms: int) -> uuid.UUID:
    """A UUIDv7 (RFC 9562, section 5.7) of the given millisecond: 48 bits of time, 74 random bits."""
    random = int.from_bytes(os.urandom(10))
    value = (at_ms & 0xFFFF_FFFF_FFFF) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def request_id() -> str:
    """Thirty-two random hexadecimal digits that name one call in answers, journal and log."""
    return os.urandom(16).hex()
