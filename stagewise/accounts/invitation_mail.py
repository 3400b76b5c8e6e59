"""The mail that invites somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from stagewise.accounts.models import Invitation, Member

#: Longer names are cut in a mail: nobody writes a message of their own into it by way of a workspace's name.
_LONGEST_NAME = 60


def link(token: str) -> str:
    """Where the invitation is accepted: the configured console, so a forged Host header never gets into it."""
    return str(settings.CONSOLE_URL) + reverse("join", args=[token])


def send_later(invitation: Invitation, token: str, by: Member) -> None:
    """Send the mail once the transaction has been committed, in the background."""
    mail = _mail(invitation, token, by)
    transaction.on_commit(lambda: get_connection().send_messages([mail]))


def _mail(invitation: Invitation, token: str, by: Member) -> EmailMessage:
    """In the language of who invites: of who is invited nobody knows another."""
    with translation.override(by.user.language or translation.get_language() or settings.LANGUAGE_CODE):
        values = {
            "who": _cut(by.user.name or by.user.email),
            "address": by.user.email,
            "workspace": _cut(invitation.workspace.name),
            "role": invitation.get_role_display(),
            "link": link(token),
        }
        subject = _("%(who)s invites you to %(workspace)s") % values
        body = (
            _(
                "%(who)s (%(address)s) invites you to “%(workspace)s” on Stagewise, where the team reads and answers"
                " what websites' contact forms send. Your role would be: %(role)s.\n"
                "\n"
                "Follow this link within 7 days to accept:\n"
                "%(link)s\n"
                "\n"
                "If you do not know what this is about, do nothing: without the link nobody gets in."
            )
            % values
        )
    headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    return EmailMessage(subject, body + "\n", to=[invitation.email], reply_to=[by.user.email], headers=headers)


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
