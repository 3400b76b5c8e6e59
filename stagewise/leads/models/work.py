"""What a team does with a lead: notes, tags, tasks, and the line of what happened to it."""

from __future__ import annotations

from django.db import models

from stagewise.accounts.models import Member, Workspace
from stagewise.leads.models.leads import Lead


class Tag(models.Model):
    """A word that leads are marked with."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=60)
    #: Folded as names of lead types are (stagewise/core/lead_types.py): "VIP" and "vip" are one tag.
    name_key = models.CharField(max_length=120)
    #: Which of the eight muted hues (0 to 7) stands for it.
    hue = models.SmallIntegerField(default=0)

    class Meta:
        db_table = "tag"
        ordering = ["name_key"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "id"], name="tag_workspace_id"),
            models.UniqueConstraint(fields=["workspace", "name_key"], name="tag_once"),
        ]

    def __str__(self) -> str:
        return self.name


class LeadTag(models.Model):
    """A lead marked with a tag."""

    workspace_id = models.BigIntegerField()
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="lead_tags", db_constraint=False)

    class Meta:
        db_table = "lead_tag"
        constraints = [models.UniqueConstraint(fields=["tag", "lead"], name="lead_tag_once")]

    def __str__(self) -> str:
        return f"{self.tag_id} on {self.lead_id}"


class LeadNote(models.Model):
    """What a member wrote down about a lead."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="notes", db_constraint=False)
    member = models.ForeignKey(Member, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    text = models.TextField()
    #: Milliseconds since 1970, UTC, as all times here.
    at = models.BigIntegerField()
    edited_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "lead_note"
        constraints = [models.UniqueConstraint(fields=["workspace", "id"], name="lead_note_workspace_id")]

    def __str__(self) -> str:
        return self.text[:40]


class LeadMention(models.Model):
    """A member named in a note with @; unseen until that person has opened the lead and said so."""

    workspace_id = models.BigIntegerField()
    note = models.ForeignKey(LeadNote, on_delete=models.CASCADE, related_name="mentions")
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.BigIntegerField()
    seen_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "lead_mention"
        constraints = [models.UniqueConstraint(fields=["note", "member"], name="lead_mention_once")]
        indexes = [models.Index(fields=["member", "-at"], name="lead_mention_newest")]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.note_id}"


class LeadTask(models.Model):
    """What is to be done about a lead, until when, by whom."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="tasks", db_constraint=False)
    #: Whose task it is; null: everybody's.
    member = models.ForeignKey(Member, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    text = models.CharField(max_length=200)
    #: The moment by which it should be done.
    due_at = models.BigIntegerField()
    done_at = models.BigIntegerField(null=True)
    created_at = models.BigIntegerField()

    class Meta:
        db_table = "lead_task"
        constraints = [models.UniqueConstraint(fields=["workspace", "id"], name="lead_task_workspace_id")]
        indexes = [
            models.Index(fields=["workspace", "due_at"], condition=models.Q(done_at=None), name="lead_task_due"),
        ]

    def __str__(self) -> str:
        return self.text


class ActivityKind(models.TextChoices):
    """What can happen to a lead; how it came, deliveries and repeats are read from their own tables."""

    STAGE = "stage", "Moved"
    OWNER = "owner", "Assigned"
    EDITED = "edited", "Changed"
    TAGS = "tags", "Tagged"
    NOTE = "note", "Noted"
    TASK = "task", "Planned"
    TASK_DONE = "task_done", "Done"
    ADDED = "added", "Added"
    MERGED = "merged", "Merged"
    RESTORED = "restored", "Restored"


class LeadActivity(models.Model):
    """One line of a lead's timeline."""

    workspace_id = models.BigIntegerField()
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="activities", db_constraint=False)
    kind = models.CharField(max_length=12, choices=ActivityKind)
    #: Who did it: the e-mail address at that time; empty: the command line.
    actor = models.CharField(max_length=254, blank=True)
    at = models.BigIntegerField()
    #: What the kind calls for: ``{"from": "New", "to": "Won"}``, ``{"note": 12}``, ``{"fields": {…}}``.
    data = models.JSONField(default=dict)

    class Meta:
        db_table = "lead_activity"

    def __str__(self) -> str:
        return self.kind


class DeletedLead(models.Model):
    """A lead that somebody deleted, kept whole until its time is over, so that it can be put back as it was.

    Notes, tags, tasks and timeline stay in their tables under the lead's row id, and go when this row goes.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    #: The row id that it had and gets back.
    lead_id = models.BigIntegerField(unique=True)
    public_id = models.UUIDField(unique=True)
    name = models.TextField()
    #: Every column of the row, by name.
    row = models.JSONField()
    deleted_at = models.BigIntegerField(db_index=True)
    deleted_by = models.CharField(max_length=254, blank=True)
    #: The lead that it was merged into.
    merged_into = models.BigIntegerField(null=True)

    class Meta:
        db_table = "deleted_lead"
        constraints = [models.UniqueConstraint(fields=["workspace", "id"], name="deleted_lead_workspace_id")]
        indexes = [models.Index(fields=["workspace", "-deleted_at"], name="deleted_lead_newest")]

    def __str__(self) -> str:
        return self.name


class SavedView(models.Model):
    """A way of looking at the leads, kept under a name: a tab above the list."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="saved_views")
    #: Whose it is; null: everybody's in the workspace.
    member = models.ForeignKey(Member, on_delete=models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=60)
    #: The filters as the page's query.
    query = models.TextField()
    position = models.IntegerField(default=0)

    class Meta:
        db_table = "saved_view"
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["workspace", "id"], name="saved_view_workspace_id")]

    def __str__(self) -> str:
        return self.name


class LeadImport(models.Model):
    """A file of leads that somebody hands in: looked at first, then taken in by the worker, slice by slice."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    actor = models.CharField(max_length=254)
    file_name = models.CharField(max_length=200)
    #: Where the file lies below the data directory until it is done; never shown.
    path = models.CharField(max_length=300)
    #: Column of the file → field of a lead, and what goes for columns that are missing.
    mapping = models.JSONField(default=dict)
    #: ``uploaded``, ``waiting``, ``running``, ``done``, ``stopped``
    state = models.CharField(max_length=10, default="uploaded")
    total = models.IntegerField(default=0)
    #: Lines dealt with: the next slice begins after them.
    handled = models.IntegerField(default=0)
    created = models.IntegerField(default=0)
    #: The first thousand lines that could not be taken: ``[line number, ["email: …"]]``.
    bad = models.JSONField(default=list)
    bad_count = models.IntegerField(default=0)
    created_at = models.BigIntegerField()
    ended_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "lead_import"
        constraints = [models.UniqueConstraint(fields=["workspace", "id"], name="lead_import_workspace_id")]
        indexes = [models.Index(fields=["id"], condition=models.Q(ended_at=None), name="lead_import_open")]

    def __str__(self) -> str:
        return self.file_name
