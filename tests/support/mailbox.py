"""Mail servers for tests: a real one that keeps what it gets, and one that misbehaves as it is told."""

from __future__ import annotations

import email.policy
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from functools import lru_cache
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from pytest_django import Settings


@lru_cache(maxsize=64)  # tests look at one mail from many sides
def _read(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


class Received(NamedTuple):
    """One message as it came: the addresses of the envelope, and every byte."""

    sender: str
    recipients: list[str]
    content: bytes
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        """The message, read as mail programs do."""
        return _read(self.content)

    def body(self, kind: str) -> str:
        """The part of type ``text/<kind>``."""
        part = self.message.get_body((kind,))
        assert part is not None
        return str(part.get_content())


class Mailbox:
    """What aiosmtpd hands every message to. ``answers`` gives a refusal by the address written to."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: dict[str, str] = {}
        self.port = 0

    def of(self, address: str) -> list[Received]:
        """What came for one address."""
        return [each for each in self.received if each.recipients == [address]]

    async def handle_RCPT(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.answers.get("DATA", "250 OK")
        if answer.startswith("250"):
            assert envelope.mail_from is not None
            assert isinstance(envelope.original_content, bytes)
            recipients = [str(each) for each in envelope.rcpt_tos]
            encrypted = session.ssl is not None
            self.received.append(Received(envelope.mail_from, recipients, envelope.original_content, encrypted))
        return answer


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None, **settings: Any) -> Iterator[Mailbox]:
    """A mail server on the loopback address: STARTTLS with ``tls``, and whatever aiosmtpd knows besides."""
    mailbox = Mailbox()
    mailbox.port = free_port()
    if tls is not None:
        settings |= {"tls_context": tls, "require_starttls": True}
    controller = Controller(mailbox, "127.0.0.1", mailbox.port, **settings)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


def accepts(name: str, password: str) -> Any:
    """An authenticator for aiosmtpd that knows one user."""

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        known = (given.login, given.password) == (name.encode(), password.encode())
        return AuthResult(success=known, handled=False)

    return check


def use(settings: Settings, port: int, host: str = "127.0.0.1") -> None:
    """Let Django send to this port, as STAGEWISE_SMTP_URL would."""
    settings.EMAIL_BACKEND = "stagewise.site.mail.BackgroundBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = host, port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.DEFAULT_FROM_EMAIL = "Stagewise <leads@acme.example>"


#: Instead of an answer: say nothing, or hang up.
HANG, CLOSE = "hang", "close"


class Scripted(socketserver.ThreadingTCPServer):
    """Answers verbs as a table says, the greeting under ``""`` and the text's end under ``.``; else with 250."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answers: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = {"": "220 scripted", "DATA": "354 go on", "QUIT": "221 bye", **answers}
        #: The text of every message that was handed over whole, taken or not.
        self.texts: list[bytes] = []
        self.over = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Handler(socketserver.StreamRequestHandler):
    server: Scripted

    def handle(self) -> None:
        verb = ""
        while self._answer(verb):
            line = self.rfile.readline()
            if not line:
                return
            verb = line[:4].decode().upper()
            if verb == "DATA" and self.server.answers["DATA"].startswith("354") and self._answer("DATA"):
                self.server.texts.append(self._text())
                verb = "."

    def _text(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line)
        return b"".join(lines)

    def _answer(self, verb: str) -> bool:
        answer = self.server.answers.get(verb, "250 OK")
        if answer == HANG:
            self.server.over.wait(20)
        if answer in {HANG, CLOSE}:
            return False
        self.wfile.write(answer.encode() + b"\r\n")
        return not answer.startswith("221")


@contextmanager
def scripted_server(answers: Mapping[str, str]) -> Iterator[Scripted]:
    """A mail server that answers as told."""
    with Scripted(answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
