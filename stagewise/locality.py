"""Who sits on this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

#: Headers of a proxy: a caller that sends them sits somewhere else.
FORWARDING = frozenset({"x-forwarded-for", "forwarded", "x-real-ip", "via"})


def is_local(address: str | None, header_names: Iterable[str]) -> bool:
    """Whether a caller sits on this machine and is no proxy for somebody else; header names in lower case."""
    if not FORWARDING.isdisjoint(header_names):
        return False
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback
