"""Versions of saved settings."""

from __future__ import annotations

import secrets


def new_version() -> int:
    """A random positive 62-bit number.

    Random rather than counted, so that a restored backup never shows an old number over other contents: whoever kept
    a compiled form under a version can trust it without asking again.
    """
    return secrets.randbits(62)
