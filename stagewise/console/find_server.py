"""Find my server's address: a line to run there, whose call is recognised in the journal by the name it gives itself.

The mark belongs to one session and one endpoint, and holds for a quarter of an hour. The call is a call like any other:
refused or not, it has its row in Logs.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from stagewise.accounts.clock import now_ms
from stagewise.core.addresses import AddressSet
from stagewise.endpoints import queries, recent

if TYPE_CHECKING:
    from django.http import HttpRequest

    from stagewise.endpoints.models import Endpoint
    from stagewise.endpoints.recent import Seen

#: How long a mark holds.
HOLDS_MS: Final = 15 * 60_000
_SESSION: Final = "find_server"
_PROGRAM: Final = "stagewise-find-"
#: Addresses of machines and networks that the internet does not see.
_INSIDE: Final = AddressSet(
    [
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "::1",
        "fc00::/7", "fe80::/10",
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Search:
    """A mark that is looked for, and the call that bore it, once one came."""

    program: str
    url: str
    until: int
    seen: Seen | None = None
    #: Whether the address that came is on the list already.
    allowed: bool = False
    #: The address is hardly the server's: that of a proxy here, of an inside network, or none.
    doubtful: bool = False

    @property
    def line(self) -> str:
        """The line to run on the server. Program and URL hold nothing that a shell reads."""
        return f"curl -A {self.program} -X POST {self.url}"


def begin(request: HttpRequest, endpoint: Endpoint) -> None:
    """Make a new mark for this session and endpoint; an older one is forgotten."""
    marks = _marks(request)
    marks[str(endpoint.pk)] = {
        "program": _PROGRAM + secrets.token_hex(6),
        "until": now_ms() + HOLDS_MS,
        "after": recent.last_id(endpoint),
    }
    request.session[_SESSION] = marks


def current(request: HttpRequest, endpoint: Endpoint) -> Search | None:
    """The session's search at this endpoint, with what came of it; None where none is under way."""
    mark = _marks(request).get(str(endpoint.pk))
    if mark is None:
        return None
    seen = recent.by_program(endpoint, mark["program"], mark["after"])
    search = Search(mark["program"], queries.url_of(endpoint), mark["until"], seen)
    if seen is None:
        return search
    address = seen.row.address
    listed = address is not None and address in AddressSet(endpoint.allowed_ips)
    return Search(search.program, search.url, search.until, seen, listed, _is_doubtful(seen))


def _marks(request: HttpRequest) -> dict[str, Any]:
    """The marks that still hold."""
    now = now_ms()
    kept: dict[str, Any] = request.session.get(_SESSION, {})
    return {endpoint: mark for endpoint, mark in kept.items() if mark["until"] > now}


def _is_doubtful(seen: Seen) -> bool:
    """Whether the address is hardly the server's as the internet sees it."""
    if seen.row.address is None or seen.row.note == "untrusted_proxy":
        return True
    host = urlsplit(queries.public_base()).hostname or ""
    return seen.row.address in _INSIDE and not _is_inside(host)


def _is_inside(host: str) -> bool:
    """Whether the public URL itself is one of an inside network: a try-out on this machine, or an intranet."""
    known = (".local", ".localhost", ".internal", ".lan", ".home.arpa")
    return host in _INSIDE or ("." not in host and ":" not in host) or host.endswith(known)
