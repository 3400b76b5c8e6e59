"""HTTP servers of the tests' own, on the loopback: what stands in for a proxy, a broken server, somebody else's."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.support.processes import Answer, request


class Call(NamedTuple):
    """One call that came in; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


#: Headers that say something about one connection only (RFC 9110, section 7.6.1).
_OF_ONE_HOP = {"connection", "keep-alive", "transfer-encoding"}

#: What a double answers; None closes the connection without a word.
Respond = Callable[[Call], Answer | None]


def forward(call: Call, port: int, headers: dict[str, str] | None = None) -> Answer:
    """What the server on that port answers to the call, with other headers if they are given."""
    answer = request(port, call.method, call.path, call.body or None, call.headers if headers is None else headers)
    return answer._replace(headers={name: value for name, value in answer.headers.items() if name not in _OF_ONE_HOP})


def plain(status: int, text: str = "", **headers: str) -> Answer:
    """An answer of plain text; ``headers`` with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"content-type": "text/plain"} | named, text.encode())


def document(status: int, value: object, headers: dict[str, str] | None = None) -> Answer:
    """An answer of JSON; ``headers`` add to its content type or replace it."""
    return Answer(status, {"content-type": "application/json"} | (headers or {}), json.dumps(value).encode())


@contextmanager
def serving(respond: Respond, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve until the end of the block, over TLS if a context is given; gives the port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found = respond(Call(self.command, self.path, headers, body))
            self.close_connection = True
            if found is None:
                return
            self.send_response_only(found.status)
            for name, value in (found.headers | {"content-length": str(len(found.body))}).items():
                self.send_header(name, value)
            self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(found.body)

        def do_GET(self) -> None:
            self.do_POST()

        def do_OPTIONS(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Callers may go whenever they like."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        # The handshake is the handler's thread's: a caller that breaks it off must not end the server.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
