"""Which addresses the server may call: those of the public internet, and those that the operator named.

Without this, whoever may add a webhook could let the server ask things of the network behind it (SSRF): of a database
on the same machine, of a router, of a cloud's metadata service that hands out passwords.

The table is our own. It follows IANA's registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890) and adds
what they leave out: addresses that carry another one inside them (NAT64, 6to4, Teredo, IPv4-compatible), and metadata
services on addresses that look ordinary. Python's ``is_global`` is no help: in 3.11 it is true for NAT64 and 6to4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stagewise.core.addresses import AddressSet, canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Never called, whatever the operator allows: nobody's receiver can be there, and metadata services hand out keys.
_NEVER: Final = (
    "0.0.0.0/8",  # this network (RFC 791)
    "169.254.0.0/16",  # link-local (RFC 3927); metadata of AWS, Google, Azure and others
    "224.0.0.0/4",  # multicast (RFC 5771)
    "240.0.0.0/4",  # reserved (RFC 1112), and broadcast
    "100.100.100.200/32",  # metadata of Alibaba Cloud
    "168.63.129.16/32",  # Azure's platform, on an address that looks public
    "192.0.0.192/32",  # metadata of Oracle Cloud
    "::/128",  # unspecified
    "fe80::/10",  # link-local (RFC 4291)
    "ff00::/8",  # multicast (RFC 4291)
    "fd00:ec2::/32",  # metadata and other services of AWS
    "fd20:ce::254/128",  # metadata of Google
)

#: Not called unless the operator allows it.
_INSIDE: Final = (
    "10.0.0.0/8",  # private (RFC 1918)
    "100.64.0.0/10",  # shared, between providers and customers (RFC 6598)
    "127.0.0.0/8",  # loopback (RFC 1122)
    "172.16.0.0/12",  # private (RFC 1918)
    "192.0.0.0/24",  # IETF protocols (RFC 6890)
    "192.0.2.0/24",  # documentation (RFC 5737)
    "192.31.196.0/24",  # AS112 (RFC 7535)
    "192.52.193.0/24",  # AMT (RFC 7450)
    "192.88.99.0/24",  # relays of 6to4, given up (RFC 7526)
    "192.168.0.0/16",  # private (RFC 1918)
    "192.175.48.0/24",  # AS112 (RFC 7534)
    "198.18.0.0/15",  # measurements (RFC 2544)
    "198.51.100.0/24",  # documentation (RFC 5737)
    "203.0.113.0/24",  # documentation (RFC 5737)
    "2001::/23",  # IETF protocols (RFC 2928), among them Teredo, which carries an IPv4 address (RFC 4380)
    "2001:db8::/32",  # documentation (RFC 3849)
    "2002::/16",  # 6to4, which carries an IPv4 address (RFC 3056)
    "2620:4f:8000::/48",  # AS112 (RFC 7534)
    "3ffe::/16",  # the 6bone's, given back (RFC 3701)
    "3fff::/20",  # documentation (RFC 9637)
)

#: All that IANA has given out for the public IPv6 internet (RFC 4291, section 2.4). Whatever lies outside is inside:
#: loopback, unique local, site-local, NAT64, IPv4-compatible, discard-only, and what is not assigned yet.
_SIX_OUTSIDE: Final = ("2000::/3",)

_ALLOW = "Whoever runs this installation can allow it with STAGEWISE_OUTBOUND_ALLOW."


class Guard:
    """Says of an address whether it may be called. ``allow`` holds addresses and CIDR blocks; bad ones match nobody."""

    def __init__(self, allow: Sequence[str] = ()) -> None:
        self._allowed = AddressSet(allow)
        self._never = AddressSet(_NEVER)
        self._inside = AddressSet(_INSIDE)
        self._six_outside = AddressSet(_SIX_OUTSIDE)

    def names(self, address: str) -> bool:
        """Whether the operator has named the address, and it is one that can be allowed at all."""
        known = canonical(address)
        return known is not None and known not in self._never and known in self._allowed

    def objection(self, address: str) -> str:
        """Why the address is not called, as a sentence; empty when it may be.

        The sentence does not repeat the address: who types a name is not told what it means inside this network.
        """
        known = canonical(address)
        if known is None or known in self._never:
            return "This address is never called: it is no host's, or belongs to a cloud's own machinery."
        if known in self._allowed:
            return ""
        outside = known not in self._inside and (":" not in known or known in self._six_outside)
        return "" if outside else f"This address is not in the public internet. {_ALLOW}"
