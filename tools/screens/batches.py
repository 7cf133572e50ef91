"""A batch with a long life: of each thing that can become of an item, some."""

from datetime import timedelta
from itertools import cycle

from django.utils import timezone

from callcov_portal.actions import batches
from callcov_portal.models import Batch, BatchItem, BatchState, Cause, Failure, Fate, Recording, User, Way

LONG_NAME = "2026/11/EMEA/queue-retention/wilhelmina.featherstonehaugh-cholmondeley__CRM-0000004417__household.wav"
REFUSED = (
    (Cause.NO_AGENT, batches.NO_AGENT),
    (Failure.NOT_AUDIO, "The file is a picture (PNG), not audio."),
    (Failure.TOO_LARGE, "The recording lasts longer than 5 hours."),
)


def stage_batches(by: User) -> Batch:
    """Make a batch of a folder's files, of which some became calls, and two small ones; return the first."""
    calls = list(Recording.objects.filter(is_demo=True).order_by("pk")[:60])
    for way, name in ((Way.LINKS, ""), (Way.MANIFEST, "march-calls.xlsx")):
        small = batches.open_batch(way, by, name, agent="nora")
        batches.add_items(small, [BatchItem(link=f"https://recordings.invalid/{number}.mp3") for number in range(4)])
        batches.close(small)
    batch = batches.open_batch(Way.FOLDER, None, "dialler", contact="", pattern="{agent}_{contact}_{date}")
    batches.add_items(batch, items(calls))
    Recording.objects.filter(pk__in=[call.pk for call in calls]).update(batch=batch)
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.CLOSED, closed_at=timezone.now() + timedelta(minutes=1))
    return batch


def items(calls: list[Recording]) -> list[BatchItem]:
    """Return items of every fate."""
    stored = [
        BatchItem(name=f"billing/{call.file_name or 'call.mp3'}", fate=Fate.STORED, recording=call) for call in calls
    ]
    others = [BatchItem(name=LONG_NAME, size_bytes=41_000_000, agent="nora", contact="c-17")]
    for number, (cause, why) in zip(range(9), cycle(REFUSED), strict=False):
        others.append(
            BatchItem(name=f"scan-{number}.wav", size_bytes=9_100, fate=Fate.REFUSED, cause=cause, detail=why)
        )
    for number in range(3):
        copy = BatchItem(name=f"copy of {number}.wav", size_bytes=2_400_000, fate=Fate.DUPLICATE)
        copy.duplicate_of = calls[number]
        others.append(copy)
    others.append(BatchItem(name="deleted.wav", fate=Fate.STORED))
    others.append(BatchItem(name="taken back.wav", fate=Fate.CANCELLED))
    return [one for pair in zip(stored, others, strict=False) for one in pair] + stored[len(others) :]
