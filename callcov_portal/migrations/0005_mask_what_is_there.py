"""Mask the transcripts that were taken in before there was masking.

One transaction for each analysis. Stopped half-way it begins again, and finds the same once more.
"""

from django.db import migrations, transaction
from django.utils import timezone

from callcov_portal import hiding, rules

COLUMNS = ("pk", "speaker", "text", "start", "end", "words")


def mask_all(apps, schema_editor):
    analyses = apps.get_model("portal", "Analysis").objects.filter(state="completed")
    for pk, recording in list(analyses.order_by("pk").values_list("pk", "recording")):
        mask_one(apps, pk, recording)


def mask_one(apps, pk, recording):
    Segment, Span = apps.get_model("portal", "Segment"), apps.get_model("portal", "SensitiveSpan")
    rows = list(Segment.objects.filter(analysis=pk).order_by("position").values_list(*COLUMNS))
    results = apps.get_model("portal", "Document").objects.filter(analysis=pk).values_list("raw__results", flat=True)
    looked = hiding.look([rules.stored(*row[1:]) for row in rows], next(iter(results), None))
    with transaction.atomic():
        for row, masked in zip(rows, looked.masked, strict=True):
            if masked:
                Segment.objects.filter(pk=row[0]).update(masked=masked)
        Span.objects.filter(analysis=pk).delete()
        Span.objects.bulk_create(
            Span(analysis_id=pk, kind=each.kind, speaker=each.speaker, start=each.start, end=each.end)
            for each in looked.spans
        )
        if looked.spans:
            recordings = apps.get_model("portal", "Recording").objects.filter(pk=recording)
            recordings.update(muting="due", muting_at=timezone.now())


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("portal", "0004_muted_copies")]

    operations = [migrations.RunPython(mask_all, migrations.RunPython.noop)]
