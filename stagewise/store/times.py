"""Moments as callers read them."""

from __future__ import annotations

import datetime


def iso(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds: ``2026-01-01T12:00:00.123Z``."""
    seconds, ms = divmod(at_ms, 1000)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ms:03d}Z"
