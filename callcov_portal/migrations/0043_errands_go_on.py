"""What is left of an errand becomes a merge or a bulk job, which a worker goes on with. Begun again, it does nothing twice."""

from django.db import migrations
from django.utils import timezone

SIDES = {"merge_agents": "agent", "merge_contacts": "contact"}
AT_ONCE = 5000


def carry_over(apps, schema_editor):
    """Carry over every errand that is not finished; each leaves its table in the transaction that does it."""
    for errand in apps.get_model("portal", "Errand").objects.filter(finished_at=None).order_by("pk"):
        if errand.kind in SIDES:
            carry_merge(apps, errand)
        else:
            carry_retry(apps, errand)
        errand.delete()


def carry_merge(apps, errand):
    """Make a merge of it, with the calls that were moved already."""
    Merge = apps.get_model("portal", "Merge")
    made = Merge.objects.create(
        side=SIDES[errand.kind], source=errand.source, user_id=errand.user_id, done=errand.done, due_at=timezone.now()
    )
    Merge.objects.filter(pk=made.pk).update(created_at=errand.created_at)


def carry_retry(apps, errand):
    """Make a bulk job of it, with the calls that are left: those that had failed when it was asked for, and not since."""
    BulkJob, BulkItem, Recording = (apps.get_model("portal", name) for name in ("BulkJob", "BulkItem", "Recording"))
    numbers = Recording.objects.filter(
        state="failed",
        failure=errand.failure,
        current_analysis__state="failed",
        current_analysis__sent_at=None,
        current_analysis__finished_at__lt=errand.created_at,
    ).order_by("pk")
    job = BulkJob.objects.create(
        user_id=errand.user_id, act="retry", failure=errand.failure, query=f"state=failed&failure={errand.failure}",
        state="running", done=errand.done, total=errand.done, due_at=timezone.now(),
    )
    items = (BulkItem(job=job, number=number) for number in numbers.values_list("pk", flat=True).iterator())
    BulkItem.objects.bulk_create(items, batch_size=AT_ONCE)
    left = BulkItem.objects.filter(job=job).count()
    BulkJob.objects.filter(pk=job.pk).update(total=errand.done + left, created_at=errand.created_at)


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0042_chores'),
    ]

    operations = [
        migrations.RunPython(carry_over, migrations.RunPython.noop),
    ]
