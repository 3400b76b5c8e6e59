"""Lead types with their stages, and the names under which websites send leads of them."""

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
    #: Which of the eight muted hues (0 to 7) stands for it; null: by its place.
    hue = models.SmallIntegerField(null=True)
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
    #: Which of the eight muted hues (0 to 7) stands for it; null: by its place.
    hue = models.SmallIntegerField(null=True)
    position = models.IntegerField()
    archived_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "stage"
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["workspace", "id"], name="stage_workspace_id")]

    def __str__(self) -> str:
        return self.name


class LeadTypeAlias(models.Model):
    """Another name under which websites may send leads of a type; the lane reads it with the types."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    lead_type = models.ForeignKey(LeadType, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=100)
    #: As ``LeadType.name_key``. The name of a type in use goes before an alias.
    name_key = models.CharField(max_length=200)

    class Meta:
        db_table = "lead_type_alias"
        ordering = ["name_key"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "id"], name="lead_type_alias_workspace_id"),
            models.UniqueConstraint(fields=["workspace", "name_key"], name="lead_type_alias_once"),
        ]

    def __str__(self) -> str:
        return self.name


class UnmatchedName(models.Model):
    """A ``lead_type_name`` that came and was no lead type's; the lane writes these rows, a hundred for a workspace."""

    workspace_id = models.BigIntegerField()
    name = models.CharField(max_length=100)
    name_key = models.CharField(max_length=200)
    count = models.BigIntegerField()
    last_at = models.BigIntegerField()

    class Meta:
        db_table = "unmatched_name"
        constraints = [models.UniqueConstraint(fields=["workspace_id", "name_key"], name="unmatched_name_once")]

    def __str__(self) -> str:
        return self.name
