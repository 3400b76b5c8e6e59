"""Hand mails to the mail server, one by one, and say what became of each.

A mail server answers with three digits (RFC 5321, section 4.2.1): those that begin with 4 mean "try again later",
those that begin with 5 "never". Only what it says of this very mail is believed to be for good; that it refuses our
password, or does not answer, concerns all mail, and will be mended.

When the connection breaks after the text of a mail was handed over, nobody knows whether it was taken. Then it is tried
again, under the same Message-ID, by which mailboxes may know it: rather two mails than none.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from typing import TYPE_CHECKING, NamedTuple, Self

from stagewise.site import mail

if TYPE_CHECKING:
    from types import TracebackType

    from django.core.mail import EmailMessage

#: How long the mail server may take over one answer: it may look for viruses before it takes a mail.
PATIENCE_S = 15.0
#: "Service not available, closing": the connection is gone.
_CLOSING = 421
#: How much of what the mail server says is kept.
_LONGEST = 300
#: Answers that begin with 5 and mean our login (RFC 4954, sections 4 and 6), not the mail.
_ABOUT_LOGIN = {530, 534, 535, 538}

NO_SERVER = "No mail server is set, so nothing can be sent: set STAGEWISE_SMTP_URL and start the worker again."


class Result(NamedTuple):
    """What became of one mail. ``problem`` is empty when the server took it; ``final``: it will never take it."""

    status: int | None
    problem: str = ""
    final: bool = False


class Postman:
    """A connection to the mail server, opened when it is first needed: ``with Postman() as postman``."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._server = mail.server(patience_s)
        self._is_open = False
        #: Why the server cannot be reached at all: the mails that follow need not find out again.
        self._unreachable: Result | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def send(self, message: EmailMessage) -> Result:
        """Hand over one message to its one recipient. Never raises for trouble with mail or network."""
        self._unreachable = self._unreachable or self._open()
        if self._unreachable is not None:
            return self._unreachable
        assert self._server is not None
        try:
            self._server.send_messages([message])
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as error:
            result = _said(error)
            if result.status == _CLOSING:
                self._close()
            return result
        except OSError as error:
            self._close()
            return _broken(error)
        except (UnicodeError, ValueError):
            return Result(None, "The mail could not be written to this address.", final=True)
        return Result(250)

    def _open(self) -> Result | None:
        if self._server is None:
            return Result(None, NO_SERVER)
        if self._is_open:
            return None
        try:
            self._server.open()
        except smtplib.SMTPResponseException as error:
            self._close()
            return _said(error)._replace(final=False)
        except OSError as error:
            self._close()
            return _broken(error)
        self._is_open = True
        return None

    def _close(self) -> None:
        """Say goodbye; what was handed over is handed over, whatever the server answers to that."""
        self._is_open = False
        if self._server is not None:
            with contextlib.suppress(OSError, ValueError):
                self._server.close()


def _said(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException) -> Result:
    answer: tuple[int, bytes | str]
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answer = next(iter(error.recipients.values()))
    else:
        answer = error.smtp_code, error.smtp_error
    code, words = answer
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    final = 500 <= code < 600 and code not in _ABOUT_LOGIN
    return Result(code, f"The mail server said {code}: {' '.join(text.split())[:_LONGEST]}", final)


def _broken(error: OSError) -> Result:
    """Trouble on the way, in words. smtplib's exceptions are OSErrors as well."""
    match error:
        case ssl.SSLCertVerificationError():
            words = f"The mail server's certificate was not accepted: {error.verify_message}."
        case ssl.SSLError():
            words = "The connection to the mail server could not be encrypted."
        case smtplib.SMTPNotSupportedError():
            words = "The mail server does not offer what STAGEWISE_SMTP_URL asks for (encryption, login)."
        case TimeoutError():
            words = "The mail server did not answer in time."
        case smtplib.SMTPServerDisconnected():
            late = "timed out" in str(error)
            words = "The mail server did not answer in time." if late else "The mail server closed the connection."
        case ConnectionRefusedError():
            words = "The mail server refused the connection."
        case _:
            words = f"The mail server could not be reached: {error.strerror or type(error).__name__}."
    return Result(None, words)
