import hashlib

from django.db import migrations, models


def find_links(apps, _schema_editor):
    """Give the links that are there their keys, as `models.recording.key_of_link` gives them to new ones."""
    Recording = apps.get_model("portal", "Recording")
    changed = []
    for recording in Recording.objects.exclude(link="").order_by().only("pk", "link").iterator(2000):
        recording.link_key = hashlib.sha256(recording.link.encode()).digest()[:16]
        changed.append(recording)
        if len(changed) == 2000:
            Recording.objects.bulk_update(changed, ["link_key"], batch_size=200)
            changed = []
    Recording.objects.bulk_update(changed, ["link_key"], batch_size=200)


class Migration(migrations.Migration):

    dependencies = [
        ("portal", "0049_urgency_and_spending"),
    ]

    operations = [
        migrations.RemoveField(model_name="batchitem", name="is_good"),
        migrations.AddField(
            model_name="batchitem",
            name="link_key",
            field=models.BinaryField(max_length=16, null=True),
        ),
        migrations.AddField(
            model_name="batchitem",
            name="seconds",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="recording",
            name="link_key",
            field=models.BinaryField(max_length=16, null=True),
        ),
        migrations.AddIndex(
            model_name="batchitem",
            index=models.Index(models.F("batch"), models.F("link_key"), models.F("position"), condition=models.Q(("link_key__isnull", False)), name="batch_item_by_link"),
        ),
        migrations.RunPython(find_links, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            model_name="recording",
            index=models.Index(models.F("link_key"), condition=models.Q(("link_key__isnull", False)), name="recording_by_link"),
        ),
    ]
