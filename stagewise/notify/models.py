"""The outbox: what happened, written in the transaction in which it happened."""

from __future__ import annotations

from django.db import models


class Event(models.Model):
    """Something that happened. The worker hands each to the channels that want it."""

    workspace_id = models.BigIntegerField()
    #: UUIDv7; the same on every try to deliver.
    public_id = models.UUIDField()
    kind = models.CharField(max_length=40)
    lead_id = models.BigIntegerField(null=True)
    at = models.BigIntegerField()
    #: When the worker had handed it on; null: still to do.
    dispatched_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "event"
        indexes = [
            models.Index(fields=["id"], condition=models.Q(dispatched_at=None), name="event_to_dispatch"),
        ]

    def __str__(self) -> str:
        return self.kind
