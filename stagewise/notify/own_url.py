"""Calls of our own public URL: the way of a visitor's lead, through name service, TLS, proxy and lane."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.conf import settings

from stagewise.notify.outbound import Outbound, OutboundError

if TYPE_CHECKING:
    from stagewise.notify.outbound import Answer

TIMEOUT_S: Final = 15.0


def post(url: str, headers: dict[str, str], body: bytes) -> Answer:
    """Post through the guarded client, for which our own public URL may be wherever its name points to.

    Raises :class:`OutboundError` where no answer came. ``url`` must be one of ours.
    """
    parts = urlsplit(url)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or parts.scheme, type=socket.SOCK_STREAM)
    except OSError:
        raise OutboundError(f"The name {parts.hostname} was not found.") from None
    client = Outbound([*settings.OUTBOUND_ALLOW, *dict.fromkeys(str(address[0]) for *_, address in found)])
    try:
        return client.send("POST", url, headers=headers, body=body, timeout_s=TIMEOUT_S)
    finally:
        client.close()
