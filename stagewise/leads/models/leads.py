"""The leads, and what is kept beside each."""

from __future__ import annotations

from django.db import models

from stagewise.accounts.models import Member, Workspace
from stagewise.leads.models.types import LeadType, Stage


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
    #: Filled by the worker: whether the phone number is valid, and when :class:`LeadSearch` was written.
    phone_valid = models.BooleanField(null=True)
    derived_at = models.BigIntegerField(null=True)
    # What people do with it (stagewise/leads/working.py); all null while nobody has touched it.
    owner = models.ForeignKey(
        Member, on_delete=models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    #: When somebody last changed something of it, milliseconds since 1970: also tells two people's changes apart.
    changed_at = models.BigIntegerField(null=True)
    #: When somebody first did something about it.
    answered_at = models.BigIntegerField(null=True)
    #: Since when it stands in its stage; null: since it came.
    staged_at = models.BigIntegerField(null=True)
    #: Why it was won or lost.
    closed_reason = models.TextField(null=True)
    #: Who added it by hand or by a file (an e-mail address); null: an endpoint took it.
    added_by = models.CharField(max_length=254, null=True)
    #: When it was released, of a lead that was held: its row id is of that time, ``created_at`` is when it was sent.
    released_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "lead"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "id"], name="lead_workspace_id"),
        ]
        indexes = [
            # The leads of a type are found as those of its stages, so that one index serves both.
            models.Index(fields=["workspace", "stage", "-id"], name="lead_by_stage"),
            models.Index(fields=["id"], condition=models.Q(test=True), name="lead_test"),
            models.Index(fields=["id"], condition=models.Q(derived_at=None), name="lead_not_derived"),
            # No new lead falls into these: they cost the lane nothing.
            models.Index(
                fields=["workspace", "owner", "-id"], condition=models.Q(owner__isnull=False), name="lead_by_owner"
            ),
            models.Index(
                fields=["workspace", "owner", "stage", "-id"],
                condition=models.Q(owner__isnull=False),
                name="lead_by_owner_stage",
            ),
            models.Index(
                fields=["workspace", "-changed_at"], condition=models.Q(changed_at__isnull=False), name="lead_by_change"
            ),
            models.Index(
                fields=["workspace", "-answered_at"],
                condition=models.Q(answered_at__isnull=False),
                name="lead_by_answer",
            ),
            models.Index(
                fields=["workspace", "-created_at"], condition=models.Q(released_at__isnull=False), name="lead_released"
            ),
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


class LeadSearch(models.Model):
    """What a lead is found by, written by the worker a moment after the lead; of the newest it may be missing.

    On SQLite an FTS5 index of trigrams over ``text`` follows this table by triggers, on PostgreSQL ``text`` has a GIN
    index of trigrams (migration 0005).
    """

    lead = models.OneToOneField(
        Lead, on_delete=models.CASCADE, primary_key=True, related_name="search", db_constraint=False
    )
    workspace_id = models.BigIntegerField()
    #: The beginning of the name, folded: leads by name are in this order.
    name_key = models.CharField(max_length=40)
    #: 64 bits of a hash of e-mail address and E.164 number: leads of one person have one of the two in common.
    email_key = models.BigIntegerField()
    phone_key = models.BigIntegerField(null=True)
    #: :func:`stagewise.leads.search.text_of`
    text = models.TextField()

    class Meta:
        db_table = "lead_search"
        indexes = [
            models.Index(fields=["workspace_id", "name_key", "lead"], name="lead_search_by_name"),
            models.Index(fields=["workspace_id", "email_key", "lead"], name="lead_search_by_email"),
            models.Index(
                fields=["workspace_id", "phone_key", "lead"],
                condition=models.Q(phone_key__isnull=False),
                name="lead_search_by_phone",
            ),
        ]

    def __str__(self) -> str:
        return self.name_key


class LeadSlot(models.Model):
    """How many leads came in within half an hour, by type and endpoint: counted by the worker, each lead once.

    Leads that were deleted later stay counted; test leads never were.
    """

    workspace_id = models.BigIntegerField()
    #: Half hours since 1970.
    slot = models.IntegerField()
    lead_type_id = models.BigIntegerField()
    #: 0: added by hand or by a file.
    endpoint_id = models.BigIntegerField()
    count = models.IntegerField()

    class Meta:
        db_table = "lead_slot"
        constraints = [
            models.UniqueConstraint(
                fields=["workspace_id", "slot", "lead_type_id", "endpoint_id"], name="lead_slot_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.count} leads"
