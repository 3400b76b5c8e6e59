"""IP addresses: one spelling for each, sets of blocks, the address of a caller, and entries as owners type them."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import msgspec

from stagewise.core.entries import EntryCheck

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: The longest spelling of an address: eight groups, the last two as four decimal octets.
_LONGEST = 45
#: How many hops of a header are read, counted from the right: the ones our own side wrote stand there.
_HOPS = 20
#: Headers by which a reverse proxy shows itself.
_FORWARDING = frozenset({b"x-forwarded-for", b"forwarded", b"x-real-ip"})
#: A port behind an address, a number or hidden (RFC 7239, section 6).
_PORT = r"(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?"
_BRACKETED = re.compile(r"\[([^\[\]]*)\]" + _PORT)
_FOUR = re.compile(r"([0-9.]+)" + _PORT)
#: ``Forwarded`` (RFC 7239, section 4): in a quoted string ``,`` and ``;`` are only text. The possessive ``++`` and
#: ``*+`` never go back, so that no line takes more than linear time.
_QUOTED = r'"(?:[^"\\]|\\.)*+"'
_LINE = re.compile(rf'(?:[^"]|{_QUOTED})*+')
_ELEMENT = re.compile(rf'(?:[^",]|{_QUOTED})++')
_PAIR = re.compile(rf'(?:[^";]|{_QUOTED})++')


def canonical(text: str) -> str | None:
    """The one spelling of an address (RFC 5952, lower case); an IPv4-mapped IPv6 address is the IPv4 address.

    None for everything else: zone ids, leading zeros (octal or decimal?), numbers, names, white space.
    """
    address = _parse(text)
    return None if address is None else str(address)


@functools.lru_cache(4096)
def bucket(address: str) -> str:
    """What the limit counts by: an IPv4 address itself, an IPv6 address as its /64 (``2001:db8:1:2::/64``).

    One customer has 2^64 addresses of IPv6. Raises ``ValueError`` for a text that is no address.
    """
    parsed = ipaddress.ip_address(address)
    return address if isinstance(parsed, IPv4Address) else str(IPv6Network((parsed, 64), strict=False))


def parse_network(text: str) -> Network | None:
    """Read an address or CIDR block: host bits cleared, IPv4-mapped blocks unmapped; None for anything else."""
    block = _block(text)
    if block is None:
        return None
    address, length = block
    return (IPv4Network if isinstance(address, IPv4Address) else IPv6Network)((int(address), length), strict=False)


def _parse(text: str) -> Address | None:
    if len(text) > _LONGEST or "%" in text:
        return None
    try:
        if ":" not in text:
            return IPv4Address(text)
        address = IPv6Address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address


def _block(text: str) -> tuple[Address, int] | None:
    """Return address and length of the prefix; an address alone is a block of one."""
    base, slash, bits = text.partition("/")
    address = _parse(base)
    if address is None:
        return None
    if not slash:
        return address, address.max_prefixlen
    # The length of a mapped block counts from the first of its 128 bits.
    unmapped = 96 if ":" in base and isinstance(address, IPv4Address) else 0
    length = int(bits) - unmapped if bits.isascii() and bits.isdigit() and len(bits) <= 3 else -1
    return (address, length) if 0 <= length <= address.max_prefixlen else None


class AddressSet:
    """Addresses and blocks, asked with canonical addresses; the time depends on the lengths in use, not the blocks.

    An entry that is neither is left out: it matches nobody.
    """

    __slots__ = ("_four", "_six")

    def __init__(self, entries: Iterable[str]) -> None:
        #: number of host bits → the network bits of all blocks of that size
        self._four: dict[int, set[int]] = {}
        self._six: dict[int, set[int]] = {}
        for address, length in filter(None, map(_block, entries)):
            shift = address.max_prefixlen - length
            blocks = self._four if isinstance(address, IPv4Address) else self._six
            blocks.setdefault(shift, set()).add(int(address) >> shift)

    def __contains__(self, address: str) -> bool:
        blocks, family = (self._six, socket.AF_INET6) if ":" in address else (self._four, socket.AF_INET)
        if not blocks:
            return False
        try:
            number = int.from_bytes(socket.inet_pton(family, address))
        except (OSError, ValueError):
            return False
        return any(number >> shift in starts for shift, starts in blocks.items())


class Caller(msgspec.Struct, frozen=True):
    """Whose call it is. ``address`` is canonical and what every rule uses; None: it could not be read."""

    address: str | None
    #: ``peer``, or the name of the header that the address was read from.
    source: str
    #: The other end of the socket; empty where it has no address.
    peer: str
    #: A proxy on this machine that nobody declared trusted stands in between: no allowed entry may match.
    untrusted_proxy: bool = False
    #: The hop that could not be read, cut.
    unreadable: str = ""
    #: The installation itself is calling (stagewise/options/canary.py).
    vouched: bool = False


class CallerReader:
    """Finds the address of a caller: the peer, or what trusted proxies say of it in the one configured header."""

    def __init__(self, trusted: Sequence[str], header: str) -> None:
        self._trusted = AddressSet(trusted)
        self._header = header
        self._name = header.lower().encode()
        self._forwarding = _FORWARDING | {self._name}
        self._peer = functools.lru_cache(4096)(self._read_peer)

    def read(self, peer: str | None, headers: Iterable[tuple[bytes, bytes]]) -> Caller:
        """The caller, from the socket's peer and the request's headers (names in lower case). Never raises.

        Takes linear time. Hops are walked from the right, trusted ones skipped: what stands further left is
        what a caller may have written.
        """
        caller, trusted, loopback = self._peer(peer)
        if trusted:
            lines = [value.decode("latin-1") for name, value in headers if name == self._name]
            return self._walk(lines, caller) if lines else caller
        if loopback and not self._forwarding.isdisjoint(dict(headers)):
            return Caller(caller.address, "peer", caller.peer, untrusted_proxy=True)
        return caller

    def _read_peer(self, peer: str | None) -> tuple[Caller, bool, bool]:
        address = None if peer is None else _parse(peer)
        if address is None:
            return Caller(None, "peer", "", unreadable=_cut(peer or "")), False, False
        text = str(address)
        return Caller(text, "peer", text), text in self._trusted, address.is_loopback

    def _walk(self, lines: Sequence[str], peer: Caller) -> Caller:
        leftmost = peer
        for count, hop in enumerate(self._hops(lines)):
            if count == _HOPS:
                break
            address = hop_address(hop)
            if address is None:
                return Caller(None, self._header, peer.peer, unreadable=_cut(hop))
            leftmost = Caller(address, self._header, peer.peer)
            if address not in self._trusted:
                break
        return leftmost

    def _hops(self, lines: Sequence[str]) -> Iterator[str]:
        """Hops from the right, several lines being one list, without the empty ones (RFC 9110, section 5.6.1)."""
        split = _forwarded_for if self._name == b"forwarded" else _comma_list
        for line in reversed(lines):
            yield from filter(None, reversed(split(line)))


def _comma_list(line: str) -> list[str]:
    return [hop.strip(" \t") for hop in line.split(",")]


def _forwarded_for(line: str) -> list[str]:
    """The ``for`` of each element. A line that breaks the quoting rules is one hop, and not a readable one."""
    if not _LINE.fullmatch(line):
        return [line]
    found = []
    for element in _ELEMENT.findall(line):
        pairs = [pair.strip(" \t") for pair in _PAIR.findall(element)]
        nodes = [pair[4:] for pair in pairs if pair[:4].lower() == "for="]
        if len(nodes) == 1 and nodes[0]:
            found.append(nodes[0])
        elif element.strip(" \t"):
            # Without a `for`, or with two, it names nobody; skipping it would be to believe the element before it.
            found.append(f"no single for: {element}")
    return found


def hop_address(hop: str) -> str | None:
    """The canonical address in a hop, None if there is none; ports, brackets and quotes come off."""
    if hop[:1] == hop[-1:] == '"':
        hop = re.sub(r"\\(.)", r"\1", hop[1:-1])
    match = _BRACKETED.fullmatch(hop) or _FOUR.fullmatch(hop)
    return canonical(match[1] if match else hop)


def _cut(text: str) -> str:
    return text[:60].encode("ascii", "replace").decode()


def check_entry(text: str) -> EntryCheck:
    """What is to be said of an entry of the allowed IPs, as typed."""
    typed = text.strip()
    if typed.lower() in {"*", "any", "all"}:
        return _everything()
    network = parse_network(typed)
    if network is None:
        problem, proposal = _why_not(typed)
        return EntryCheck(problem=problem, proposal=proposal)
    if network.prefixlen == 0:
        return _everything()
    value = _as_entry(network)
    return EntryCheck(value=value, changed=value != typed)


def _everything() -> EntryCheck:
    return EntryCheck(problem="This is every address. Tick “Allow from all IPs” instead.", everything=True)


def _as_entry(network: Network) -> str:
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)


def _why_not(typed: str) -> tuple[str, str | None]:
    """Problem and proposal for a text that is neither address nor block: the slips that people make."""
    if not typed:
        return "The entry is empty.", None
    if "-" in typed and (blocks := _range(*map(str.strip, typed.split("-", 1)))):
        return "Ranges are written as CIDR blocks.", blocks
    for problem, guess in _guesses(typed):
        network = parse_network(guess)
        if network is not None and network.prefixlen:
            return problem, _as_entry(network)
    if re.fullmatch(r"[0-9./]+|[0-9a-fA-F:./]*:[0-9a-fA-F:./]*", typed):
        return "This is no IP address and no CIDR block such as 192.0.2.0/24.", None
    return "Only IP addresses and CIDR blocks can be allowed; names are not looked up.", None


def _guesses(typed: str) -> Iterator[tuple[str, str]]:
    yield "Only one address or CIDR block to an entry, without a comment.", re.split(r"[\s#;,]", typed, maxsplit=1)[0]
    yield "A zone id means nothing to other machines.", re.sub(r"%[^/]*", "", typed)
    plain = re.sub(r"\b0+(?=[0-9])", "", typed)
    yield "Leading zeros can be read in two ways.", plain
    octets = re.sub(r"(\.\*)+$", ".", plain).split(".")
    given = len(octets) - (octets[-1] == "")
    if given in (2, 3) or (given == 1 and "*" in plain):
        whole = ".".join([*octets[:given], *["0"] * (4 - given)])
        yield "The address is not complete.", f"{whole}/{8 * given}"
    base, _, mask = typed.partition("/")
    if mask.isdigit():
        yield "The length of the prefix is more than the address has bits.", base
    with contextlib.suppress(ValueError):
        yield "Blocks are written with the length of the prefix.", str(IPv4Network((base, mask), strict=False))
    host = re.fullmatch(r"(?:[a-z]+://)?(?:\[([^\]]*)\]|([^/:\s]*))(?::[0-9]*)?(?:/.*)?", typed.lower())
    if host:
        yield "Only the address itself is compared: no port, no URL.", host[1] or host[2]


def _range(first: str, last: str) -> str | None:
    """The blocks of ``192.0.2.3-9`` or ``192.0.2.3-192.0.2.9``, if they are few."""
    if last.isascii() and last.isdigit():
        last = first.rpartition(".")[0] + "." + last
    start, end = _parse(first), _parse(last)
    try:
        blocks = [_as_entry(block) for block in ipaddress.summarize_address_range(start, end)]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return ", ".join(blocks) if len(blocks) <= 8 else None
