"""From what a mail says to the message that leaves: text and HTML, and the few headers that it has.

Visitors' text stands in the body only, escaped, and all bodies are quoted-printable: no line is longer than 76
characters, and no bare CR or LF of theirs reaches the mail server, whatever it makes of such (SMTP smuggling).
"""

from __future__ import annotations

import hashlib
from email.charset import QP, Charset
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import idna
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Engine

if TYPE_CHECKING:
    from stagewise.notify.channels.email.views import View
    from stagewise.notify.models import Delivery

_TEMPLATES = Engine(dirs=[str(Path(__file__).with_name("templates"))])

_QUOTED_PRINTABLE = Charset("utf-8")
_QUOTED_PRINTABLE.body_encoding = QP
_QUOTED_PRINTABLE.header_encoding = QP

#: Programs that answer mail by themselves leave such mail alone (RFC 3834; the second is Microsoft's): the answer to a
#: notification would go to the visitor.
_NOT_BY_HAND = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


class Footer(NamedTuple):
    """Why the recipient gets the mail, and where that is changed."""

    why: str
    change_url: str


def letter(view: View, footer: Footer, to: str, message_id: str) -> EmailMultiAlternatives:
    """The message to one recipient."""
    headers = {"Message-ID": message_id, **_NOT_BY_HAND}
    message = EmailMultiAlternatives(
        subject=view.subject,
        body=as_text(view, footer),
        to=[to],
        reply_to=[view.reply_to] if view.reply_to else None,
        headers=headers,
    )
    message.encoding = _QUOTED_PRINTABLE
    message.attach_alternative(as_html(view, footer), "text/html")
    return message


def plain_letter(subject: str, body: str, to: str, reply_to: str, message_id: str) -> EmailMultiAlternatives:
    """A confirmation to a visitor: text alone, marked as an automatic answer (RFC 3834, section 5)."""
    headers = {"Message-ID": message_id, **_NOT_BY_HAND, "Auto-Submitted": "auto-replied"}
    message = EmailMultiAlternatives(
        subject=subject, body=body, to=[to], reply_to=[reply_to] if reply_to else None, headers=headers
    )
    message.encoding = _QUOTED_PRINTABLE
    return message


def message_id(delivery: Delivery, channel_id: int, address: str, again: int = 0) -> str:
    """The Message-ID of a delivery's mail to an address: the same on every try, another each time it is sent ``again``.

    It is made of the delivery's id and a hash of whom it is for, which does not show the address.
    """
    whose = hashlib.sha256(f"{channel_id} {address.lower()} {again}".encode()).hexdigest()[:8]
    return f"<{UUID(str(delivery.public_id)).hex}.{whose}@{_our_host()}>"


def as_html(view: View, footer: Footer) -> str:
    """The mail for readers of HTML: one column, inline styles, nothing from elsewhere."""
    return _TEMPLATES.get_template("mail.html").render(Context({"view": view, "footer": footer}))


def as_text(view: View, footer: Footer) -> str:
    """The mail for readers of text, in the same order."""
    parts = [view.kicker, view.title, *view.intro]
    if view.contacts:
        parts.append("\n".join(f"{label}: {link.label}" for label, link in view.contacts))
    if view.message:
        parts.append("\n".join(f"> {line}" for line in view.message.splitlines()))
    if view.button:
        parts.append(f"{view.button.label}:\n{view.button.url}")
    if view.items:
        parts.append("\n".join(_item_lines(view)))
    if view.facts:
        parts.append("\n".join(f"{label}: {value}" for label, value in view.facts))
    parts.append(f"---\n{footer.why}\n{footer.change_url}")
    return "\n\n".join(parts) + "\n"


def _item_lines(view: View) -> list[str]:
    lines = []
    for item in view.items:
        lines.append(f"* {item.title}, {item.facts}" if item.facts else f"* {item.title}")
        if item.link:
            lines.append(f"  {item.link.url}")
    return lines


def _our_host() -> str:
    """The host of our own address, for ids."""
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    try:
        return idna.encode(address.rpartition("@")[2], uts46=True).decode("ascii") or "stagewise"
    except idna.IDNAError:
        return "stagewise"
