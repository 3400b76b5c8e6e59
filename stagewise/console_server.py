"""Run the console on Granian: Django under WSGI, one process with a few threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from stagewise import health, log, orphans, settings
from stagewise.settings import Settings

#: Pages mostly wait for the database; more threads would only queue on the interpreter's lock.
_THREADS = 4
_HEAD_TIMEOUT_MS = 10_000
_HEAD_BUFFER = 32_768
#: After this many seconds a process that does not stop is killed.
_KILL_AFTER_S = 8


def application() -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """What the process runs that Granian starts."""
    log.configure("console")
    orphans.watch()
    from stagewise.site.health import WithHealth
    from stagewise.site.wsgi import application as pages

    return WithHealth(pages, settings.load())


def run(chosen: Settings, host: str, port: int) -> None:
    """Check the database, then serve until a signal.

    Raises ``SchemaError`` or ``StoreError`` before the port is opened.
    """
    health.check_database(chosen, settings.secret_key(chosen))
    settings.hand_on(chosen)
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings

    Granian(
        "stagewise.console_server:application",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=_THREADS,
        backpressure=256,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=_HEAD_TIMEOUT_MS, max_buffer_size=_HEAD_BUFFER),
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=_KILL_AFTER_S,
        log_enabled=False,
    ).serve()
