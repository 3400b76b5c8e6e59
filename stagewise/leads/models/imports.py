"""Files of leads that people hand in, and what became of their rows."""

from __future__ import annotations

from django.db import models

from stagewise.accounts.models import Workspace


class ImportState(models.TextChoices):
    """How far an import is."""

    UPLOADED = "uploaded", "Looked at"
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    STOPPED = "stopped", "Stopped"
    UNDOING = "undoing", "Being undone"
    UNDONE = "undone", "Undone"


class LeadImport(models.Model):
    """A file of leads that somebody hands in: looked at first, then taken in by the worker, slice by slice."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    #: Who handed it in: the e-mail address at that time.
    actor = models.CharField(max_length=254)
    file_name = models.CharField(max_length=200)
    #: Where the file lies below the data directory until it is done; never shown. Empty: it is gone.
    path = models.CharField(max_length=300)
    #: How the file is written, which column holds what, and what goes for all leads of it
    #: (stagewise/leads/importing/mapping.py).
    mapping = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=ImportState, default=ImportState.UPLOADED)
    #: Rows with something in them, without the header.
    total = models.IntegerField(default=0)
    #: Of these, dealt with: the next slice begins after them. Once it is being undone: rows up to this number.
    handled = models.IntegerField(default=0)
    created = models.IntegerField(default=0)
    #: Rows of people who were there already, and rows that could not be taken.
    skipped = models.IntegerField(default=0)
    bad_count = models.IntegerField(default=0)
    #: Leads that went to the trash when it was undone.
    undone = models.IntegerField(default=0)
    #: Why it ended before its end, as a word: ``file_gone``, ``unreadable``. Empty: it did not.
    problem = models.CharField(max_length=20, blank=True, default="")
    created_at = models.BigIntegerField()
    #: When it was done or stopped; null again while it is undone.
    ended_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "lead_import"
        constraints = [models.UniqueConstraint(fields=["workspace", "id"], name="lead_import_workspace_id")]
        indexes = [models.Index(fields=["id"], condition=models.Q(ended_at=None), name="lead_import_open")]

    def __str__(self) -> str:
        return self.file_name


class LineKind(models.TextChoices):
    """What became of a row of a file."""

    LEAD = "lead", "Taken"
    BAD = "bad", "Could not be taken"
    SAME = "same", "Was there already"


class ImportLine(models.Model):
    """A row of a file that was dealt with. Those that made no lead keep what stood in them, for a report."""

    lead_import = models.ForeignKey(LeadImport, on_delete=models.CASCADE, related_name="lines", db_index=False)
    #: The row's number as a spreadsheet shows it: the header is mostly 1.
    row = models.IntegerField()
    kind = models.CharField(max_length=4, choices=LineKind)
    lead_id = models.BigIntegerField(null=True)
    #: Field and code of what was wrong: ``[["email", "invalid_email"]]``.
    problems = models.JSONField(null=True)
    cells = models.JSONField(null=True)

    class Meta:
        db_table = "import_line"
        constraints = [models.UniqueConstraint(fields=["lead_import", "row"], name="import_line_once")]
        indexes = [
            models.Index(
                fields=["lead_import", "row"], condition=~models.Q(kind=LineKind.LEAD), name="import_line_left_out"
            )
        ]

    def __str__(self) -> str:
        return f"row {self.row}"
