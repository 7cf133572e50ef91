import callcov_portal.models.spoken
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0007_tallies"),
    ]

    operations = [
        migrations.CreateModel(
            name="Spoken",
            fields=[
                ("key", models.BigAutoField(primary_key=True, serialize=False)),
                ("analysis_id", models.UUIDField()),
                ("agent", models.TextField(blank=True)),
                ("contact", models.TextField(blank=True)),
                ("other", models.TextField(blank=True)),
                ("facets", models.TextField()),
                ("times", models.TextField(blank=True)),
                ("vector", callcov_portal.models.spoken.Vector(editable=False, null=True)),
                (
                    "recording",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="spoken", to="portal.recording"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "spoken",
            },
        ),
        migrations.CreateModel(
            name="Unindexed",
            fields=[
                (
                    "recording",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="portal.recording",
                    ),
                ),
                ("due_at", models.DateTimeField(db_index=True)),
                ("holder", models.CharField(blank=True, max_length=32)),
                ("attempts", models.PositiveIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "unindexed",
            },
        ),
    ]
