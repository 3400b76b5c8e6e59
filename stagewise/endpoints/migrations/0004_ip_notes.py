from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("endpoints", "0003_lane_minutes")]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="ip_notes",
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
