"""Run the lane on Granian: one master, ``workers`` processes that share the port."""

from __future__ import annotations

import gc
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from stagewise import log, orphans, settings
from stagewise.captcha import Providers
from stagewise.core.addresses import CallerReader
from stagewise.forms.app import Forms
from stagewise.intake.app import Intake, Server
from stagewise.intake.public import PublicFiles
from stagewise.intake.replies import Replies
from stagewise.options.canary import Canaries
from stagewise.settings import Settings
from stagewise.store.connect import connect
from stagewise.store.ledger import Ledger
from stagewise.store.rules import Compiled
from stagewise.store.session import Session

PUBLIC_FILES = Path(__file__).resolve().parent.parent / "public_files"
DEFAULT_BASE = "http://127.0.0.1:8000"

#: Granian's own buffer for a head; the application refuses more than 16 KiB itself.
_HEAD_BUFFER = 32_768
_HEAD_TIMEOUT_MS = 10_000
#: Connections that one process holds open, idle ones included, and that the kernel keeps ready for it. More than may
#: wait in the ledger's queue: who comes too late is told so, rather than left to wait for a connection to end.
_CONNECTIONS = 2_560
#: File descriptors beside those of connections: database, log, and whatever a library opens.
_OTHER_FILES = 256
#: After this many seconds a worker that does not stop is killed.
_KILL_AFTER_S = 8


def connector(chosen: Settings, offset_ms: int = 0) -> Callable[[Compiled], Session]:
    """What makes the ledger's sessions."""
    return lambda compiled: connect(chosen.database_url, chosen.sqlite_path, compiled, offset_ms)


async def make(chosen: Settings, offset_ms: int = 0) -> Intake:
    """The application with its ledger running. Raises ``SchemaError`` or ``StoreError``."""
    secret_key = settings.secret_key(chosen)
    ledger = Ledger(connector(chosen, offset_ms), Providers(secret_key, chosen.captcha_urls))
    await ledger.start(secret_key)
    # What is there now stays for ever; collecting it again and again would cost an eighth of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    reader = CallerReader(chosen.trusted_proxies, chosen.client_ip_header)
    base = chosen.public_url or DEFAULT_BASE
    replies = Replies(base)
    intake = Intake(ledger, reader, replies, PublicFiles(PUBLIC_FILES), Canaries(secret_key))
    intake.forms = Forms(intake, reader, replies, base, PUBLIC_FILES, secret_key)
    return intake


def application() -> Server:
    """What each worker process runs; the settings come from the environment that :func:`run` checked."""
    # Leaves the interpreter lock to the ledger's threads soon, and to the event loop again as soon.
    sys.setswitchinterval(0.001)
    log.configure("intake")
    orphans.watch()
    chosen = settings.load()
    return Server(lambda: make(chosen))


def run(chosen: Settings, host: str, port: int, workers: int) -> None:
    """Check the database, then serve until a signal.

    Raises ``SchemaError`` or ``StoreError`` before a port is opened.
    """
    session = connector(chosen)(Compiled())
    try:
        session.check(settings.secret_key(chosen))
    finally:
        session.close()
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings

    settings.hand_on(chosen)
    _allow_files(_CONNECTIONS + _OTHER_FILES)
    Granian(
        "stagewise.intake.server:application",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        http=HTTPModes.http1,
        websockets=False,
        backlog=_CONNECTIONS,
        backpressure=_CONNECTIONS,
        loop=Loops.uvloop,
        http1_settings=HTTP1Settings(header_read_timeout=_HEAD_TIMEOUT_MS, max_buffer_size=_HEAD_BUFFER),
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=_KILL_AFTER_S,
        log_enabled=False,
    ).serve()


def _allow_files(count: int) -> None:
    """Raise the limit of open files as far as this process may, and those that it starts with it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        most = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
