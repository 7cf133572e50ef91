import hashlib

from django.db import connection, migrations, models


def find_links(apps, _schema_editor):
    """Give the links that are there their keys, as `models.recording.key_of_link` gives them to new ones."""
    Recording = apps.get_model("portal", "Recording")
    links = Recording.objects.exclude(link="").order_by("pk").values_list("link", "pk")
    last = 0
    with connection.cursor() as cursor:  # by one statement that is prepared once: 100,000 links in a second
        while some := list(links.filter(pk__gt=last)[:5000]):
            keys = [(hashlib.sha256(link.encode()).digest()[:16], pk) for link, pk in some]
            cursor.executemany(f"UPDATE {Recording._meta.db_table} SET link_key = %s WHERE id = %s", keys)
            last = some[-1][1]


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
