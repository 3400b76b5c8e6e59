from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("leads", "0008_programs"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                fields=["workspace", "owner", "stage", "-id"],
                condition=models.Q(owner__isnull=False),
                name="lead_by_owner_stage",
            ),
        ),
    ]
