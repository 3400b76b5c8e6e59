"""Hands events to a mail channel as the worker does, one try at a time, by a clock that the test moves."""

from __future__ import annotations

import itertools
from typing import Any

from stagewise.accounts.clock import now_ms
from stagewise.core.ids import uuid7
from stagewise.leads.models import Lead
from stagewise.notify.channels import OpenChannel, Outcome
from stagewise.notify.channels.email.channel import Email
from stagewise.notify.models import Channel, Delivery, DeliveryState, DeliveryTry
from stagewise.notify.payloads import payload
from tests.support.cast import Place

MINUTE = 60_000

_events = itertools.count(1_000_000)


class Post:
    """The mail channels of one workspace."""

    def __init__(self, there: Place, patience_s: float = 5) -> None:
        self.there = there
        self.now = now_ms()
        self._email = Email(clock=lambda: self.now, patience_s=patience_s)

    def channel(self, target: str = "sales@acme.example", name: str = "Sales", **options: Any) -> Channel:
        """A channel as it is when it was saved."""
        checked = self._email.check(target, options)
        return Channel.objects.create(
            workspace=self.there.workspace,
            kind="email",
            name=name,
            target=checked.target,
            options=checked.options,
            events=["lead.created"],
            created_at=self.now,
        )

    def event(self, channel: Channel, lead: Lead | None, kind: str = "lead.created", **data: Any) -> Delivery:
        """A delivery as it is when its event was handed on."""
        known = {} if lead is None else {"lead": str(lead.public_id), "stage": lead.stage.name}
        return Delivery.objects.create(
            workspace_id=self.there.workspace.pk,
            channel=channel,
            event_id=next(_events),
            public_id=uuid7(self.now),
            kind=kind,
            lead_id=None if lead is None else lead.pk,
            data=known | data,
            at=self.now,
            next_at=self.now,
        )

    def attempt(self, delivery: Delivery) -> Outcome:
        """One try, written down as the worker would."""
        channel = Channel.objects.get(pk=delivery.channel_id)
        opened = OpenChannel(channel.pk, channel.name, channel.target, channel.options)
        outcome = self._email.deliver(opened, delivery, payload(delivery))
        DeliveryTry.objects.create(delivery=delivery, at=self.now, took_ms=1, problem=outcome.problem)
        delivery.tries += 1
        if outcome.final:
            delivery.state = DeliveryState.FAILED
        elif not outcome.problem:
            delivery.state = DeliveryState.DONE
        delivery.save()
        return outcome

    def send(self, channel: Channel, lead: Lead | None, kind: str = "lead.created", **data: Any) -> Outcome:
        """An event, tried once."""
        return self.attempt(self.event(channel, lead, kind, **data))

    def resend(self, delivery: Delivery) -> Outcome:
        """What the button does: the delivery waits again, its tries counting from nothing."""
        delivery.tries, delivery.state = 0, DeliveryState.WAITING
        return self.attempt(delivery)

    def pass_time(self, minutes: float) -> list[Outcome]:
        """Let time go by, and try the digests that became due."""
        self.now += round(minutes * MINUTE)
        due = Delivery.objects.filter(kind="lead.digest", state=DeliveryState.WAITING, next_at__lte=self.now)
        return [self.attempt(each) for each in due.order_by("next_at")]
