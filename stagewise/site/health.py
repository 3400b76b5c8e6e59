"""Health and metrics of the console, in front of Django: no host name, session or cookie is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from stagewise.health import Answer, Health
from stagewise.locality import is_local
from stagewise.settings import Settings

_StartResponse = Callable[..., Any]
_Application = Callable[[dict[str, Any], _StartResponse], Iterable[bytes]]


class WithHealth:
    """A WSGI application that answers for health itself, and counts and hands on everything else."""

    def __init__(self, application: _Application, chosen: Settings) -> None:
        registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        self._application = application
        self._health = Health(chosen, registry)
        self._answers = Counter("stagewise_console_answers", "Answers by status.", ["status"], registry=registry)
        self._seconds = Histogram("stagewise_console_seconds", "Time to answer.", registry=registry)

    def close(self) -> None:
        """Close what health is asked with."""
        self._health.close()

    def __call__(self, environ: dict[str, Any], start_response: _StartResponse) -> Iterable[bytes]:
        """One request."""
        headers = (name[5:].replace("_", "-").lower() for name in environ if name.startswith("HTTP_"))
        path = environ.get("PATH_INFO", "")
        answer = self._health.answer(path, local=is_local(environ.get("REMOTE_ADDR"), headers))
        if answer is not None:
            return _send(answer, environ.get("REQUEST_METHOD", "GET"), start_response)
        begun = time.perf_counter()

        def counted(status: str, *rest: Any) -> Any:
            self._answers.labels(status[:3]).inc()
            self._seconds.observe(time.perf_counter() - begun)
            return start_response(status, *rest)

        return self._application(environ, counted)


def _send(answer: Answer, method: str, start_response: _StartResponse) -> Iterable[bytes]:
    headers = [
        ("Content-Type", answer.media_type),
        ("Content-Length", str(len(answer.body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
    return [] if method == "HEAD" else [answer.body]
