"""Where recordings are kept: the file first, the row second; a removed row takes its file along."""

import os
import uuid
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import transaction
from django.utils import timezone


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
    left and nothing else.
    """
    now = timezone.now()
    with OnDisk(path) as file:
        name = default_storage.save(f"{now:%Y/%m}/{uuid.uuid4()}.{suffix}", file)
    path.unlink(missing_ok=True)  # a storage that copies leaves it
    sync_folder(name)
    return name


def sync_folder(name: str) -> None:
    """Make a rename survive a power cut, where the storage is a local folder."""
    if not isinstance(default_storage, FileSystemStorage):
        return
    folder = os.open(Path(default_storage.path(name)).parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def discard(name: str) -> None:
    """Remove a stored file once the transaction that let it go is committed; a missing one is no error."""
    if name:
        transaction.on_commit(lambda: default_storage.delete(name))
