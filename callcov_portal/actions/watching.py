"""A watched folder: what is dropped into it is stored first, and only then put aside.

    stands still ──▶ item of the batch ──▶ copied, hashed, stored as a call ──▶ moved to done/
                                         └ known already ─────────────────────▶ moved to duplicates/
                                         └ refused ───────────────────────────▶ moved to refused/, a text beside it says why

Who is killed anywhere in here and started again goes on where it was: a file that is still there, though its item is settled,
has only to be moved. A batch is open as long as files keep coming.
"""

import errno
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import structlog
from django.db import DatabaseError
from django.utils import timezone

from callcov_portal.actions import arriving, batches
from callcov_portal.models import Batch, BatchItem, BatchState, Cause, Fate, Signal, Way
from callcov_portal.storage import AWAY, StorageAway
from callcov_portal.uploads import DiskFull

log = structlog.get_logger(__name__)

AT_ONCE = 100
QUIET = timedelta(minutes=10)  # without a new file; the next one begins another batch
TOLD_EVERY = timedelta(seconds=20)
TARGETS = {Fate.STORED: "done", Fate.DUPLICATE: "duplicates", Fate.REFUSED: "refused", Fate.CANCELLED: "refused"}
GONE = "It was taken away before it could be read."
SIGNAL = "watch."  # and a mark of the folder: when somebody looked last, since when something is wrong, and what


class Seen(NamedTuple):
    """A file as it was when somebody looked."""

    name: str  # with its folders
    size: int
    modified: int  # nanoseconds


@dataclass
class Watch:
    """One folder that is watched; agent, contact and pattern are what holds for its batches."""

    folder: Path
    agent: str = ""
    contact: str = ""
    pattern: str = ""
    before: set[Seen] = field(default_factory=set)
    batch: Batch | None = None
    troubles: list[str] = field(default_factory=list)
    told: tuple[datetime, str] | None = None

    def look(self) -> Iterator[BatchItem]:
        """Take in what stands still since the last look; yield each item once its file is put aside.

        What hinders it is noted and never raised, but for trouble with the database.
        """
        self.troubles = []
        try:
            seen = self.seen()
            complete, self.before = sorted(seen & self.before), seen
            self.find_batch()
            for begin in range(0, len(complete), AT_ONCE):
                yield from self.take_some(complete[begin : begin + AT_ONCE])
            self.settle({one.name for one in seen})
        except StorageAway as error:
            self.troubles.append(f"{AWAY} {error}")
        except (OSError, DiskFull) as error:
            self.note(f"The folder {self.folder}", error)
        self.tell()

    def seen(self) -> set[Seen]:
        """Return the files that are there; raises `OSError` if the folder cannot be read."""
        targets = frozenset(self.folder / name for name in TARGETS.values())
        found = arriving.files_in(self.folder, targets, failed=lambda error: self.note(str(error.filename), error))
        return {one for path in found if (one := self.one_seen(path))}

    def one_seen(self, path: Path) -> Seen | None:
        """Return a file as it is now, None if it is gone."""
        try:
            stat = path.stat()
        except OSError:
            return None
        return Seen(path.relative_to(self.folder).as_posix(), stat.st_size, stat.st_mtime_ns)

    def note(self, what: str, error: Exception) -> None:
        """Remember what hinders, for the status page and the log."""
        why = error.strerror if isinstance(error, OSError) else None
        self.troubles.append(f"{what}: {why or error}")

    def find_batch(self) -> None:
        """Find the batch that is open still; one to which something else applies ends, and one that was quiet long."""
        if self.batch is None:
            name = str(self.folder)[:300]
            self.batch = Batch.objects.filter(way=Way.FOLDER, name=name, state=BatchState.OPEN).first()
        else:
            self.batch = Batch.objects.filter(pk=self.batch.pk, state=BatchState.OPEN).first()
        batch = self.batch
        if batch and (batch.agent, batch.contact, batch.pattern) != (self.agent, self.contact, self.pattern):
            batches.cancel(batch)  # what waits in it is still there, and comes with the next one
            self.batch = None
        elif batch and batch.active_at < timezone.now() - QUIET and batches.close_if_settled(batch):
            self.batch = None

    def take_some(self, complete: Sequence[Seen]) -> Iterator[BatchItem]:
        """Take in some files: write all down as items, then let each become what it will, and put it aside."""
        for one, item in self.items_of(complete):
            try:
                if item.fate == Fate.WAITING:
                    item = arriving.take_copy(item, self.folder / one.name)  # noqa: PLW2901
                self.put_aside(one, item)
            except (arriving.Changing, FileNotFoundError):
                continue  # the next looks tell
            except (DatabaseError, DiskFull, StorageAway):
                raise
            except Exception as error:
                if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                    raise
                if not isinstance(error, OSError):
                    log.exception("watched_file_not_taken", file=one.name)
                self.note(one.name, error)
                continue
            yield item

    def items_of(self, complete: Sequence[Seen]) -> list[tuple[Seen, BatchItem]]:
        """Return the items of some files: those of the open batch that somebody left unfinished, else new ones."""
        if self.batch is None:
            given = {"agent": self.agent, "contact": self.contact, "pattern": self.pattern}
            self.batch = batches.open_batch(Way.FOLDER, None, str(self.folder), **given)
        batches.heard_from(self.batch)
        asked = [(one, item) for one in complete if (item := self.new_item(one))]
        rows = self.batch.items.filter(name__in=[item.name for _, item in asked]).order_by("position")
        left = {key_of(item): item for item in rows.select_related("batch__user") if not is_deleted(item)}
        new = batches.add_items(self.batch, [item for _, item in asked if key_of(item) not in left])
        left |= {key_of(item): item for item in new}
        return [(one, left[key_of(item)]) for one, item in asked]

    def new_item(self, one: Seen) -> BatchItem | None:
        """Return an item about a file, None if it is gone."""
        try:
            return arriving.item_of(self.folder / one.name, self.folder)
        except OSError:
            return None

    def put_aside(self, one: Seen, item: BatchItem) -> None:
        """Move a file whose item is settled to where its fate says, unless it is another file by now."""
        path = self.folder / one.name
        if self.one_seen(path) != one:
            return
        target = free(self.folder / TARGETS[Fate(item.fate)] / one.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if TARGETS[Fate(item.fate)] == "refused":
            why = item.detail or "Somebody cancelled its batch."
            target.with_name(f"{target.name[:240]}.txt").write_text(f"{why}\n", encoding="utf-8")
        shutil.move(path, target)

    def settle(self, there: set[str]) -> None:
        """Refuse what waits though its file is gone, if all folders could be read."""
        if self.batch is None or self.troubles:
            return
        for item in self.batch.items.waiting():
            if item.name not in there:
                batches.refuse(item, Cause.UNREADABLE, GONE)

    def tell(self) -> None:
        """Say on the status page that somebody looks, and what hinders; what is new of that in the log, too."""
        now, text = timezone.now(), f"{self.folder}\n{self.what_hinders()}"
        if self.told and self.told[1] == text and now - self.told[0] < TOLD_EVERY:
            return
        if self.troubles and (self.told is None or self.told[1] != text):
            log.warning("watched_folder_hindered", folder=str(self.folder), troubles=self.troubles[:10])
        name = f"{SIGNAL}{hashlib.sha256(str(self.folder).encode('utf-8', 'replace')).hexdigest()[:16]}"
        known = Signal.objects.filter(name=name).first()
        since = (known and known.until) or now
        Signal.objects.update_or_create(
            name=name, defaults={"at": now, "until": since if self.troubles else None, "text": text}
        )
        self.told = (now, text)

    def what_hinders(self) -> str:
        """Return the troubles of this look as one text."""
        more = f" And {len(self.troubles) - 3} more." if len(self.troubles) > 3 else ""
        return f"{'; '.join(self.troubles[:3])}{more}"[:1000]


Key = tuple[str, int | None, datetime | None]


def key_of(item: BatchItem) -> Key:
    """Return by what a file is known again."""
    return item.name, item.size_bytes, item.modified_at


def is_deleted(item: BatchItem) -> bool:
    """Say whether the call of an item was deleted: its file, if it comes again, is to be taken again."""
    return item.fate == Fate.STORED and item.recording_id is None


def free(target: Path) -> Path:
    """Return a path where no file is yet: this one, or one with a number."""
    found, number = target, 1
    while found.exists():
        number += 1
        found = target.with_name(f"{target.stem} ({number}){target.suffix}")
    return found
