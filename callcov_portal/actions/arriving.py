"""Files of this machine, or of a share that is mounted on it, on their way into a batch.

A file is copied, never linked: who writes into the original later must not change what was stored.
"""

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from callcov_portal.actions import batches, storing
from callcov_portal.models import BatchItem, Failure
from callcov_portal.uploads import incoming_folder, refuse_if_disk_full

BLOCK = 1024 * 1024
# How the names begin or end of files that somebody is writing, or that are hidden.
BEGINS = (".", "~")
ENDS = (".part", ".partial", ".filepart", ".crdownload", ".tmp", ".temp", "~")
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)


class Changing(Exception):
    """Somebody writes into the file."""


def is_passing(name: str) -> bool:
    """Say whether a file or folder of that name is hidden, or only there for the moment."""
    return name.startswith(BEGINS) or name.lower().endswith(ENDS)


def files_in(
    folder: Path, besides: frozenset[Path] = frozenset(), failed: Callable[[OSError], None] | None = None
) -> Iterator[Path]:
    """Yield the files in a folder and in those below it, in order of their names; links are not followed.

    Hidden and passing names are left alone. Raises `OSError` for a folder that cannot be read; of one below, `failed`
    is told instead, if it is given.
    """
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        path = Path(entry.path)
        if is_passing(entry.name) or entry.is_symlink():
            continue
        if entry.is_file(follow_symlinks=False):
            yield path
        elif entry.is_dir(follow_symlinks=False) and path not in besides:
            try:
                yield from files_in(path, besides, failed)
            except OSError as error:
                if failed is None:
                    raise
                failed(error)


def item_of(path: Path, folder: Path) -> BatchItem:
    """Return a new item about a file, named from the folder on; raises `OSError`."""
    found = path.stat()
    name = path.relative_to(folder).as_posix()[-500:].encode("utf-8", "replace").decode().replace("\0", "")
    return BatchItem(name=name, size_bytes=found.st_size, modified_at=moment_of(found.st_mtime))


def moment_of(seconds: float) -> datetime | None:
    """Return the date of a file, None for one that cannot be."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment >= EARLIEST else None


def take_copy(item: BatchItem, path: Path) -> BatchItem:
    """Take a copy of a file in as what becomes of its item; the file itself stays. Return the item as it is now.

    Raises `Changing` if it is written meanwhile, `uploads.DiskFull`, `storage.StorageAway`, and `OSError` if it cannot be
    read: nothing has become of the item then.
    """
    before = path.stat()
    if before.st_size > settings.CALLCOV_MAX_UPLOAD_MB * 1024 * 1024:
        why = f"The file is larger than {settings.CALLCOV_MAX_UPLOAD_MB} MB, the most that is taken."
        batches.refuse(item, Failure.TOO_LARGE, why)
        item.refresh_from_db()
        return item
    storing.require()
    refuse_if_disk_full(incoming_folder(), before.st_size)
    copy = incoming_folder() / f"{uuid.uuid4()}.part"
    try:
        sha256 = copied(path, copy)
        after = path.stat()
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise Changing
        return batches.take_file(item, copy, sha256, before.st_size)
    finally:
        copy.unlink(missing_ok=True)


def copied(source: Path, target: Path) -> str:
    """Copy a file, hashed on the way, until it is on disk; return its SHA-256."""
    digest = hashlib.sha256()
    with source.open("rb") as file, target.open("wb") as copy:
        while block := file.read(BLOCK):
            digest.update(block)
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()
