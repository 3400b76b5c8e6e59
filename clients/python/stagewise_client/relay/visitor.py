"""Whose request it is: the socket's peer, or what trusted proxies say of it in one header.

The settings mean what STAGEWISE_TRUSTED_PROXIES and STAGEWISE_CLIENT_IP_HEADER mean to Stagewise itself, so that both
can be set alike; the tests compare the two.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from stagewise_client.errors import ConfigError

#: The trusted "address" of a proxy that reaches us through a Unix socket, where there are no addresses.
UNIX_SOCKET = "unix"
#: How many hops of a header are read, counted from the right: the ones our own side wrote stand there.
_HOPS = 20
#: Headers by which a proxy shows itself.
_FORWARDING = frozenset({"x-forwarded-for", "forwarded", "x-real-ip"})
#: A port behind an address, a number or hidden (RFC 7239, section 6).
_HOP = re.compile(r"(?:\[([^\[\]]*)\]|([0-9.]+))(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?")
#: ``Forwarded`` (RFC 7239, section 4): within quotes, ``,`` and ``;`` are only text. ``*+`` never goes back, so that
#: every line takes linear time.
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_LINE = re.compile(rf'(?:[^"]|{_QUOTED})*+')
_ELEMENT = re.compile(rf'(?:[^",]|{_QUOTED})++')
_PAIR = re.compile(rf'(?:[^";]|{_QUOTED})++')


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sent a request. ``address`` has one spelling; None: nobody can tell who it was, and ``problem`` says why."""

    address: str | None
    problem: str = ""

    @property
    def bucket(self) -> str:
        """What the limit counts by: an IPv4 address itself, of IPv6 the /64, for one customer has all of it."""
        assert self.address is not None
        if ":" not in self.address:
            return self.address
        return str(IPv6Network((self.address, 64), strict=False))


class VisitorReader:
    """Finds the address of a visitor.

    trusted: addresses and CIDR blocks of proxies, or ``unix``. header: the one header in which they write for whom
    they ask. Raises ConfigError, in one line.
    """

    def __init__(self, trusted: Sequence[str], header: str) -> None:
        self._networks = [_network(entry) for entry in trusted if entry != UNIX_SOCKET]
        self._socket = UNIX_SOCKET in trusted
        if not re.fullmatch(r"[A-Za-z0-9_-]+", header):
            raise ConfigError(f"the visitor's address is in a header such as X-Forwarded-For, not {header!r}")
        self._header = header.lower()
        self._forwarding = _FORWARDING | {self._header}

    def read(self, peer: str | None, headers: Iterable[tuple[str, str]]) -> Visitor:
        """The visitor, from the socket's peer and the request's headers. Never raises; takes linear time.

        Hops are walked from the right and trusted ones skipped: what stands further left is what a visitor may have
        written.
        """
        found = [(name.lower(), value) for name, value in headers]
        lines = [value for name, value in found if name == self._header]
        address = _parse(peer or "")
        if address is None and not (self._socket and not peer):
            return Visitor(None, "the other end of the connection has no address that could be read")
        if self._trusts(address):
            if lines:
                return self._walk(lines, address)
            if address is None:
                return Visitor(None, f"the proxy at the other end of the Unix socket sends no {self._header}")
        elif address is not None and address.is_loopback and any(name in self._forwarding for name, _ in found):
            # A proxy of this machine that nobody has named: all its visitors would share one address.
            return Visitor(None, f"a proxy at {address} asks on behalf of others and is not trusted")
        return Visitor(str(address))

    def _trusts(self, address: IPv4Address | IPv6Address | None) -> bool:
        if address is None:
            return True
        return any(address in network for network in self._networks if network.version == address.version)

    def _walk(self, lines: Sequence[str], peer: IPv4Address | IPv6Address | None) -> Visitor:
        leftmost = peer
        for count, hop in enumerate(self._hops(lines)):
            if count == _HOPS:
                break
            address = _hop_address(hop)
            if address is None:
                return Visitor(None, f"the header {self._header} holds something that is no address")
            leftmost = address
            if not self._trusts(address):
                break
        if leftmost is None:
            return Visitor(None, f"the header {self._header} is empty")
        return Visitor(str(leftmost))

    def _hops(self, lines: Sequence[str]) -> Iterator[str]:
        split = _forwarded_for if self._header == "forwarded" else _comma_list
        for line in reversed(lines):
            yield from filter(None, reversed(split(line)))


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        raise ConfigError(
            f"a trusted proxy is an address, a block such as 10.0.0.0/8, or unix, not {entry!r}"
        ) from None
    if isinstance(network, IPv6Network) and (mapped := network.network_address.ipv4_mapped) and network.prefixlen >= 96:
        network = ipaddress.IPv4Network((mapped, network.prefixlen - 96))
    if network.prefixlen == 0:
        raise ConfigError(f"trusted proxies: {entry} would let every visitor choose an address; name your proxies' own")
    return network


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    if len(text) > 45 or "%" in text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _comma_list(line: str) -> list[str]:
    return [hop.strip(" \t") for hop in line.split(",")]


def _forwarded_for(line: str) -> list[str]:
    """The ``for`` of each element. What breaks the rules stays in the list: as something that cannot be read."""
    if not _LINE.fullmatch(line):
        return [line]
    hops = []
    for element in _ELEMENT.findall(line):
        nodes = [pair[4:] for pair in map(_trimmed, _PAIR.findall(element)) if pair[:4].lower() == "for="]
        if len(nodes) == 1 and nodes[0]:
            hops.append(nodes[0])
        elif _trimmed(element):
            hops.append(f"no single for: {element}")
    return hops


def _trimmed(text: str) -> str:
    return text.strip(" \t")


def _hop_address(hop: str) -> IPv4Address | IPv6Address | None:
    if len(hop) > 1 and hop[0] == hop[-1] == '"':
        hop = re.sub(r"\\(.)", r"\1", hop[1:-1])
    match = _HOP.fullmatch(hop)
    return _parse((match[1] or match[2] or "") if match else hop)
