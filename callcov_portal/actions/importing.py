"""A manifest's way: read row by row into items, checked link by link, and imported once a person says so.

    READING ──▶ CHECKING ──▶ CHECKED ──▶ IMPORTING ──▶ CLOSED
       ▲  (the dry run)         │ a person: Import
       └── other columns ───────┘ or check again, or not to wait for the check

Each is done bit by bit by whoever takes the batch: a row is one item, known by its line, so that whoever reads again writes
none twice; an item is checked once and becomes a call once. Until *Import* nothing is stored of any link, or sent.
"""

import csv
import time
import uuid
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import structlog
from django.core.files.storage import default_storage
from django.db import OperationalError, transaction
from django.utils import timezone

from callcov_portal.actions import batches, linkchecks, shelving
from callcov_portal.actions.chores import BIT, Kind, Taken, Turn, bit_by_bit
from callcov_portal.models import Batch, BatchItem, BatchState, Cause, Failure, Fate, LogEntry, Recording, User, Way
from callcov_portal.models.recording import key_of_link
from callcov_portal.reading import manifests
from callcov_portal.reading.manifests import Columns, Head, Row
from callcov_portal.reading.tables import NotATable
from callcov_portal.uploads import incoming_folder

log = structlog.get_logger(__name__)

AT_ONCE = 500
READING_BIT = 10.0  # seconds of reading, behind what was read before and is passed over each time
MAPPABLE = (BatchState.READING, BatchState.CHECKING, BatchState.CHECKED)
LATEST = timedelta(days=1)  # a call may lie that far ahead: clocks differ


@dataclass(frozen=True)
class Manifest:
    """A file with links, its columns and first rows, and which column is what."""

    path: Path
    name: str
    head: Head
    columns: Columns
    given: dict[str, Any] = field(default_factory=dict)  # what holds for rows that do not say


def open_manifest(manifest: Manifest, user: User, way: Way = Way.MANIFEST) -> Batch:
    """Keep the file and begin to read it; if no column is known to hold the links, a person says which first.

    Raises `StorageAway`: the file is gone then.
    """
    try:
        name = shelving.shelve(manifest.path, "manifest")
    finally:
        manifest.path.unlink(missing_ok=True)
    try:
        return batches.open_batch(
            way,
            user,
            manifest.name,
            manifest=name,
            state=BatchState.READING,
            due_at=timezone.now() if "link" in manifest.columns.places else None,
            columns={
                "names": manifest.head.columns,
                "rows": [[cell[:200] for cell in row] for row in manifest.head.rows],
                **manifest.columns.as_json(),
            },
            **manifest.given,
        )
    except Exception:
        shelving.discard(name)
        raise


def of_links(links: Iterable[str], given: dict[str, Any], name: str = "") -> Manifest:
    """Return a list of links as a manifest, written as one; empty lines and repetitions are left out."""
    kept = list(dict.fromkeys(link.strip() for link in links if link.strip()))
    path = incoming_folder() / f"{uuid.uuid4()}.part"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["link"], *([link] for link in kept)])
    return Manifest(path, name, Head(["link"], [[link] for link in kept[:3]]), Columns({"link": 0}), given)


def map_columns(batch: Batch, columns: Columns, given: dict[str, Any]) -> bool:
    """Read the manifest anew, with these columns; False if it is being imported, or that is over."""
    rows = Batch.objects.filter(pk=batch.pk, state__in=MAPPABLE)
    kept = {**batch.columns, **columns.as_json()}
    anew: dict[str, Any] = {"state": BatchState.READING, "rows_read": 0, **due_now()}
    return rows.update(columns=kept, **anew, **given) == 1


def due_now() -> dict[str, Any]:
    """Return the columns of a batch that somebody is to take; whoever is at it finds that it is no longer theirs."""
    return {"due_at": timezone.now(), "attempts": 0, "detail": ""}


@transaction.atomic
def check_again(batch: Batch) -> bool:
    """Check again what was found in trouble, except for rows that cannot be read; False unless it is checked."""
    if not Batch.objects.filter(pk=batch.pk, state=BatchState.CHECKED).update(state=BatchState.CHECKING, **due_now()):
        return False
    troubled = batch.items.waiting().exclude(cause__in=["", Cause.UNREADABLE])
    troubled.update(is_checked=False, cause="", detail="", duplicate_of=None)
    return True


def end_check(batch: Batch) -> bool:
    """Wait no longer for the check: what is not checked counts as good. False if it is not being checked."""
    rows = Batch.objects.filter(pk=batch.pk, state=BatchState.CHECKING)
    return rows.update(state=BatchState.CHECKED, due_at=None, attempts=0, detail="") == 1


@transaction.atomic
def confirm(batch: Batch, user: User) -> bool:
    """Let the import begin, logged; False if it was begun before, or is not checked yet."""
    if not Batch.objects.filter(pk=batch.pk, state=BatchState.CHECKED).update(state=BatchState.IMPORTING, **due_now()):
        return False
    LogEntry.objects.create(user=user, act="imported a manifest", text=f"{batch.name}: {batch.items.count()} rows")
    return True


def work(turn: Turn[Batch]) -> None:
    """Do a bit of what a batch stands at."""
    {BatchState.READING: read, BatchState.CHECKING: check, BatchState.IMPORTING: take_in}[BatchState(turn.row.state)](
        turn
    )


# It goes on until each row is settled; only a file that is gone, or is no manifest, waits for a person.
KIND = Kind(name="batch", model=Batch, act=work, at_once=5, hopeless=(NotATable, FileNotFoundError))


def read(turn: Turn[Batch]) -> None:
    """Turn some rows into items; the next bit goes on behind them."""
    batch = turn.row
    if not batch.rows_read:
        begin_anew(turn)
    until = None
    with (
        default_storage.open(batch.manifest.name or "") as file,
        closing(rows_in(cast("BinaryIO", file), batch)) as rows,
    ):
        while some := list(islice(rows, AT_ONCE)):
            write(turn, some)
            until = until or time.monotonic() + READING_BIT
            if time.monotonic() > until:
                turn.go_on()
                return
    turn.schedule(timezone.now(), "", 0, {"state": BatchState.CHECKING})


def rows_in(file: BinaryIO, batch: Batch) -> Generator[Row, None, None]:
    """Return the rows behind those that were read."""
    columns, zone = Columns.from_json(batch.columns), timezone.get_default_timezone()
    return manifests.rows_of(file, columns, zone, timezone.now() + LATEST, after=batch.rows_read)


@transaction.atomic
def begin_anew(turn: Turn[Batch]) -> None:
    """Let go what was read with other columns."""
    own(turn, rows_read=0)
    turn.row.items.waiting().delete()


@transaction.atomic
def write(turn: Turn[Batch], rows: list[Row]) -> None:
    """Write down some rows and how far that is, both or neither."""
    own(turn, rows_read=rows[-1].line)
    BatchItem.objects.bulk_create([item_of(turn.row, row) for row in rows])


def own(turn: Turn[Batch], **fields: Any) -> None:
    """Change the batch, or raise `Taken`: it was cancelled, or its columns are others now."""
    if not turn.write(**fields):
        raise Taken


def item_of(batch: Batch, row: Row) -> BatchItem:
    """Return a row as an item; one that cannot be read is checked already."""
    wrong = {"cause": Cause.UNREADABLE, "detail": row.wrong[:500], "is_checked": True} if row.wrong else {}
    return BatchItem(
        batch=batch,
        position=row.line,
        link=row.link,
        link_key=key_of_link(row.link) if row.link else None,
        agent=row.agent,
        contact=row.contact,
        called_at=row.called_at,
        direction=row.direction,
        seconds=row.seconds,
        **wrong,
    )


def check(turn: Turn[Batch]) -> None:
    """Check some of what is not checked."""
    batch, until = turn.row, time.monotonic() + BIT
    while some := list(batch.items.waiting().filter(is_checked=False).order_by("pk")[:AT_ONCE]):
        linkchecks.check(batch, some)
        if time.monotonic() > until:
            turn.go_on()
            return
    turn.finish(state=BatchState.CHECKED)


def take_in(turn: Turn[Batch]) -> None:
    """Settle what is not to be imported, and let some of the rest become calls."""
    batch = turn.row
    troubled = batch.items.waiting().exclude(cause="")
    troubled.filter(cause=Failure.DUPLICATE).update(fate=Fate.DUPLICATE, cause="")
    troubled.update(fate=Fate.REFUSED)
    waiting = batch.items.waiting().select_related("batch__user").order_by("pk")
    if bit_by_bit(lambda: list(waiting[:50]), take):
        turn.finish(state=BatchState.CLOSED, closed_at=timezone.now())
    else:
        turn.go_on()


def take(item: BatchItem) -> None:
    """Let an item become a call, unless its link has become one since it was checked; the line goes on in any case."""
    try:
        known = Recording.objects.filter(link_key=item.link_key).order_by("pk").first()
        if known:
            why = linkchecks.same_as(known)
            BatchItem.objects.settle(item.pk, Fate.DUPLICATE, duplicate_of=known, detail=why)
        else:
            batches.take_link(item)
    except OperationalError:  # the database is busy or away: its turn comes again
        raise
    except Exception as error:
        log.exception("item_not_taken", batch=str(item.batch_id), line=item.position)
        batches.refuse(item, Cause.UNREADABLE, f"{type(error).__name__}: {error}")
