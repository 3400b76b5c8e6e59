"""The mail to somebody who was named in a note."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from stagewise.notify import linked, wording
from stagewise.site.mail import CONSOLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stagewise.accounts.models import Member
    from stagewise.leads.models import Lead, LeadNote


def send_later(lead: Lead, note: LeadNote, writer: Member, named: Sequence[Member]) -> None:
    """Tell these members, each in their language, once the transaction has been committed.

    The mail leaves in the background, as all of the console does. Where no mail server is set nobody is told: the note
    would only stand in the log, and the overview lists it anyway.
    """
    if not named or settings.EMAIL_BACKEND == CONSOLE:
        return
    mails = [_mail(lead, note, writer, member) for member in named]
    transaction.on_commit(lambda: get_connection().send_messages(mails))


def _mail(lead: Lead, note: LeadNote, writer: Member, member: Member) -> EmailMessage:
    who = writer.user.name or writer.user.email
    with translation.override(member.user.language or settings.LANGUAGE_CODE):
        values = {"who": wording.line(who, 80), "lead": wording.line(lead.name, 80)}
        # Nothing of what visitors sent stands in a header.
        subject = _("%(who)s mentioned you in a note") % values
        about = _("%(who)s mentioned you in a note about %(lead)s:") % values
        link = _("Open the lead: %s") % _link(lead, note)
    body = f"{about}\n\n{note.text}\n\n{link}\n"
    headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    return EmailMessage(subject, body, to=[member.user.email], reply_to=[writer.user.email], headers=headers)


def _link(lead: Lead, note: LeadNote) -> str:
    return f"{linked.url('lead', lead.workspace.slug, str(lead.public_id))}#note-{note.pk}"
