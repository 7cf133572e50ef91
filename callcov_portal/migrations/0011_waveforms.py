"""Waveforms, and that the recordings which are there already are to be drawn: the sweep does it, the newest first."""

import django.db.models.deletion
from django.db import migrations, models
from django.utils import timezone

AT_ONCE = 5000


def make_due(apps, schema_editor):
    """Write it down in batches, so that memory stays constant. Begun again, it goes on where it was."""
    Recording, Waveform = apps.get_model("portal", "Recording"), apps.get_model("portal", "Waveform")
    last, now = 0, timezone.now()
    while pks := list(
        Recording.objects.filter(pk__gt=last).exclude(file="").order_by("pk").values_list("pk", flat=True)[:AT_ONCE]
    ):
        rows = [Waveform(recording_id=pk, due_at=now) for pk in pks]
        Waveform.objects.bulk_create(rows, ignore_conflicts=True)
        last = pks[-1]


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0010_speakers_swapped'),
    ]

    operations = [
        migrations.CreateModel(
            name='Waveform',
            fields=[
                ('recording', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='waveform', serialize=False, to='portal.recording')),
                ('channels', models.PositiveSmallIntegerField(default=0)),
                ('step_seconds', models.FloatField(default=0)),
                ('values', models.BinaryField(null=True)),
                ('due_at', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('detail', models.TextField(blank=True)),
            ],
            options={
                'indexes': [models.Index(models.F('due_at'), condition=models.Q(('due_at__isnull', False)), name='waveform_due')],
            },
        ),
        migrations.RunPython(make_due, migrations.RunPython.noop),
    ]
