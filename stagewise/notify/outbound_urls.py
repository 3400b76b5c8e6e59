"""Reading the URL of a receiver: one strict meaning, or none.

The trick of many attacks is a URL that its checker reads in one way and the library that connects in another. So a URL
is taken apart here once, what could be read in two ways is refused, and only the parts are handed on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import idna

#: Longer URLs than this are of no use to a receiver.
LONGEST = 2_000

#: What may stand in path and query (RFC 3986, section 3.3), ``%`` only before two hexadecimal digits.
_REST = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?|\[\]{}^-]|%[0-9A-Fa-f]{2})*")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_PORT = re.compile(r"[0-9]{1,5}")
#: A last label by which WHATWG's URL standard (section 3.5) takes the host for an IPv4 address: ``0x7f``, ``1``.
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")

#: Below this only the web's own two ports are called.
_FIRST_FREE_PORT = 1_024
_WEB_PORTS = {"http": 80, "https": 443}
#: Databases, queues, remote desktops and the like: ports above 1,023 on which nobody waits for a webhook.
_NO_WEB = frozenset(
    [
        *(1433, 1434, 1521, 3306, 5432, 5433, 26257),  # databases with SQL
        *(5984, 7687, 8086, 9042, 9160, 9200, 9300, 27017, 27018, 27019, 28015),  # other databases
        *(6379, 6380, 11211),  # caches
        *(1883, 4369, 5671, 5672, 9092, 15672),  # queues
        *(2181, 2375, 2376, 2379, 2380, 7000, 7001, 8125, 10250),  # what runs a cluster
        *(1723, 2049, 3389, 3659, 4045, 5900, 5901, 5985, 5986, 6000, 6566, 10080),  # files and desktops
        *(5060, 5061, 6665, 6666, 6667, 6668, 6669, 6697),  # calls and IRC
    ]
)


class UrlError(Exception):
    """A URL that cannot be used; the message is one sentence for the person who typed it."""


@dataclass(frozen=True)
class Target:
    """Where a request goes. ``host`` is ASCII in lower case: a name, or an address in its one spelling."""

    scheme: str
    host: str
    port: int
    #: Path and query, as they go into the request line.
    path: str
    #: Whether the host is an address rather than a name.
    is_address: bool

    @property
    def authority(self) -> str:
        """What the header ``Host`` says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _WEB_PORTS[self.scheme] else f"{host}:{self.port}"


def read(url: str) -> Target:
    """Take a URL apart; raises :class:`UrlError` for everything that is not plainly one of the web."""
    if len(url) > LONGEST:
        raise UrlError(f"The URL is longer than {LONGEST:,} characters.")
    if not url.isprintable() or " " in url or "\\" in url:
        raise UrlError("A URL holds no spaces, no line breaks and no backslashes.")
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _WEB_PORTS:
        raise UrlError("The URL must begin with https://.")
    if "#" in rest:
        raise UrlError("Leave out the part from # on: it is never sent.")
    authority, path = _split(rest)
    if "@" in authority:
        raise UrlError("A URL with a user name or password in it cannot be used.")
    host, port = _host_and_port(authority, scheme)
    if not _REST.fullmatch(path):
        raise UrlError("Path and query may hold ASCII characters only; write others as %… codes.")
    address = _address(host)
    return Target(scheme, address or _name(host), port, path, is_address=address is not None)


def _split(rest: str) -> tuple[str, str]:
    found = re.search(r"[/?]", rest)
    if found is None:
        return rest, "/"
    path = rest[found.start() :]
    return rest[: found.start()], path if path.startswith("/") else f"/{path}"


def _host_and_port(authority: str, scheme: str) -> tuple[str, int]:
    if authority.startswith("["):
        host, bracket, after = authority.partition("]")
        host += bracket
        if not bracket or (after and not after.startswith(":")):
            raise UrlError("The URL's IPv6 address is not closed by a bracket.")
        typed = after.removeprefix(":") if after else None
    else:
        host, colon, after = authority.partition(":")
        typed = after if colon else None
    if not host:
        raise UrlError("The URL names no host.")
    return host, _WEB_PORTS[scheme] if typed is None else _port(typed, scheme)


def _port(typed: str, scheme: str) -> int:
    port = int(typed) if _PORT.fullmatch(typed) else 0
    if not 0 < port < 65_536:
        raise UrlError("The URL's port is no number from 1 to 65535.")
    if port == _WEB_PORTS[scheme]:
        return port
    if port < _FIRST_FREE_PORT or port in _NO_WEB:
        raise UrlError(f"Port {port} belongs to another service; webhooks go to 443 or to a free port above 1023.")
    return port


def _address(host: str) -> str | None:
    """The address in its one spelling, None for a name; an IPv4 address in IPv6 clothing comes out as it is."""
    if host.startswith("["):
        inside = host[1:-1]
        try:
            six = IPv6Address(inside)
        except ValueError:
            raise UrlError("What stands in the brackets is no IPv6 address.") from None
        if six.scope_id is not None:
            raise UrlError("An IPv6 address with a zone (%) belongs to one machine and cannot be used.")
        return str(six.ipv4_mapped or six)
    try:
        return str(IPv4Address(host))
    except ValueError:
        return None


def _name(host: str) -> str:
    """The host name in ASCII, with one trailing dot taken off."""
    try:
        plain = host.lower() if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise UrlError("The URL's host is no name that exists in the internet.") from None
    labels = plain.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        raise UrlError("An address is written as four numbers from 0 to 255, such as 203.0.113.7.")
    if len(plain) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise UrlError("The URL's host is no name that exists in the internet.")
    return ".".join(labels)
