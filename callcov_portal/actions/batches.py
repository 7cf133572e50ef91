"""Taking in a batch: each item becomes a call, a duplicate, or is refused with its cause; once, whoever comes twice."""

from collections.abc import Callable, Iterable
from pathlib import Path

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from callcov_portal.actions import recordings
from callcov_portal.models import Batch, BatchItem, BatchState, Cause, Failure, Fate, User, Way

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
    """Return what is known of an item's call: what it says itself, else what holds for its batch."""
    batch = item.batch
    return recordings.CallDetails(
        agent=item.agent or batch.agent,
        contact=item.contact or batch.contact,
        called_at=item.called_at or batch.called_at,
        direction=item.direction or batch.direction,
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
    cancelled = batch.items.waiting().update(fate=Fate.CANCELLED)
    close(batch)
    return cancelled


def close(batch: Batch) -> bool:
    """Take nothing more in; what became calls goes on. False if it was closed."""
    rows = Batch.objects.filter(pk=batch.pk).exclude(state=BatchState.CLOSED)
    return rows.update(state=BatchState.CLOSED, closed_at=timezone.now(), due_at=None) == 1
