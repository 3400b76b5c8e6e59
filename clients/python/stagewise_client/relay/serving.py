"""The relay as a server of its own: Granian in front of the ASGI application."""

from __future__ import annotations

import os
import socket

from stagewise_client.errors import ConfigError
from stagewise_client.relay import log
from stagewise_client.relay.asgi import AsgiApp
from stagewise_client.relay.core import Relay

#: Granian's own buffer for a head, and for how long it waits for one.
_HEAD_BUFFER, _HEAD_TIMEOUT_MS = 32_768, 10_000
#: After this many seconds a worker that does not stop is killed.
_KILL_AFTER_S = 15


def application() -> AsgiApp:
    """What each worker process runs; the settings are in the environment, where :func:`run` has put them."""
    log.configure()
    return Relay.from_environment().asgi


def run(environ: dict[str, str], host: str, port: int, workers: int) -> None:
    """Serve until a signal. The settings in ``environ`` have been checked.

    Raises ConfigError before a port is opened: when the directory cannot be used, or the port is taken.
    """
    os.environ.update(environ)
    Relay.from_environment()
    _check_port(host, port)
    try:
        from granian import Granian
        from granian.constants import HTTPModes, Interfaces
        from granian.http import HTTP1Settings
    except ImportError:
        raise ConfigError("serving needs Granian: pip install 'stagewise-client[relay]'") from None

    log.configure()
    log.note(20, "listening", host=host, port=port, workers=workers)
    Granian(
        "stagewise_client.relay.serving:application",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=_HEAD_TIMEOUT_MS, max_buffer_size=_HEAD_BUFFER),
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=_KILL_AFTER_S,
        log_enabled=False,
    ).serve()


def _check_port(host: str, port: int) -> None:
    """See that we may listen: Granian's workers would say it in many lines, and again and again."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise ConfigError(f"cannot listen on {host} port {port}: {error.strerror}") from None


__all__ = ["application", "run"]
