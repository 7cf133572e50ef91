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


def stage_manifest(by: User) -> Batch:
    """Make a manifest as the dry run left it: most rows good, some with trouble."""
    names = ["recording_url", "rep", "phone", "started_at", "direction", "talk_time"]
    columns = {
        "places": dict(zip(("link", "agent", "contact", "called_at", "direction", "duration"), range(6), strict=True))
    }
    link = "https://recordings.invalid/emea/2026/11/queue-retention/household-0000004417-{}.wav"
    batch = batches.open_batch(
        Way.MANIFEST,
        by,
        "calls of march.xlsx",
        state=BatchState.CHECKED,
        manifest="staged.manifest",
        columns={
            "names": names,
            "rows": [[link.format(1), "nora", "+1 555 010 7788", "2026-03-02 14:30", "in", "312"]],
            **columns,
        },
    )
    troubles = [("", "")] * 5 + [
        (Failure.UNREACHABLE, "The server answered with HTTP 404."),
        (Failure.DUPLICATE, "The same link stands in line 3."),
        (Cause.UNREADABLE, "started_at: “soon” is no time. Write it like 2026-03-02 14:30."),
        (Failure.NOT_AUDIO, "This is not a recording: it is HTML document."),
    ]
    rows = [
        BatchItem(
            link=link.format(n),
            agent="nora",
            is_checked=True,
            cause=cause,
            detail=why,
            seconds=None if n % 9 else 365.0 + n,
        )
        for n, (cause, why) in zip(range(90), cycle(troubles), strict=False)
    ]
    batches.add_items(batch, rows)
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
