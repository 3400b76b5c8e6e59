"""Mail leaves in the background, so that no page waits for a mail server or tells by its time who has an account."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.mail import EmailMessage

logger = logging.getLogger("stagewise.mail")

SMTP = "django.core.mail.backends.smtp.EmailBackend"


class BackgroundBackend(BaseEmailBackend):
    """Hands each batch of messages to Django's SMTP backend in a thread of its own."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Begin to send, and report all as sent; a failure goes to the log with the recipients left out."""
        messages = list(email_messages)
        threading.Thread(target=_send, args=(messages,), name="mail").start()
        return len(messages)


def _send(messages: list[EmailMessage]) -> None:
    try:
        get_connection(SMTP).send_messages(messages)
    except OSError as error:  # smtplib's errors are OSErrors too
        logger.warning("mail could not be sent: %s (see STAGEWISE_SMTP_URL)", type(error).__name__)
