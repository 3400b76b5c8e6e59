"""Where the worker's health and metrics are asked for: a unix socket in the data directory, or a port."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import BaseServer, TCPServer, ThreadingMixIn, UnixStreamServer
from typing import Any, Self

from stagewise.health import Health
from stagewise.locality import is_local


class _Threads(ThreadingMixIn):
    daemon_threads = True


class _Tcp(_Threads, TCPServer):
    allow_reuse_address = True


class _Unix(_Threads, UnixStreamServer):
    def server_bind(self) -> None:
        # The kernel takes 107 bytes; a name by way of the directory's descriptor is short however deep it lies.
        path = Path(str(self.server_address))
        directory = os.open(path.parent, os.O_PATH)
        try:
            self.socket.bind(f"/proc/self/fd/{directory}/{path.name}")
        finally:
            os.close(directory)


class HealthServer:
    """A context in which the questions are answered. ``place`` is a path, or (host, port)."""

    def __init__(self, health: Health, place: Path | tuple[str, int]) -> None:
        self._place = place
        handler = _handler(health)
        self._server: BaseServer
        if isinstance(place, Path):
            with contextlib.suppress(FileNotFoundError):
                place.unlink()  # left by one that was killed; two on one directory are refused by its lock
            self._server = _Unix(str(place), handler)
            place.chmod(0o600)
        else:
            server = type("Server", (_Tcp,), {"address_family": socket.AF_INET6}) if ":" in place[0] else _Tcp
            self._server = server(place, handler)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        if isinstance(self._place, Path):
            self._place.unlink(missing_ok=True)


def _handler(health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            by_socket = self.connection.family == socket.AF_UNIX
            names = [name.lower() for name in self.headers]
            local = by_socket or is_local(self.client_address[0], names)
            answer = health.answer(self.path, local=local)
            if answer is None:
                self.send_error(404)
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.media_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base class
            """Health is asked for every few seconds: not worth a line."""

    return Handler
