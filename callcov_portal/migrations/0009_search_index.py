"""The index over the words spoken, in the database's own way; and what was taken in before there was one is due.

SQLite: triggers keep the index in step with `portal_spoken`, whoever writes that table. A later migration that alters
the table must drop and make them again: SQLite alters a table by making another.
"""

from itertools import islice

from django.db import migrations
from django.utils import timezone

AT_ONCE = 2000
COLUMNS = ("agent", "contact", "other", "facets")
INDEX = "portal_spoken_index"

ADDED = f"INSERT INTO {INDEX}(rowid, {', '.join(COLUMNS)}) VALUES (new.key, {', '.join(f'new.{c}' for c in COLUMNS)});"
REMOVED = (
    f"INSERT INTO {INDEX}({INDEX}, rowid, {', '.join(COLUMNS)}) "
    f"VALUES ('delete', old.key, {', '.join(f'old.{c}' for c in COLUMNS)});"
)
SQLITE = (
    f"CREATE VIRTUAL TABLE {INDEX} USING fts5({', '.join(COLUMNS)}, content='portal_spoken', content_rowid='key', "
    "tokenize='unicode61 remove_diacritics 2')",
    f"CREATE TRIGGER portal_spoken_added AFTER INSERT ON portal_spoken BEGIN {ADDED} END",
    f"CREATE TRIGGER portal_spoken_removed AFTER DELETE ON portal_spoken BEGIN {REMOVED} END",
    f"CREATE TRIGGER portal_spoken_changed AFTER UPDATE ON portal_spoken BEGIN {REMOVED} {ADDED} END",
)
# Without a list of what is pending, which every search would have to read through; uncompressed, because it is read often.
POSTGRESQL = (
    "ALTER TABLE portal_spoken ALTER COLUMN vector SET STORAGE EXTERNAL",
    f"CREATE INDEX {INDEX} ON portal_spoken USING gin (vector) WITH (fastupdate = off)",
)
BACK = (
    "DROP TRIGGER portal_spoken_added",
    "DROP TRIGGER portal_spoken_removed",
    "DROP TRIGGER portal_spoken_changed",
    f"DROP TABLE {INDEX}",
)


def make(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def unmake(apps, schema_editor):
    for statement in (f"DROP INDEX {INDEX}",) if schema_editor.connection.vendor == "postgresql" else BACK:
        schema_editor.execute(statement)


def mark_all(apps, schema_editor):
    """Twice is no error."""
    Recording, Unindexed = apps.get_model("portal", "Recording"), apps.get_model("portal", "Unindexed")
    numbers = Recording.objects.filter(analyses__state="completed").order_by().values_list("pk", flat=True).distinct()
    now, found = timezone.now(), numbers.iterator()
    while some := [*islice(found, AT_ONCE)]:
        rows = [Unindexed(recording_id=number, due_at=now) for number in some]
        Unindexed.objects.bulk_create(rows, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0008_spoken"),
    ]

    operations = [
        migrations.RunPython(make, unmake),
        migrations.RunPython(mark_all, migrations.RunPython.noop),
    ]
