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
    origin = models.TextField(null=True)
    user_agent = models.TextField(null=True)
    request_id = models.CharField(max_length=36, null=True)
    #: Filled by the worker: whether the phone number is valid, and text to search in (lower case, digits of the phone).
    phone_valid = models.BooleanField(null=True)
    search_text = models.TextField(null=True)
    derived_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "lead"
        constraints = [models.UniqueConstraint(fields=["workspace", "id"], name="lead_workspace_id")]
        indexes = [
            models.Index(fields=["workspace", "lead_type", "-id"], name="lead_by_type"),
            models.Index(fields=["id"], condition=models.Q(derived_at=None), name="lead_not_derived"),
        ]

    def __str__(self) -> str:
        return self.name
