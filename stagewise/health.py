"""What console and worker answer to ``/healthz``, ``/readyz`` and ``/metrics``; the lane has answers of its own."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from stagewise.settings import Settings
from stagewise.store.connect import connect
from stagewise.store.rules import Compiled
from stagewise.store.session import Session, StoreError

#: How long the database may take to take a write, in seconds.
PATIENCE_S = 2.0

_TEXT = "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """Status, media type, body."""

    status: int
    media_type: str
    body: bytes


class Health:
    """``registry`` holds the process's metrics. Safe to ask from several threads."""

    def __init__(self, chosen: Settings, registry: CollectorRegistry) -> None:
        self._session = session_of(chosen)
        self._registry = registry
        self._asking = threading.Lock()
        #: When the latest question was asked.
        self._since = 0.0

    def answer(self, path: str, *, local: bool) -> Answer | None:
        """The answer for a path, None for a path that is not ours; metrics are for callers on this machine."""
        if path == "/healthz":
            return Answer(200, _TEXT, b"ok\n")
        if path == "/readyz":
            return Answer(200, _TEXT, b"ready\n") if self.ready() else Answer(503, _TEXT, b"database not writable\n")
        if path == "/metrics" and local:
            return Answer(200, CONTENT_TYPE_LATEST, generate_latest(self._registry))
        return None

    def close(self) -> None:
        """Close the connection to the database; the next question opens a new one."""
        self._session.close()

    def ready(self) -> bool:
        """Whether the database takes a write within :data:`PATIENCE_S`; while one question hangs, others are "no"."""
        if not self._asking.acquire(timeout=max(0.0, self._since + PATIENCE_S - time.monotonic())):
            return False
        self._since = time.monotonic()
        outcome: list[bool] = []
        asking = threading.Thread(target=self._ask, args=(outcome,), daemon=True)
        asking.start()
        asking.join(PATIENCE_S)
        return bool(outcome and outcome[0])

    def _ask(self, outcome: list[bool]) -> None:
        try:
            self._session.ping(write=True)
            outcome.append(True)
        except StoreError:
            outcome.append(False)
        finally:
            self._asking.release()


def session_of(chosen: Settings) -> Session:
    """A session over the database, to ask whether it is there."""
    return connect(chosen.database_url, chosen.sqlite_path, Compiled())


def check_database(chosen: Settings, secret_key: str) -> None:
    """Raise ``SchemaError`` or ``StoreError`` unless the database is one that this release serves."""
    session = session_of(chosen)
    try:
        session.check(secret_key)
    finally:
        session.close()
