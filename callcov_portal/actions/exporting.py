"""Making exports in the background: a chore, whose row is the record."""

import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from callcov_portal.actions import shelving, storing, unmasking
from callcov_portal.actions.chores import Kind, Taken, Turn
from callcov_portal.exports import NotPossible, Tally, Wish, wish_for
from callcov_portal.models import ColumnChoice, Export, ExportState, LogEntry, Recording, Schedule, User
from callcov_portal.uploads import DiskFull, incoming_folder, refuse_if_disk_full

MOST_TRIES = 5
TOLD_EVERY = 1.0  # seconds between two notes of how many rows there are
WORK_SUFFIX = ".making"
# It keeps a processor busy: of a worker's four threads the others stay free for the rest.
SLOT = threading.BoundedSemaphore(1)

Choose = Callable[[str], QuerySet[Recording]]
"""Says which calls a query string chooses; raises `NotPossible` for one that cannot be read."""


def kept_for() -> timedelta:
    """Return how long a finished export is kept."""
    return timedelta(days=settings.CALLCOV_EXPORT_KEEP_DAYS)


@transaction.atomic
def order(wish: Wish, user: User | None, by: Schedule | None = None, day: date | None = None) -> Export:
    """Write down that an export is due. With sensitive data it is logged; whether the user may is for the edge to know."""
    if wish.unmasked:
        unmasking.note_exported(user, wish.table.name, wish.filters)
    return Export.objects.create(**fields_of(wish), user=user, schedule=by, day=day, due_at=timezone.now())


def fields_of(wish: Wish) -> dict[str, Any]:
    """Return the fields of a row that say what is wished for."""
    order_fields = {"table": wish.table.name, "format": wish.format.name, "columns": wish.keys, "mark": wish.mark}
    return order_fields | {"filters": wish.filters, "unmasked": wish.unmasked, "file_name": wish.file_name}


def wish_of(row: Export | Schedule) -> Wish:
    """Return what a row wishes for; raises `NotPossible` if this version of the program has it no more."""
    unmasked = row.unmasked if isinstance(row, Export) else False
    wish = wish_for(row.table, row.format, row.columns, mark=row.mark, unmasked=unmasked)
    return wish.of(row.filters)


def kind(choose: Choose) -> Kind[Export]:
    """Return the chore; how calls are chosen is for the edge to know."""
    return Kind(
        name="exporting", model=Export, act=lambda turn: make(turn, choose), most_tries=MOST_TRIES, slot=SLOT,
        begun={"state": ExportState.MAKING, "rows": 0}, waiting={"state": ExportState.WAITING}, failed=given_up,
        hopeless=(NotPossible,), known=(OSError, DiskFull),
    )  # fmt: skip


def given_up() -> dict[str, Any]:
    """Return what a row says once nobody tries any more, until a person asks for it again."""
    now = timezone.now()
    return {"state": ExportState.FAILED, "finished_at": now, "expires_at": now + kept_for()}


def make(turn: Turn[Export], choose: Choose) -> None:
    """Write the file into a folder of its own, put it into the storage, and the row last of all."""
    export = turn.row
    wish, tally = wish_of(export), Tally(told=note_of(turn))
    storing.require()
    refuse_if_disk_full(incoming_folder(), 0)
    folder = Path(tempfile.mkdtemp(suffix=WORK_SUFFIX, dir=incoming_folder()))
    try:
        path = folder / "file"
        wish.write(path, choose(export.filters), tally, about(export))
        with path.open("rb") as file:
            digest, size = hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
            os.fsync(file.fileno())
        finish(turn, wish, tally, digest, size, shelving.shelve(path, wish.format.suffix))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def note_of(turn: Turn[Export]) -> Callable[[Tally], None]:
    """Return what writes down, every second at most, how many rows there are; it raises `Taken` and `DiskFull`."""
    told = time.monotonic()

    def note(tally: Tally) -> None:
        nonlocal told
        if time.monotonic() - told < TOLD_EVERY:
            return
        told = time.monotonic()
        refuse_if_disk_full(incoming_folder(), 0)
        if not turn.write(rows=tally.rows):
            raise Taken

    return note


def about(export: Export) -> dict[str, Any]:
    """Return what a manifest says of the row."""
    who = export.user.username if export.user else ""
    told: dict[str, Any] = {"export": export.pk, "made_by": who}
    return told | ({"schedule": export.schedule_id, "day": str(export.day)} if export.day else {})


@transaction.atomic
def finish(turn: Turn[Export], wish: Wish, tally: Tally, digest: str, size: int, name: str) -> None:
    """Give the row its file; a worker that was taken for dead may still come: its file is let go."""
    now = timezone.now()
    manifest = about(turn.row) | wish.manifest(tally, now) | {"size_bytes": size, "sha256": digest}
    made = ready(tally, digest, size, now) | {"manifest": manifest, "file": name, "file_name": wish.file_name}
    if not turn.finish(**made):
        shelving.discard(name)


def ready(tally: Tally, digest: str, size: int, now: datetime) -> dict[str, Any]:
    """Return what a row says once its export is made."""
    told = {"rows": tally.rows, "sha256": digest, "size_bytes": size}
    return told | {"state": ExportState.READY, "finished_at": now, "expires_at": now + kept_for()}


def note_streamed(wish: Wish, user: User | None, tally: Tally, digest: str, size: int) -> Export:
    """Write down an export that was sent to its end, so that its manifest can be had."""
    now = timezone.now()
    made = fields_of(wish) | ready(tally, digest, size, now)
    with transaction.atomic():
        export = Export.objects.create(**made, user=user, is_streamed=True)
        export.manifest = about(export) | wish.manifest(tally, now) | {"size_bytes": size, "sha256": digest}
        export.save(update_fields=["manifest"])
    return export


def retry(export: Export) -> bool:
    """Make a failed export due again; False if that was done already."""
    failed = Export.objects.filter(pk=export.pk, state=ExportState.FAILED)
    again = {"state": ExportState.WAITING, "due_at": timezone.now(), "attempts": 0, "finished_at": None}
    return failed.update(**again, expires_at=None, detail="") == 1


@transaction.atomic
def remove(export: Export, by: User | None = None) -> None:
    """Delete an export with its file. A worker that makes it just then finds out and stops."""
    row = Export.objects.select_for_update().filter(pk=export.pk).first()
    if row is None:
        return
    shelving.discard(row.stored_name)
    if by and row.unmasked:
        LogEntry.objects.create(user=by, act="export deleted", text=f"{row}: {row.file_name}")
    row.delete()


def forget_expired(now: datetime) -> None:
    """Remove exports whose time is over."""
    for export in Export.objects.filter(expires_at__lt=now)[:1000]:
        remove(export)


def keep_columns(user: User, wish: Wish) -> None:
    """Keep the columns that a user chose for a table."""
    ColumnChoice.objects.update_or_create(user=user, table=wish.table.name, defaults={"columns": wish.keys})
