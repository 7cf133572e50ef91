"""Making exports in the background: the row is the record, and it is due like everything else."""

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

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from callcov_portal.actions import leases, schedule, shelving, unmasking
from callcov_portal.exports import NotPossible, Tally, Wish, wish_for
from callcov_portal.models import ColumnChoice, Export, ExportState, LogEntry, Recording, Schedule, User
from callcov_portal.uploads import DiskFull, incoming_folder, refuse_if_disk_full

log = structlog.get_logger(__name__)

MOST_TRIES = 5
MOST_AT_ONCE = 20
TOLD_EVERY = 1.0  # seconds between two notes of how many rows there are
WORK_SUFFIX = ".making"
# It keeps a processor busy: of a worker's four threads the others stay free for the rest.
SLOTS = threading.BoundedSemaphore(1)

Choose = Callable[[str], QuerySet[Recording]]
"""Says which calls a query string chooses; raises `NotPossible` for one that cannot be read."""


class Taken(Exception):
    """The row was deleted, or is somebody else's by now."""


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


def due(now: datetime) -> list[int]:
    """Return the exports that are to be made now, the longest due first."""
    return list(Export.objects.due(now).values_list("pk", flat=True)[:MOST_AT_ONCE])


def make(pk: int, choose: Choose) -> bool:
    """Make one export; False if it is not due, or somebody else makes it, or this process another.

    Never raises: whatever goes wrong is written on the row, which is pushed away so that the line goes on.
    """
    if not SLOTS.acquire(blocking=False):
        return False
    try:
        now = timezone.now()
        export = Export.objects.due(now).filter(pk=pk).first()
        if export is None or not Export.objects.claim(export, now + schedule.LEASE):
            return False
        export.runs, export.attempts = export.runs + 1, export.attempts + 1
        begun(export, choose)
        return True
    finally:
        SLOTS.release()


def begun(export: Export, choose: Choose) -> None:
    """Make a claimed export, and write down what came of it."""
    try:
        if export.attempts > MOST_TRIES:
            give_up(export, f"It was begun {MOST_TRIES} times and never came to an end. {export.detail}".strip())
            return
        with leases.kept(lambda: renew(export), f"export-{export.pk}"):
            write(export, choose)
    except Taken:
        log.info("export_taken", export=export.pk)
    except NotPossible as refusal:
        give_up(export, str(refusal))
    except (OSError, DiskFull) as error:
        put_off(export, str(error))
    except Exception as error:
        log.exception("export_failed", export=export.pk)
        put_off(export, f"{type(error).__name__}: {error}"[:500])


def write(export: Export, choose: Choose) -> None:
    """Write the file into a folder of its own, put it into the storage, and the row last of all."""
    wish, tally = wish_of(export), Tally(told=note_of(export))
    refuse_if_disk_full(incoming_folder(), 0)
    folder = Path(tempfile.mkdtemp(suffix=WORK_SUFFIX, dir=incoming_folder()))
    try:
        path = folder / "file"
        wish.write(path, choose(export.filters), tally, about(export))
        with path.open("rb") as file:
            digest, size = hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
            os.fsync(file.fileno())
        finish(export, wish, tally, digest, size, shelving.shelve(path, wish.format.suffix))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def note_of(export: Export) -> Callable[[Tally], None]:
    """Return what writes down, every second at most, how many rows there are; it raises `Taken` and `DiskFull`."""
    told = time.monotonic()

    def note(tally: Tally) -> None:
        nonlocal told
        if time.monotonic() - told < TOLD_EVERY:
            return
        told = time.monotonic()
        refuse_if_disk_full(incoming_folder(), 0)
        if not own(export).update(rows=tally.rows):
            raise Taken

    return note


def own(export: Export) -> QuerySet[Export]:
    """Return the row if it is still ours."""
    return Export.objects.filter(pk=export.pk, state=ExportState.MAKING, runs=export.runs)


def about(export: Export) -> dict[str, Any]:
    """Return what a manifest says of the row."""
    who = export.user.username if export.user else ""
    told: dict[str, Any] = {"export": export.pk, "made_by": who}
    return told | ({"schedule": export.schedule_id, "day": str(export.day)} if export.day else {})


@transaction.atomic
def finish(export: Export, wish: Wish, tally: Tally, digest: str, size: int, name: str) -> None:
    """Give the row its file; a worker that was taken for dead may still come: its file is let go."""
    now = timezone.now()
    made = {
        "rows": tally.rows,
        "sha256": digest,
        "size_bytes": size,
        "finished_at": now,
        "expires_at": now + kept_for(),
    }
    manifest = about(export) | wish.manifest(tally, now) | {"size_bytes": size, "sha256": digest}
    done = own(export).update(
        **made, state=ExportState.READY, due_at=None, detail="", file=name, file_name=wish.file_name, manifest=manifest
    )
    if not done:
        shelving.discard(name)


def note_streamed(wish: Wish, user: User | None, tally: Tally, digest: str, size: int) -> Export:
    """Write down an export that was sent to its end, so that its manifest can be had."""
    now = timezone.now()
    made = {
        "rows": tally.rows,
        "sha256": digest,
        "size_bytes": size,
        "finished_at": now,
        "expires_at": now + kept_for(),
    }
    with transaction.atomic():
        export = Export.objects.create(
            **fields_of(wish), **made, user=user, state=ExportState.READY, is_streamed=True, due_at=None
        )
        export.manifest = about(export) | wish.manifest(tally, now) | {"size_bytes": size, "sha256": digest}
        export.save(update_fields=["manifest"])
    return export


def put_off(export: Export, detail: str) -> None:
    """Try again later, longer each time; give up after `MOST_TRIES`."""
    if export.attempts >= MOST_TRIES:
        give_up(export, detail)
        return
    own(export).update(
        state=ExportState.WAITING, due_at=timezone.now() + schedule.back_off(export.attempts), detail=detail
    )


def give_up(export: Export, detail: str) -> None:
    """Write down that the export cannot be made until a person asks for it again."""
    log.warning("export_given_up", export=export.pk, detail=detail)
    now = timezone.now()
    own(export).update(
        state=ExportState.FAILED, due_at=None, detail=detail, finished_at=now, expires_at=now + kept_for()
    )


def renew(export: Export) -> bool:
    """Push the lease once; False if the database is away."""
    until = timezone.now() + schedule.LEASE
    return leases.pushed(lambda: own(export).update(due_at=until), f"export-{export.pk}")


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
