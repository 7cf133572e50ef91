"""The dry run of links: what would become of each, without storing or sending anything.

Of a link at most the first 64 KiB are read, by the very request that fetches it later, eight at once and four a second
from one host. What they plainly are not is told; whether it can be heard is known when it was fetched.
"""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from callcov_portal import safefetch, sound
from callcov_portal.actions import batches, hosts
from callcov_portal.models import Batch, BatchItem, Cause, Failure, Recording

log = structlog.get_logger(__name__)

AT_ONCE = 8
MEGABYTE = 1024 * 1024
OF_ROWS = (Cause.NO_AGENT, Cause.UNREADABLE)  # why a row is no good, whatever its link


@dataclass(frozen=True)
class Verdict:
    """What the dry run says of an item; good without a cause."""

    item: BatchItem
    cause: str = ""
    detail: str = ""
    duplicate_of: int | None = None
    size: int | None = None
    seconds: float | None = None


def check(batch: Batch, items: Sequence[BatchItem]) -> None:
    """Check some items, in their order: all that no server is asked about, and of the others the first eight."""
    nameless = [item for item in items if not (item.agent or batch.agent)]
    write(Verdict(item, Cause.NO_AGENT, batches.NO_AGENT) for item in nameless)
    named = [item for item in items if item.agent or batch.agent]
    repeated = repeats(batch, named)
    write(repeated)
    known = {verdict.item.pk for verdict in repeated}
    write(looked_at([item for item in named if item.pk not in known][:AT_ONCE]))


@transaction.atomic
def write(verdicts: Iterable[Verdict]) -> None:
    """Write down verdicts; what was cancelled or read anew meanwhile stays as it is."""
    for one in verdicts:
        BatchItem.objects.waiting().filter(pk=one.item.pk, is_checked=False).update(
            is_checked=True,
            cause=one.cause,
            detail=one.detail[:500],
            duplicate_of=one.duplicate_of,
            size_bytes=one.size,
            seconds=one.item.seconds or one.seconds,
        )


def repeats(batch: Batch, items: Sequence[BatchItem]) -> list[Verdict]:
    """Return the verdicts on links that are calls already, or stand in an earlier row that is no worse for itself."""
    keys = [item.link_key for item in items if item.link_key]
    calls = dict(Recording.objects.filter(link_key__in=keys).order_by("-pk").values_list("link_key", "pk"))
    same = batch.items.filter(link_key__in=keys).exclude(cause__in=OF_ROWS)
    first = dict(same.order_by().values_list("link_key").annotate(Min("position")))
    found = []
    for item in items:
        key = bytes(item.link_key or b"")
        if call := calls.get(key):
            found.append(Verdict(item, Failure.DUPLICATE, same_as(Recording(pk=call)), duplicate_of=call))
        elif (line := first.get(key, item.position)) < item.position:
            found.append(Verdict(item, Failure.DUPLICATE, f"The same link stands in line {line}."))
    return found


def same_as(recording: Recording) -> str:
    """Return the words for a link that is a call."""
    return f"The same link is there already as {recording}."


def looked_at(items: Sequence[BatchItem]) -> list[Verdict]:
    """Return the verdicts on links by what their servers answer."""
    guard = safefetch.Guard(tuple(settings.CALLCOV_FETCH_ALLOW))
    places = [hosts.take_place(item.link) for item in items]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="linkcheck") as pool:
        return list(pool.map(look, items, places, [guard] * len(items)))


def look(item: BatchItem, place: datetime, guard: safefetch.Guard) -> Verdict:
    """Ask for the beginning of a link once its place has come. Touches no database."""
    time.sleep(max(0.0, (place - timezone.now()).total_seconds()))
    try:
        return judged(item, safefetch.peek(item.link, guard=guard))
    except safefetch.Unreachable as error:
        return Verdict(item, Failure.UNREACHABLE, str(error))
    except safefetch.FetchError as error:
        return Verdict(item, Failure.BLOCKED, str(error))
    except Exception as error:
        log.exception("link_not_checked", line=item.position)
        return Verdict(item, Failure.UNREACHABLE, f"The link cannot be fetched: {type(error).__name__}.")


def judged(item: BatchItem, head: safefetch.Head) -> Verdict:
    """Return the verdict on what a link begins with."""
    if head.size and head.size > settings.CALLCOV_MAX_UPLOAD_MB * MEGABYTE:
        most = f"The file is larger than the {settings.CALLCOV_MAX_UPLOAD_MB} MB that are allowed."
        return Verdict(item, Failure.TOO_LARGE, most, size=head.size)
    if why := sound.why_no_recording(head.content):
        return Verdict(item, Failure.NOT_AUDIO, why, size=head.size)
    return Verdict(item, size=head.size, seconds=sound.seconds_in(head.content))
