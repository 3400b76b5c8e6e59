"""Whether a port can be listened on, found out before Granian tries: it would share the port, or end in a traceback."""

from __future__ import annotations

import socket

from stagewise.settings import SettingsError


def check(host: str, port: int, option: str = "--port") -> None:
    """Raise :class:`SettingsError` unless we could listen there, and nobody else does.

    ``option`` is what the person would choose another port with.
    """
    try:
        family, kind, _protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}: {error.strerror}") from None
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise SettingsError(
                f"cannot listen on {host} port {port}: {error.strerror} (choose another with {option})"
            ) from None
