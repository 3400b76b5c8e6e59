"""Lead types with their stages, and the leads that walk through them."""

from __future__ import annotations

from django.db import models

from stagewise.accounts.models import Workspace


class LeadType(models.Model):
    """An ordered kind of lead; the first that is not archived is the default."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="lead_types")
    name = models.CharField(max_length=100)
    #: What ``lead_type_name`` is compared with: :func:`stagewise.core.lead_types.key` of the name.
    name_key = models.CharField(max_length=200)
    position = models.IntegerField()
    #: Leads of this type are deleted after so many days; null: never.
    keep_days = models.IntegerField(null=True)
    archived_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "lead_type"
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "id"], name="lead_type_workspace_id"),
            models.UniqueConstraint(
                fields=["workspace", "name_key"], condition=models.Q(archived_at=None), name="lead_type_name_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StageKind(models.TextChoices):
    """Whether a lead in this stage is still being worked."""

    OPEN = "open", "Open"
    WON = "won", "Won"
    LOST = "lost", "Lost"


class Stage(models.Model):
    """An ordered step of a lead type's pipeline; new leads stand in the first."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    lead_type = models.ForeignKey(LeadType, on_delete=models.CASCADE, related_name="stages")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=4, choices=StageKind, default=StageKind.OPEN)
    position = models.IntegerField()
    archived_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "stage"
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["workspace", "id"], name="stage_workspace_id")]

    def __str__(self) -> str:
        return self.name


class Lead(models.Model):
    """A person who wrote. The lane inserts these rows with SQL of its own (stagewise/store)."""

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="leads", db_index=False, db_constraint=False
    )
    #: UUIDv7, what the public sees.
    public_id = models.UUIDField(unique=True)
    # No index of their own: each would be written with every lead, and the constraints below serve the pages. Nor are
    # they keys to the database: what a lead points to is never deleted, and was read in the same transaction.
    endpoint = models.ForeignKey(
        "endpoints.Endpoint",
        on_delete=models.PROTECT,
        null=True,
        related_name="leads",
        db_index=False,
        db_constraint=False,
    )
    lead_type = models.ForeignKey(
        LeadType, on_delete=models.PROTECT, related_name="leads", db_index=False, db_constraint=False
    )
    stage = models.ForeignKey(
        Stage, on_delete=models.PROTECT, related_name="leads", db_index=False, db_constraint=False
    )
    name = models.TextField()
    phone = models.TextField()
    phone_e164 = models.CharField(max_length=16, null=True)
    email = models.TextField()
    message = models.TextField(null=True)
    test = models.BooleanField(default=False)
    #: Milliseconds since 1970, UTC, by the database's clock.
    created_at = models.BigIntegerField()
    #: Where it came from, as seen by the lane; null for leads added by hand.
    address = models.CharField(max_length=45, null=True)
    #: The server that named the visitor's address, where one did.
    forwarded_by = models.CharField(max_length=45, null=True)
    origin = models.TextField(null=True)
    user_agent = models.TextField(null=True)
    request_id = models.CharField(max_length=36, null=True)
    #: Under these two a repeat of the same submission is found (stagewise/store/repeats.py); null for leads that no
    #: call made. On PostgreSQL a migration makes a unique index of both.
    repeat_slot = models.IntegerField(null=True)
    repeat_hash = models.BigIntegerField(null=True)
    #: Filled by the worker: whether the phone number is valid, and text to search in (lower case, digits of the phone).
    phone_valid = models.BooleanField(null=True)
    search_text = models.TextField(null=True)
    derived_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "lead"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "id"], name="lead_workspace_id"),
        ]
        indexes = [
            models.Index(fields=["workspace", "lead_type", "-id"], name="lead_by_type"),
            models.Index(fields=["id"], condition=models.Q(test=True), name="lead_test"),
            models.Index(fields=["id"], condition=models.Q(derived_at=None), name="lead_not_derived"),
        ]

    def __str__(self) -> str:
        return self.name


class LeadAttribution(models.Model):
    """Where on the web a lead came from, if its form said so."""

    lead = models.OneToOneField(
        Lead, on_delete=models.CASCADE, primary_key=True, related_name="attribution", db_constraint=False
    )
    workspace_id = models.BigIntegerField()
    page_url = models.TextField(null=True)
    referrer = models.TextField(null=True)
    utm_source = models.TextField(null=True)
    utm_medium = models.TextField(null=True)
    utm_campaign = models.TextField(null=True)
    utm_term = models.TextField(null=True)
    utm_content = models.TextField(null=True)
    #: Click ids of advertisers by name.
    click_ids = models.JSONField(default=dict)

    class Meta:
        db_table = "lead_attribution"
        indexes = [
            models.Index(fields=["workspace_id", "utm_source", "-lead"], name="attribution_by_source"),
            models.Index(fields=["workspace_id", "utm_campaign", "-lead"], name="attribution_by_campaign"),
        ]

    def __str__(self) -> str:
        return self.utm_source or self.page_url or ""


class LeadRepeat(models.Model):
    """How often the same submission came again within five minutes; it made no second lead."""

    lead = models.OneToOneField(
        Lead, on_delete=models.CASCADE, primary_key=True, related_name="repeat", db_constraint=False
    )
    workspace_id = models.BigIntegerField()
    count = models.IntegerField()
    first_at = models.BigIntegerField()
    last_at = models.BigIntegerField()

    class Meta:
        db_table = "lead_repeat"

    def __str__(self) -> str:
        return f"{self.count} more"


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
