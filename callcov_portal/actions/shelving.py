"""Where recordings are kept: the file first, the row second; a removed row takes its file along."""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from callcov_portal.storage import StorageAway, is_folder
from callcov_portal.uploads import incoming_folder, refuse_if_disk_full, room_may_end

log = structlog.get_logger(__name__)

BLOCK = 1024 * 1024
COPY = "copy-"  # how the names of copies in the incoming folder begin


class OnDisk(File):  # type: ignore[type-arg]
    """A complete file on this machine, which local storage moves in place of copying it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.open("rb"), path.name)
        self.path = path

    def temporary_file_path(self) -> str:
        """Return where the file is now."""
        return str(self.path)


def shelve(path: Path, suffix: str) -> str:
    """Move a file into the storage and return its name there; the name tells nothing about the call.

    When this returns the file is on disk; if the process dies before the row is written, an orphaned file is
    left and nothing else. Raises `StorageAway`: the file is where it was then.
    """
    now = timezone.now()
    with OnDisk(path) as file:
        name = default_storage.save(f"{now:%Y/%m}/{uuid.uuid4()}.{suffix}", file)
    path.unlink(missing_ok=True)  # a storage that copies leaves it
    sync_folder(name)
    return name


def sync_folder(name: str) -> None:
    """Make a rename survive a power cut, where the storage is a local folder."""
    if not is_folder():
        return
    folder = os.open(Path(default_storage.path(name)).parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def discard(name: str) -> None:
    """Remove a stored file once the transaction that let it go is committed; a missing one is no error."""
    if name:
        transaction.on_commit(lambda: remove(name))


def remove(name: str) -> None:
    """Remove a stored file. While the storage is away it stays, as an orphan that `check_files` finds."""
    try:
        default_storage.delete(name)
    except StorageAway as error:
        log.warning("stored_file_left", name=name, error=str(error))


@contextmanager
def on_disk(name: str) -> Iterator[Path]:
    """Hand out a stored file as a path of this machine, for those who can read nothing else.

    Of a storage elsewhere that is a copy, gone afterwards; of a process that is killed, with the next `forget_copies`.
    Raises `FileNotFoundError`, `StorageAway`, and `uploads.DiskFull` where there is no room for the copy.
    """
    if not name or (is_folder() and not default_storage.exists(name)):
        raise FileNotFoundError("The stored file is missing.")
    if is_folder():
        yield Path(default_storage.path(name))
    else:
        with copied(name) as path:
            yield path


@contextmanager
def copied(name: str) -> Iterator[Path]:
    """Hand out a copy, locked as long as it is needed: a lock ends with its process, however that ends."""
    path = incoming_folder() / f"{COPY}{uuid.uuid4()}.part"
    with default_storage.open(name) as stored:
        refuse_if_disk_full(path.parent, stored.size)
        try:
            with path.open("xb") as copy:
                path.chmod(0o600)  # somebody's conversation
                fcntl.flock(copy, fcntl.LOCK_EX)
                with room_may_end():
                    while block := stored.read(BLOCK):
                        copy.write(block)
                    copy.flush()
                yield path
        finally:
            path.unlink(missing_ok=True)


def forget_copies(before: float) -> None:
    """Remove copies made before a moment (Unix seconds) whose process is gone."""
    for path in incoming_folder().glob(f"{COPY}*.part"):
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as copy:
            if os.fstat(copy.fileno()).st_ctime < before:
                fcntl.flock(copy, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
