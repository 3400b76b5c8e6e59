"""The outbox, the channels, what was delivered to them, and alerts.

An event is written in the transaction in which it happened. The worker makes a delivery of it for each channel that
wants it, and works these off. Times are milliseconds since 1970, UTC, by the database's clock.
"""

from __future__ import annotations

from django.db import models

from stagewise.accounts.models import Workspace
from stagewise.endpoints.models import Endpoint


class Event(models.Model):
    """Something that happened. The worker hands each to the channels that want it."""

    workspace_id = models.BigIntegerField()
    #: UUIDv7; the same on every try to deliver.
    public_id = models.UUIDField()
    kind = models.CharField(max_length=40)
    lead_id = models.BigIntegerField(null=True)
    #: What the kind calls for beside the lead: the alert, the stages, the member.
    data = models.JSONField(null=True)
    at = models.BigIntegerField()
    #: When the worker had handed it on; null: still to do.
    dispatched_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "event"
        indexes = [
            models.Index(fields=["id"], condition=models.Q(dispatched_at=None), name="event_to_dispatch"),
            # What else waits of a lead. A lead's first event is not in it, so that the lane need not write it.
            models.Index(
                fields=["lead_id"],
                condition=models.Q(dispatched_at=None) & ~models.Q(kind="lead.created"),
                name="event_later",
            ),
        ]

    def __str__(self) -> str:
        return self.kind


class Channel(models.Model):
    """Where events go: a mailbox, a webhook, a chat."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="channels")
    #: A folder of stagewise/notify/channels.
    kind = models.CharField(max_length=16)
    name = models.CharField(max_length=100)
    #: Addresses or URL as people may see it; where the URL itself is a secret, its host.
    target = models.TextField()
    #: What the kind needs beyond that, typed by its folder.
    options = models.JSONField(default=dict)
    #: Encrypted with a key outside the database (stagewise/notify/sealed.py), and the one that was rotated away.
    secret = models.TextField(blank=True)
    old_secret = models.TextField(blank=True)
    old_secret_until = models.BigIntegerField(null=True)
    #: Kinds of events that it wants.
    events = models.JSONField(default=list)
    enabled = models.BooleanField(default=True)
    #: Deliveries wait while it is paused; nothing is lost.
    paused_at = models.BigIntegerField(null=True)
    paused_because = models.CharField(max_length=200, blank=True)
    #: Since when every try has failed.
    failing_since = models.BigIntegerField(null=True)
    created_at = models.BigIntegerField()

    class Meta:
        db_table = "channel"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "id"], name="channel_workspace_id"),
            models.UniqueConstraint(fields=["workspace", "name"], name="channel_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class DeliveryState(models.TextChoices):
    """Where a delivery stands."""

    WAITING = "waiting", "Waiting"
    DONE = "done", "Delivered"
    FAILED = "failed", "Failed"


class Delivery(models.Model):
    """One event to one channel, with its tries."""

    workspace_id = models.BigIntegerField()
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    #: Row id of the event, and the id that receivers see, the same on every try.
    event_id = models.BigIntegerField()
    public_id = models.UUIDField()
    kind = models.CharField(max_length=40)
    lead_id = models.BigIntegerField(null=True)
    data = models.JSONField(null=True)
    #: When the event happened.
    at = models.BigIntegerField()
    state = models.CharField(max_length=7, choices=DeliveryState, default=DeliveryState.WAITING)
    tries = models.IntegerField(default=0)
    #: Not before.
    next_at = models.BigIntegerField()
    #: Who works on it, and until when nobody else may.
    lease = models.BigIntegerField(default=0)
    lease_until = models.BigIntegerField(default=0)
    settled_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "delivery"
        constraints = [models.UniqueConstraint(fields=["channel", "event_id"], name="delivery_once")]
        indexes = [
            models.Index(fields=["channel", "next_at"], condition=models.Q(state="waiting"), name="delivery_due"),
            models.Index(
                fields=["channel", "lead_id", "id"], condition=models.Q(state="waiting"), name="delivery_in_order"
            ),
            models.Index(fields=["workspace_id", "-id"], name="delivery_newest"),
            models.Index(fields=["channel", "-id"], name="delivery_of_channel"),
            models.Index(fields=["lead_id"], condition=models.Q(lead_id__isnull=False), name="delivery_of_lead"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.channel_id}"


class DeliveryTry(models.Model):
    """One try of a delivery and what the receiver said."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="history")
    at = models.BigIntegerField()
    took_ms = models.IntegerField()
    #: The receiver's status, where there is such a thing.
    status = models.SmallIntegerField(null=True)
    #: Empty when it was delivered.
    problem = models.TextField(blank=True)
    #: The beginning of the answer.
    answer = models.TextField(blank=True)

    class Meta:
        db_table = "delivery_try"

    def __str__(self) -> str:
        return self.problem or "delivered"


class Alert(models.Model):
    """Something that somebody should know: raised once, resolved by itself."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="alerts", db_index=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, null=True, related_name="alerts", db_index=False)
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, null=True, related_name="alerts", db_index=False)
    #: A kind of stagewise/notify/alerts.
    kind = models.CharField(max_length=40)
    #: What it is about: with the kind, one open alert at most.
    subject = models.CharField(max_length=200)
    #: The figures that its words are made of.
    data = models.JSONField(default=dict)
    raised_at = models.BigIntegerField()
    resolved_at = models.BigIntegerField(null=True)
    snoozed_until = models.BigIntegerField(null=True)

    class Meta:
        db_table = "alert"
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "kind", "subject"], condition=models.Q(resolved_at=None), name="alert_open_once"
            )
        ]
        indexes = [models.Index(fields=["workspace", "-id"], name="alert_newest")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"


class Watch(models.Model):
    """How an endpoint is watched: the figures of its alerts, and its canary."""

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, primary_key=True, related_name="watch")
    #: As stagewise/notify/alerts types it; empty: the figures that everybody begins with.
    alerts = models.JSONField(default=dict)
    #: Minutes between two test leads through the public URL; null: none are sent.
    canary_minutes = models.IntegerField(null=True)
    canary_next_at = models.BigIntegerField(default=0)
    canary_last_at = models.BigIntegerField(null=True)
    #: Empty when the last one went well.
    canary_problem = models.TextField(blank=True)

    class Meta:
        db_table = "watch"

    def __str__(self) -> str:
        return f"watch of {self.endpoint_id}"


class MailDigest(models.Model):
    """The one mail that tells an address of many leads; a delivery of its own carries it to the channel."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+", db_index=False)
    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    #: Where it goes, in lower case.
    address = models.CharField(max_length=254)
    at = models.BigIntegerField()
    #: Since when nothing is added to it, because it is being sent; null: still gathering.
    closed_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "mail_digest"
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "address"], condition=models.Q(closed_at=None), name="mail_digest_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"digest for {self.address}"


class MailState(models.TextChoices):
    """Where a mail stands."""

    TRYING = "trying", "Being sent"
    SENT = "sent", "Sent"
    GATHERED = "gathered", "In a digest"
    REFUSED = "refused", "Refused for good"


class Mail(models.Model):
    """One delivery to one address, so that a retry mails only those who have not got it yet."""

    workspace_id = models.BigIntegerField()
    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, related_name="mails", db_constraint=False, db_index=False
    )
    #: In lower case.
    address = models.CharField(max_length=254)
    #: When it was last tried or gathered: what the limit before digests counts.
    at = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=MailState)
    digest = models.ForeignKey(
        MailDigest, on_delete=models.SET_NULL, null=True, related_name="mails", db_constraint=False
    )
    #: How often it was sent again on purpose; each time is a mail with an id of its own.
    again = models.IntegerField(default=0)

    class Meta:
        db_table = "mail"
        constraints = [models.UniqueConstraint(fields=["delivery", "address"], name="mail_once")]
        indexes = [models.Index(fields=["workspace_id", "address", "-at"], name="mail_to_address")]

    def __str__(self) -> str:
        return f"mail to {self.address}"


class Acknowledgement(models.Model):
    """A confirmation to somebody who wrote: what the limits per address and per endpoint count."""

    workspace_id = models.BigIntegerField()
    endpoint_id = models.BigIntegerField()
    #: Of the lead's delivery, so that a retry sends the same one.
    delivery_id = models.BigIntegerField(unique=True)
    #: Keyed hash of the address: the row outlives a lead that is deleted.
    address_hash = models.CharField(max_length=64)
    at = models.BigIntegerField()
    #: Sent, or refused for good: nothing is left to do.
    settled = models.BooleanField(default=False)

    class Meta:
        db_table = "acknowledgement"
        indexes = [
            models.Index(fields=["workspace_id", "address_hash", "-at"], name="acknowledgement_address"),
            models.Index(fields=["endpoint_id", "-at"], name="acknowledgement_endpoint"),
        ]

    def __str__(self) -> str:
        return f"acknowledgement of {self.delivery_id}"
