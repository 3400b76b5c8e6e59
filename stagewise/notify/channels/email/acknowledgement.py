"""The confirmation to who wrote: "your message has arrived".

Anybody can type somebody else's address into a form. So a confirmation says nothing that the visitor wrote, an address
gets one in 24 hours at most, and an endpoint sends so many in an hour and no more. Leads that were held, added by hand
or sent as a test get none, and neither do addresses that are known to be robots (RFC 3834, section 2).
"""

from __future__ import annotations

import hashlib
import hmac
from email.utils import parseaddr
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.db import transaction

from stagewise.leads.models import HeldLead, Lead
from stagewise.notify import outbox
from stagewise.notify.channels.email import gathering, letters, options
from stagewise.notify.models import Acknowledgement

if TYPE_CHECKING:
    from django.core.mail import EmailMessage

    from stagewise.accounts.models import Workspace
    from stagewise.notify.channels.email.options import MailOptions
    from stagewise.notify.models import Delivery

#: An address gets one in so many milliseconds.
ONCE_IN_MS = 24 * 3_600_000
HOUR_MS = 3_600_000

_ROBOTS = {"mailer-daemon", "postmaster", "noreply", "no-reply", "donotreply", "do-not-reply", "abuse"}


class Claimed(NamedTuple):
    """A confirmation that may be sent: its row and the message."""

    row: Acknowledgement
    message: EmailMessage


def claim(workspace: Workspace, wanted: MailOptions, delivery: Delivery, now: int) -> Claimed | None:
    """The confirmation that this delivery calls for; None when there is to be none, or it has been sent.

    It counts from here on, sent or not, so that no number of workers sends more than the limits allow.
    """
    lead = _lead(workspace, wanted, delivery)
    if lead is None or lead.endpoint is None:
        return None
    to = options.for_header(lead.email)
    if to is None or to.lower() == _ours() or to.partition("@")[0].lower() in _ROBOTS:
        return None
    row = _counted(wanted, delivery, lead, to, now)
    if row is None:
        return None
    places = {"company": workspace.name, "website": lead.endpoint.name}
    message = letters.plain_letter(
        options.fill_in(wanted.acknowledge_subject or options.SUBJECT, places),
        options.fill_in(wanted.acknowledge_text or options.TEXT, places).rstrip() + "\n",
        to,
        wanted.acknowledge_reply_to,
        letters.message_id(delivery, delivery.channel_id, f"acknowledgement {to}"),
    )
    return Claimed(row, message)


def settle(claimed: Claimed) -> None:
    """It was sent, or refused for good."""
    with transaction.atomic():
        Acknowledgement.objects.filter(pk=claimed.row.pk).update(settled=True)


def _lead(workspace: Workspace, wanted: MailOptions, delivery: Delivery) -> Lead | None:
    """The lead of the delivery if it is one that is confirmed."""
    if not wanted.acknowledge or delivery.kind != outbox.CREATED or delivery.lead_id is None:
        return None
    lead = Lead.objects.select_related("endpoint").filter(workspace=workspace, pk=delivery.lead_id, test=False).first()
    if lead is None or lead.endpoint_id is None:
        return None
    if wanted.acknowledge_endpoints and lead.endpoint_id not in wanted.acknowledge_endpoints:
        return None
    was_held = HeldLead.objects.filter(workspace=workspace, public_id=lead.public_id).exists()
    return None if was_held else lead


def _counted(wanted: MailOptions, delivery: Delivery, lead: Lead, to: str, now: int) -> Acknowledgement | None:
    """The row that counts it, if the limits leave room; of an earlier try of the same delivery if there is one."""
    assert lead.endpoint_id is not None
    address_hash = _hash(to)
    with transaction.atomic():
        gathering.lock(f"acknowledgement {lead.workspace_id}")
        row = Acknowledgement.objects.filter(delivery_id=delivery.pk).first()
        if row is not None:
            return None if row.settled else row
        of_address = Acknowledgement.objects.filter(workspace_id=lead.workspace_id, address_hash=address_hash)
        of_endpoint = Acknowledgement.objects.filter(endpoint_id=lead.endpoint_id, at__gt=now - HOUR_MS)
        if of_address.filter(at__gt=now - ONCE_IN_MS).exists() or of_endpoint.count() >= wanted.acknowledge_per_hour:
            return None
        return Acknowledgement.objects.create(
            workspace_id=lead.workspace_id,
            endpoint_id=lead.endpoint_id,
            delivery_id=delivery.pk,
            address_hash=address_hash,
            at=now,
        )


def _hash(address: str) -> str:
    """What an address is counted under: the mailbox without a +tag, which many hosts deliver to the same one."""
    local, _, domain = address.lower().rpartition("@")
    mailbox = f"{local.partition('+')[0]}@{domain}"
    return hmac.new(settings.SECRET_KEY.encode(), f"acknowledgement {mailbox}".encode(), hashlib.sha256).hexdigest()


def _ours() -> str:
    """The address that our own mail comes from: it must not be made to talk to itself."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].lower()
