"""What lies in the storage of recordings, exports and manifests, whichever it is, and what it means that it is away.

Django's `default_storage` is the seam: a folder of this machine, or a bucket (`bucket.Bucket`) where
`CALLCOV_STORAGE_BUCKET` names one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage


class StorageAway(OSError):
    """The storage does not answer, or takes nothing from us; says why. What is in it is not lost."""


AWAY = "The storage for recordings does not answer."


class Stored(NamedTuple):
    """A file in the storage."""

    name: str
    size: int  # bytes
    at: float  # when it came there, in Unix seconds


class Upload(NamedTuple):
    """An upload to a bucket in parts that was begun and not finished: nobody sees it, but it takes room."""

    name: str
    id: str
    at: datetime


def is_folder() -> bool:
    """Say whether the storage is a folder of this machine, whose files have paths and are looked at for nothing."""
    return isinstance(default_storage, FileSystemStorage)


def is_gone(name: str) -> bool:
    """Say whether a file is known to be gone. No other machine is asked, because pages do not wait for one."""
    return is_folder() and not default_storage.exists(name)


def bucket() -> Any:
    """Return the storage as the bucket that it is, if it is no folder."""
    return default_storage


class Opened(Protocol):
    """A stored file, open to be read at any place; `size` is its bytes."""

    size: int

    def read(self, at: int, length: int) -> bytes:
        """Return so many bytes from a place on, fewer where the file ends."""


class InFolder:
    """A file of this machine: a player waits for it, so the system is called no more often than it must be."""

    def __init__(self, number: int) -> None:
        self.number, self.size = number, os.fstat(number).st_size

    def read(self, at: int, length: int) -> bytes:
        return os.pread(self.number, length, at)


class Elsewhere:
    """A file of another storage."""

    def __init__(self, file: "File[bytes]") -> None:
        self.file, self.size = file, file.size

    def read(self, at: int, length: int) -> bytes:
        self.file.seek(at)
        return bytes(self.file.read(length))


@contextmanager
def opened(name: str) -> Iterator[Opened]:
    """Open a stored file. Raises `FileNotFoundError`, and `StorageAway` where the storage does not answer."""
    if not is_folder():
        with default_storage.open(name) as file:
            yield Elsewhere(file)
        return
    number = os.open(default_storage.path(name), os.O_RDONLY)
    try:
        yield InFolder(number)
    finally:
        os.close(number)


def contents() -> Iterator[Stored]:
    """Yield all that is in the storage, in no order that counts. Raises `StorageAway`."""
    if is_folder():
        root = default_storage.path("")
        yield from files_below(root, len(root) + 1)
    else:
        yield from bucket().contents()


def unfinished() -> Iterator[Upload]:
    """Yield the uploads to a bucket that nobody finished. Raises `StorageAway`."""
    if not is_folder():
        yield from bucket().unfinished()


def files_below(folder: str, skipped: int) -> Iterator[Stored]:
    """Yield the files in a folder and in those below it, named without so many letters at the beginning of their paths.

    What goes meanwhile is left out, and links are not followed. A file that was moved here has the date of its last byte
    and another one of the move: the later one counts.
    """
    try:
        found = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                yield from files_below(entry.path, skipped)
                continue
            with suppress(FileNotFoundError):
                about = entry.stat(follow_symlinks=False)
                yield Stored(entry.path[skipped:], about.st_size, max(about.st_mtime, about.st_ctime))
