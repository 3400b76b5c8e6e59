"""Leads that looked suspicious."""

from __future__ import annotations

from django.db import models

from stagewise.accounts.models import Workspace
from stagewise.leads.models.types import LeadType


class HeldState(models.TextChoices):
    """What became of a held lead."""

    WAITING = "waiting", "Waiting"
    RELEASED = "released", "Released"
    DISCARDED = "discarded", "Discarded"


class HeldLead(models.Model):
    """A lead that looked suspicious: it waits until somebody releases or discards it. The lane inserts these rows."""

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="held_leads", db_index=False, db_constraint=False
    )
    #: UUIDv7, what the caller was told; the lead keeps it when it is released.
    public_id = models.UUIDField(unique=True)
    endpoint = models.ForeignKey(
        "endpoints.Endpoint", on_delete=models.PROTECT, related_name="held_leads", db_index=False, db_constraint=False
    )
    lead_type = models.ForeignKey(
        LeadType, on_delete=models.PROTECT, related_name="held_leads", db_index=False, db_constraint=False
    )
    name = models.TextField()
    phone = models.TextField()
    phone_e164 = models.CharField(max_length=16, null=True)
    email = models.TextField()
    message = models.TextField(null=True)
    #: When it came, milliseconds since 1970, UTC, by the database's clock.
    at = models.BigIntegerField()
    address = models.CharField(max_length=45)
    forwarded_by = models.CharField(max_length=45, null=True)
    origin = models.TextField(null=True)
    user_agent = models.TextField(null=True)
    request_id = models.CharField(max_length=36)
    #: What of :class:`stagewise.options.attribution.Attribution` came with it.
    attribution = models.JSONField(null=True)
    #: Codes of stagewise/options/holding.py, with commas.
    reasons = models.TextField()
    state = models.CharField(max_length=9, choices=HeldState, default=HeldState.WAITING)
    settled_at = models.BigIntegerField(null=True)
    settled_by = models.CharField(max_length=254, blank=True, default="")
    #: The lead that it became.
    lead_id = models.BigIntegerField(null=True)
    repeat_slot = models.IntegerField(null=True)
    repeat_hash = models.BigIntegerField(null=True)
    #: How often the same submission came again within five minutes.
    repeats = models.IntegerField(default=0)

    class Meta:
        db_table = "held_lead"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "id"], name="held_lead_workspace_id"),
        ]
        indexes = [
            models.Index(fields=["workspace", "state", "-id"], name="held_lead_newest"),
            models.Index(fields=["repeat_slot", "repeat_hash"], name="held_lead_repeat"),
            models.Index(fields=["endpoint"], condition=models.Q(state="waiting"), name="held_lead_waiting"),
        ]

    def __str__(self) -> str:
        return self.name
