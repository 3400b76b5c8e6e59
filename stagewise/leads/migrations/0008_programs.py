import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("leads", "0007_leadpage"),
    ]

    operations = [
        migrations.RemoveField(model_name="leadimport", name="bad"),
        migrations.AddField(
            model_name="leadimport", name="problem", field=models.CharField(blank=True, default="", max_length=20)
        ),
        migrations.AddField(model_name="leadimport", name="skipped", field=models.IntegerField(default=0)),
        migrations.AddField(model_name="leadimport", name="undone", field=models.IntegerField(default=0)),
        migrations.AlterField(
            model_name="leadimport",
            name="state",
            field=models.CharField(
                choices=[
                    ("uploaded", "Looked at"),
                    ("waiting", "Waiting"),
                    ("running", "Running"),
                    ("done", "Done"),
                    ("stopped", "Stopped"),
                    ("undoing", "Being undone"),
                    ("undone", "Undone"),
                ],
                default="uploaded",
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="ImportLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("row", models.IntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("lead", "Taken"), ("bad", "Could not be taken"), ("same", "Was there already")],
                        max_length=4,
                    ),
                ),
                ("lead_id", models.BigIntegerField(null=True)),
                ("problems", models.JSONField(null=True)),
                ("cells", models.JSONField(null=True)),
                (
                    "lead_import",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="leads.leadimport",
                    ),
                ),
            ],
            options={
                "db_table": "import_line",
                "indexes": [
                    models.Index(
                        condition=models.Q(("kind", "lead"), _negated=True),
                        fields=["lead_import", "row"],
                        name="import_line_left_out",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("lead_import", "row"), name="import_line_once")],
            },
        ),
    ]
