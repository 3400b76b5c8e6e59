from django.db import migrations, models

# What was recorded before there was the column.
ABOUT_LEADS = """
UPDATE audit_entry SET about_lead = %s
WHERE action LIKE 'lead.%%' OR action LIKE 'held.%%'
"""


def mark(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(ABOUT_LEADS, [True])


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0003_teams"),
    ]

    operations = [
        migrations.AddField(
            model_name="auditentry",
            name="about_lead",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="member",
            name="last_seen_at",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["workspace", "about_lead", "-id"], name="audit_by_kind"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["workspace", "actor", "about_lead", "-id"], name="audit_by_person"),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
