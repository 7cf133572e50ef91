"""Taking in a batch: each item becomes a call, a duplicate, or is refused with its cause; once, whoever comes twice."""

import time
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from pathlib import Path

import structlog
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from callcov_portal import parts
from callcov_portal.actions import recordings, storing
from callcov_portal.models import (
    Batch,
    BatchItem,
    BatchState,
    CalledAtSource,
    Cause,
    Failure,
    Fate,
    User,
    Way,
)
from callcov_portal.models.people import IDENTIFIER_LENGTH
from callcov_portal.reading import patterns
from callcov_portal.storage import StorageAway
from callcov_portal.uploads import incoming_folder

log = structlog.get_logger(__name__)

LONGEST_TAKING = 60.0  # seconds
QUIET = timedelta(minutes=5)  # a page that sends a file asks every half minute
NOT_FINISHED = "Not finished within a day."
NO_AGENT = "No agent is named. Enter one for it, or for the whole batch."


def open_batch(way: Way, user: User | None, name: str = "", **given: object) -> Batch:
    """Begin a batch. `given`: what holds for every item that does not say otherwise (agent, contact, pattern…)."""
    return Batch.objects.create(way=way, user=user, name=name[:300], **given)


@transaction.atomic
def add_items(batch: Batch, items: Iterable[BatchItem]) -> list[BatchItem]:
    """Write down what has come, behind what is there; nothing has become of it yet."""
    Batch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    last = batch.items.aggregate(last=Max("position"))["last"] or 0
    rows = list(items)
    for position, item in enumerate(rows, last + 1):
        item.batch, item.position = batch, position
    return BatchItem.objects.bulk_create(rows)


def take_file(item: BatchItem, path: Path, sha256: str, size: int) -> BatchItem:
    """Make a call of an item whose bytes are here, unless it is refused; return the item as it is now.

    `path` is moved into the storage if it becomes a call; whoever calls removes it otherwise. The second time
    nothing is changed.
    """

    def add(details: recordings.CallDetails) -> None:
        recordings.add_file(
            path=path,
            sha256=sha256,
            size=size,
            file_name=Path(item.name).name or "unnamed",
            details=details,
            user=item.batch.user,
            file_date=item.modified_at,
            item=item,
        )

    return taken(item, add)


def part_of(item: BatchItem) -> Path:
    """Return where the bytes of an item's file are collected."""
    return parts.path_of(f"item-{item.pk}")


def take_part(item: BatchItem) -> BatchItem:
    """Take in the file whose part is complete, and close the batch with its last; return the item as it is now.

    A process that is killed in here leaves the part, so that whoever comes next does it. Raises `parts.Busy` while
    somebody else is at it, `FileNotFoundError` without a part, `StorageAway`.
    """
    storing.require()
    with parts.complete(part_of(item)) as whole:
        item = take_file(item, whole.path, whole.sha256, item.size_bytes or 0)
    close_if_settled(item.batch)
    return item


def take_whole_parts() -> None:
    """Take in files that are all here and that nobody asks about any more: the storage was away when their last byte came.

    While it is away still, the first of them ends it; one that our code cannot take does not. Whoever sends a file asks
    sooner than that. It ends after a minute or so: what is left waits for the next time.
    """
    quiet, until = (timezone.now() - QUIET).timestamp(), time.monotonic() + LONGEST_TAKING
    for path in incoming_folder().glob("item-*.part"):
        if time.monotonic() > until:
            return
        try:
            if item := item_of_whole_part(path, quiet):
                take_part(item)
        except (parts.Busy, FileNotFoundError):
            continue
        except StorageAway:
            return
        except Exception:
            log.exception("whole_part_not_taken", part=path.name)


def item_of_whole_part(path: Path, quiet: float) -> BatchItem | None:
    """Return the waiting item whose bytes a part holds all, if none came since a moment (Unix seconds)."""
    about, number = path.stat(), path.stem.removeprefix("item-")
    if about.st_mtime >= quiet or not number.isdecimal():
        return None
    rows = BatchItem.objects.waiting().filter(batch__state=BatchState.OPEN, size_bytes=about.st_size)
    return rows.filter(pk=number).select_related("batch__user").first()


def take_link(item: BatchItem) -> BatchItem:
    """Make a call of an item's link, whose copy is fetched later, unless it is refused; return the item as it is now."""
    return taken(
        item,
        lambda details: recordings.add_link(link=item.link, details=details, user=item.batch.user, item=item),
    )


def taken(item: BatchItem, add: Callable[[recordings.CallDetails], object]) -> BatchItem:
    """Let a waiting item become a call, or say why not."""
    details = details_of(item)
    if not details.agent:
        refuse(item, Cause.NO_AGENT, NO_AGENT)
    elif item.fate == Fate.WAITING:
        try:
            add(details)
        except recordings.Settled:
            pass
        except recordings.NotTaken as refusal:
            note(item, refusal)
    item.refresh_from_db()
    return item


def details_of(item: BatchItem) -> recordings.CallDetails:
    """Return what is known of an item's call: what was said of it, else what its name says, else what holds for its batch."""
    batch = item.batch
    read = patterns.read(batch.pattern, item.name, timezone.get_current_timezone()) or patterns.Said()
    is_named = read.called_at is not None and item.called_at is None
    return recordings.CallDetails(
        agent=item.agent or read.agent[:IDENTIFIER_LENGTH] or batch.agent,
        contact=item.contact or read.contact[:IDENTIFIER_LENGTH] or batch.contact,
        called_at=item.called_at or read.called_at or batch.called_at,
        direction=item.direction or read.direction or batch.direction,
        called_at_source=CalledAtSource.FILE_NAME if is_named else CalledAtSource.FORM,
    )


def note(item: BatchItem, refusal: recordings.NotTaken) -> None:
    """Settle an item that was not taken: as a duplicate of a call, or refused."""
    if refusal.code == Failure.DUPLICATE:
        why = str(refusal)[:500]
        BatchItem.objects.settle(item.pk, Fate.DUPLICATE, duplicate_of=refusal.duplicate_of, detail=why)
    else:
        refuse(item, refusal.code, str(refusal))


def refuse(item: BatchItem, cause: Cause | Failure, why: str) -> bool:
    """Settle an item as refused; False if something had become of it."""
    return BatchItem.objects.settle(item.pk, Fate.REFUSED, cause=cause, detail=why[:500])


@transaction.atomic
def cancel(batch: Batch) -> int:
    """Let nothing more become of what waits, and take no more in; return how many items that were."""
    close(batch)  # first: whoever is writing items holds the batch, and his are cancelled too
    arriving = list(batch.items.waiting().filter(size_bytes__isnull=False).values_list("pk", flat=True))
    transaction.on_commit(lambda: remove_parts(arriving))
    return batch.items.waiting().update(fate=Fate.CANCELLED)


def close(batch: Batch) -> bool:
    """Take nothing more in; what became calls goes on. False if it was closed."""
    rows = Batch.objects.filter(pk=batch.pk).exclude(state=BatchState.CLOSED)
    return rows.update(state=BatchState.CLOSED, closed_at=timezone.now(), due_at=None) == 1


def close_if_settled(batch: Batch) -> bool:
    """Close an open batch of which nothing waits any more; True if it was closed now."""
    return not batch.items.waiting().exists() and close(batch)


def heard_from(batch: Batch) -> None:
    """Note that something came for an open batch, so that it is not given up."""
    Batch.objects.filter(pk=batch.pk).update(active_at=timezone.now())


def say(batch: Batch, numbers: Collection[int], **fields: object) -> int:
    """Enter something for those of the items that wait; return how many. What has become a call is corrected there."""
    return batch.items.waiting().filter(pk__in=numbers).update(**fields) if fields else 0


@transaction.atomic
def drop(batch: Batch, numbers: Collection[int]) -> int:
    """Let nothing become of those of the items that wait, and remove what has come of their files; return how many."""
    rows = batch.items.select_for_update(no_key=True).waiting()
    dropped = [pk for some in batched(numbers) for pk in rows.filter(pk__in=some).values_list("pk", flat=True)]
    for some in batched(dropped):
        batch.items.waiting().filter(pk__in=some).update(fate=Fate.CANCELLED)
    transaction.on_commit(lambda: remove_parts(dropped))
    close_if_settled(batch)
    return len(dropped)


def batched(numbers: Collection[int]) -> Iterable[list[int]]:
    """Return numbers in lists that one statement holds."""
    ordered = sorted(numbers)
    return (ordered[first : first + 500] for first in range(0, len(ordered), 500))


def remove_parts(numbers: Iterable[int]) -> None:
    """Remove what has come of the files of items."""
    for pk in numbers:
        parts.path_of(f"item-{pk}").unlink(missing_ok=True)


def give_up_unfinished() -> None:
    """Cancel what waits in batches for which nothing has come for a day, but for files that are arriving still."""
    oldest = timezone.now() - parts.KEPT
    for batch in Batch.objects.filter(way=Way.FILES, state=BatchState.OPEN, active_at__lt=oldest):
        late = [item.pk for item in batch.items.waiting() if not part_of(item).exists()]
        batch.items.waiting().filter(pk__in=late).update(fate=Fate.CANCELLED, detail=NOT_FINISHED)
        close_if_settled(batch)
