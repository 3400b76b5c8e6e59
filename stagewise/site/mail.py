"""How mail leaves: in the background for pages, so that none waits for a mail server; waited for by deliveries."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.mail import EmailMessage

logger = logging.getLogger("stagewise.mail")

SMTP = "django.core.mail.backends.smtp.EmailBackend"
#: What there is without STAGEWISE_SMTP_URL: mail is written to the log.
CONSOLE = "django.core.mail.backends.console.EmailBackend"
BACKGROUND = "stagewise.site.mail.BackgroundBackend"


class BackgroundBackend(BaseEmailBackend):
    """Hands each batch of messages to Django's SMTP backend in a thread of its own."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Begin to send, and report all as sent; a failure goes to the log with the recipients left out."""
        messages = list(email_messages)
        threading.Thread(target=_send, args=(messages,), name="mail").start()
        return len(messages)


def server(timeout_s: float) -> BaseEmailBackend | None:
    """A connection, not yet open, for those who wait for the mail server's answer; None where none is set.

    ``timeout_s`` is how long it may take over one answer. TLS is used as STAGEWISE_SMTP_URL says, and then the server's
    certificate and name are verified.
    """
    if settings.EMAIL_BACKEND == CONSOLE:
        return None
    backend = SMTP if settings.EMAIL_BACKEND == BACKGROUND else settings.EMAIL_BACKEND
    connection: BaseEmailBackend = get_connection(backend, timeout=timeout_s)
    return connection


def _send(messages: list[EmailMessage]) -> None:
    try:
        get_connection(SMTP).send_messages(messages)
    except OSError as error:  # smtplib's errors are OSErrors too
        logger.warning("mail could not be sent: %s (see STAGEWISE_SMTP_URL)", type(error).__name__)
