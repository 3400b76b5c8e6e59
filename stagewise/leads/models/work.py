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


class NotesKept(models.Manager["LeadNote"]):
    """The notes that nobody has deleted."""

    def get_queryset(self) -> models.QuerySet[LeadNote]:
        return super().get_queryset().filter(deleted_at=None)


class LeadNote(models.Model):
    """What a member wrote down about a lead."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="notes", db_constraint=False)
    member = models.ForeignKey(Member, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    text = models.TextField()
    #: Milliseconds since 1970, UTC, as all times here.
    at = models.BigIntegerField()
    edited_at = models.BigIntegerField(null=True)
    #: When its writer deleted it: for a day it can be put back.
    deleted_at = models.BigIntegerField(null=True)

    objects = NotesKept()
    #: With those that wait to be put back.
    everything: models.Manager[LeadNote] = models.Manager()

    class Meta:
        db_table = "lead_note"
        constraints = [models.UniqueConstraint(fields=["workspace", "id"], name="lead_note_workspace_id")]
        indexes = [models.Index(fields=["id"], condition=~models.Q(deleted_at=None), name="lead_note_deleted")]

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
    #: What went over to that lead, by row ids, so that it can come back: ``{"notes": [12], "tags": [3]}``.
    moved = models.JSONField(default=dict)

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


class BulkKind(models.TextChoices):
    """What can be done to many leads at once."""

    ASSIGN = "assign", "Assign"
    STAGE = "stage", "Move"
    TAG = "tag", "Tag"
    UNTAG = "untag", "Untag"
    DELETE = "delete", "Delete"


class BulkChange(models.Model):
    """Something done to many leads at once: begun in the request, finished by the worker, slice by slice."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+", db_index=False)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+")
    #: Who does it: the e-mail address at that time.
    actor = models.CharField(max_length=254)
    kind = models.CharField(max_length=6, choices=BulkKind)
    #: What the kind calls for: row id of the owner (null: nobody), the stage or the tag.
    value = models.BigIntegerField(null=True)
    #: What it is called: the stage's name, the owner's address, the tag.
    label = models.CharField(max_length=254, blank=True)
    #: The leads that are still to be done, by row id, where they were marked one by one.
    ids = models.JSONField(default=list)
    #: All that match these filters (a page's query) instead, from the place after ``after`` on.
    query = models.TextField(blank=True)
    after = models.TextField(blank=True)
    #: How many there will be, where that is known.
    total = models.IntegerField(null=True)
    handled = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    #: What could not be done to how many, in words: ``{"Choose another stage.": 3}``.
    refused = models.JSONField(default=dict)
    #: Milliseconds since 1970, UTC.
    created_at = models.BigIntegerField()
    #: When all was done; null again while it is being taken back.
    ended_at = models.BigIntegerField(null=True)
    #: When somebody began to take it back.
    undone_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "bulk_change"
        constraints = [models.UniqueConstraint(fields=["workspace", "id"], name="bulk_change_workspace_id")]
        indexes = [models.Index(fields=["id"], condition=models.Q(ended_at=None), name="bulk_change_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.label}"


class BulkLead(models.Model):
    """A lead that a bulk change has changed, and what stood there before: with these rows it is taken back."""

    bulk = models.ForeignKey(BulkChange, on_delete=models.CASCADE, related_name="leads", db_index=False)
    lead_id = models.BigIntegerField()
    #: Row id of the owner or stage before; null: nobody, or nothing to remember.
    before = models.BigIntegerField(null=True)

    class Meta:
        db_table = "bulk_lead"
        constraints = [models.UniqueConstraint(fields=["bulk", "lead_id"], name="bulk_lead_once")]

    def __str__(self) -> str:
        return f"{self.lead_id} of {self.bulk_id}"
