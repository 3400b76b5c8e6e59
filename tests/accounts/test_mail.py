"""Mail leaves in the background; a mail server that is gone is a line in the log."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest
from django.core.mail import EmailMessage, get_connection
from pytest_django import Settings


class _Sink(socketserver.StreamRequestHandler):
    """As much SMTP (RFC 5321) as one message needs."""

    def handle(self) -> None:
        self.wfile.write(b"220 sink\r\n")
        in_data = False
        while line := self.rfile.readline():
            if in_data:
                self.server.received.append(line)  # type: ignore[attr-defined]
                in_data = line != b".\r\n"
                answer = b"" if in_data else b"250 ok\r\n"
            elif line.upper().startswith(b"DATA"):
                in_data, answer = True, b"354 go on\r\n"
            elif line.upper().startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                break
            else:
                answer = b"250 ok\r\n"
            self.wfile.write(answer)


@pytest.fixture
def sink() -> Iterator[socketserver.ThreadingTCPServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Sink) as server:
        server.received = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def send(settings: Settings, port: int) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    message = EmailMessage("Subject", "The body", "from@example.com", ["olga@example.com"])
    assert get_connection("stagewise.site.mail.BackgroundBackend").send_messages([message]) == 1
    for thread in threading.enumerate():
        if thread.name == "mail":
            thread.join(10)


def test_a_message_arrives(settings: Settings, sink: socketserver.ThreadingTCPServer) -> None:
    send(settings, sink.server_address[1])
    received = b"".join(sink.received)  # type: ignore[attr-defined]
    assert b"Subject: Subject" in received
    assert b"The body" in received


def test_a_server_that_is_gone_costs_a_log_line_that_names_no_recipient(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        send(settings, unused.getsockname()[1])
    [line] = [record.getMessage() for record in caplog.records if record.name == "stagewise.mail"]
    assert "STAGEWISE_SMTP_URL" in line
    assert "olga" not in line
