"""Who still has to get a mail of a delivery, and whether in a mail of its own or in a digest.

Every delivery has a row for each address (``Mail``): when a try reaches two of three mailboxes, the next one writes
only to the third. The rows are also what the limit counts: an address that was due more than :data:`BEFORE_DIGEST`
mails of a workspace within :data:`WITHIN_MS` gets the others in one digest.

A digest is a delivery like any other, due ten minutes after it was begun: it is leased, tried again, shown and sent
again as all are. That a lead is in a digest is committed before its own delivery counts as done, so no lead is lost
when a worker is killed in between. As long as a digest is open, everything for its address goes into it, so that the
mails about one lead keep their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from django.db import connection, transaction

from stagewise.core.ids import uuid7
from stagewise.notify import outbox
from stagewise.notify.models import Delivery, DeliveryTry, Event, Mail, MailDigest, MailState

if TYPE_CHECKING:
    from collections.abc import Sequence

#: So many mails to one address are sent singly ...
BEFORE_DIGEST: Final = 20
#: ... in so many milliseconds. It is also how long a digest gathers.
WITHIN_MS: Final = 10 * 60_000


class Due(NamedTuple):
    """Who has not got the mail of a delivery yet; ``again``: they are to get it once more."""

    addresses: list[str]
    again: bool = False


def still_due(delivery: Delivery, addresses: Sequence[str]) -> Due:
    """Whom to write to on this try.

    When nobody is left, a worker was killed before it could write down that it was done. But a delivery that was
    written down and whose tries count from nothing is one that somebody wants sent again: to those whose mail was
    refused if there are any, else to everybody.
    """
    rows = dict(Mail.objects.filter(delivery=delivery).values_list("address", "state"))
    states = {address: rows.get(address.lower()) for address in addresses}
    due = [address for address, state in states.items() if state in {None, MailState.TRYING}]
    if due or delivery.tries or not DeliveryTry.objects.filter(delivery=delivery).exists():
        return Due(due)
    refused = [address for address, state in states.items() if state == MailState.REFUSED]
    return Due(refused or list(addresses), again=True)


def refused(delivery: Delivery) -> list[str]:
    """The addresses that the mail server will never take a mail of this delivery for."""
    rows = Mail.objects.filter(delivery=delivery, state=MailState.REFUSED).order_by("id")
    return list(rows.values_list("address", flat=True))


def claim(delivery: Delivery, address: str, *, again: bool, may_gather: bool, now: int) -> Mail:
    """The row of the mail that is due, either to be sent now (``trying``) or ``gathered`` in a digest."""
    with transaction.atomic():
        lock(f"mail {delivery.workspace_id} {address.lower()}")
        mail = Mail.objects.filter(delivery=delivery, address=address.lower()).first()
        if mail is None:
            mail = Mail(workspace_id=delivery.workspace_id, delivery=delivery, address=address.lower())
        mail.digest = _digest_for(delivery, mail.address, now) if may_gather else None
        mail.state = MailState.TRYING if mail.digest is None else MailState.GATHERED
        mail.at = now
        mail.again += again
        mail.save()
    return mail


def note(mail: Mail, state: MailState) -> None:
    """Keep what became of a mail."""
    with transaction.atomic():
        Mail.objects.filter(pk=mail.pk).update(state=state)


def close(digest: MailDigest, workspace_id: int, now: int) -> None:
    """Add nothing more to the digest, on this try and on every later one: what comes now is for the next."""
    with transaction.atomic():
        lock(f"mail {workspace_id} {digest.address}")
        MailDigest.objects.filter(pk=digest.pk, closed_at=None).update(closed_at=now)


def lock(name: str) -> None:
    """Let one worker at a time through until the transaction ends; SQLite has one writer anyhow."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def _digest_for(delivery: Delivery, address: str, now: int) -> MailDigest | None:
    """The open digest, or a new one if the address has had its share; None: send it singly."""
    digest = MailDigest.objects.filter(channel=delivery.channel_id, address=address, closed_at=None).first()
    if digest is not None:
        return digest
    others = Mail.objects.filter(workspace_id=delivery.workspace_id, address=address, at__gt=now - WITHIN_MS)
    others = others.exclude(delivery=delivery).order_by("-at")
    if not others[BEFORE_DIGEST - 1 : BEFORE_DIGEST]:
        return None
    # Its event was handed on when it was made: it concerns this channel only.
    event = Event.objects.create(
        workspace_id=delivery.workspace_id,
        public_id=uuid7(now),
        kind=outbox.DIGEST,
        lead_id=None,
        at=now,
        dispatched_at=now,
    )
    made = Delivery.objects.create(
        workspace_id=delivery.workspace_id,
        channel_id=delivery.channel_id,
        event_id=event.pk,
        public_id=event.public_id,
        kind=outbox.DIGEST,
        data={"to": address},
        at=now,
        next_at=now + WITHIN_MS,
    )
    return MailDigest.objects.create(channel_id=delivery.channel_id, delivery=made, address=address, at=now)
