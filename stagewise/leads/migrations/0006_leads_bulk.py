import django.db.models.deletion
from django.db import migrations, models

# Of leads that were released before there was the column, as far as their held rows are still there.
RELEASED = """
UPDATE lead SET released_at = (SELECT max(settled_at) FROM held_lead WHERE held_lead.lead_id = lead.id)
WHERE id IN (SELECT lead_id FROM held_lead WHERE state = 'released' AND lead_id IS NOT NULL)
"""


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0003_teams"),
        ("leads", "0005_search"),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("actor", models.CharField(max_length=254)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("assign", "Assign"),
                            ("stage", "Move"),
                            ("tag", "Tag"),
                            ("untag", "Untag"),
                            ("delete", "Delete"),
                        ],
                        max_length=6,
                    ),
                ),
                ("value", models.BigIntegerField(null=True)),
                ("label", models.CharField(blank=True, max_length=254)),
                ("ids", models.JSONField(default=list)),
                ("query", models.TextField(blank=True)),
                ("after", models.TextField(blank=True)),
                ("total", models.IntegerField(null=True)),
                ("handled", models.IntegerField(default=0)),
                ("changed", models.IntegerField(default=0)),
                ("refused", models.JSONField(default=dict)),
                ("created_at", models.BigIntegerField()),
                ("ended_at", models.BigIntegerField(null=True)),
                ("undone_at", models.BigIntegerField(null=True)),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.member"
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.workspace",
                    ),
                ),
            ],
            options={
                "db_table": "bulk_change",
                "constraints": [models.UniqueConstraint(fields=("workspace", "id"), name="bulk_change_workspace_id")],
                "indexes": [
                    models.Index(condition=models.Q(("ended_at", None)), fields=["id"], name="bulk_change_open")
                ],
            },
        ),
        migrations.CreateModel(
            name="BulkLead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("lead_id", models.BigIntegerField()),
                ("before", models.BigIntegerField(null=True)),
                (
                    "bulk",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="leads",
                        to="leads.bulkchange",
                    ),
                ),
            ],
            options={
                "db_table": "bulk_lead",
                "constraints": [models.UniqueConstraint(fields=("bulk", "lead_id"), name="bulk_lead_once")],
            },
        ),
        migrations.AddField(model_name="lead", name="released_at", field=models.BigIntegerField(null=True)),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("released_at__isnull", False)),
                fields=["workspace", "-created_at"],
                name="lead_released",
            ),
        ),
        migrations.RunSQL(RELEASED, migrations.RunSQL.noop),
    ]
