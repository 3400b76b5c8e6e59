from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("leads", "0006_leads_bulk"),
    ]

    operations = [
        migrations.AddField(model_name="leadnote", name="deleted_at", field=models.BigIntegerField(null=True)),
        migrations.AddIndex(
            model_name="leadnote",
            index=models.Index(
                condition=models.Q(("deleted_at", None), _negated=True), fields=["id"], name="lead_note_deleted"
            ),
        ),
        migrations.AddField(model_name="deletedlead", name="moved", field=models.JSONField(default=dict)),
    ]
