"""How the bytes of a file come in: hashed while they arrive, on disk when they have, in constant memory."""

import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

KEEP_FREE_BYTES = 200 * 1024 * 1024
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class TooLarge(RequestDataTooBig):
    """A file is above `CALLCOV_MAX_UPLOAD_MB`; answered with 413."""


class DiskFull(RequestDataTooBig):
    """There is no room to take the file in; answered with 507."""


def incoming_folder() -> Path:
    """Return the folder of files that are arriving; what stays there was never stored."""
    folder: Path = settings.CALLCOV_DATA_DIR / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def refuse_if_disk_full(folder: Path, size: int) -> None:
    """Raise `DiskFull` unless `size` bytes fit into `folder` and leave 200 MB free."""
    free = shutil.disk_usage(folder).free
    if free < size + KEEP_FREE_BYTES:
        raise DiskFull(f"The disk has only {free // 1_000_000} MB left: make room, then send the file again.")


@contextmanager
def room_may_end() -> Iterator[None]:
    """Raise `DiskFull` where the disk has no room for what is written, although it seemed so before: others write too."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise DiskFull("The disk is full: make room, then send the file again.") from error


class ReceivedFile(UploadedFile):  # type: ignore[type-arg]
    """A file in the incoming folder that grows as it arrives; removed on close unless it was moved away.

    `sha256` and `size` (bytes) are right once the upload handler has handed it out.
    """

    def __init__(self, name: str, content_type: str) -> None:
        self.path = incoming_folder() / f"{uuid.uuid4()}.part"
        with room_may_end():
            opened = self.path.open("w+b")
        super().__init__(opened, name, content_type, 0)
        self.digest = hashlib.sha256()
        self.sha256 = ""

    def append(self, content: bytes) -> None:
        """Add what has arrived."""
        self.digest.update(content)
        self.size = (self.size or 0) + len(content)
        with room_may_end():
            self.file.write(content)  # type: ignore[union-attr]

    def complete(self) -> None:
        """Put everything on disk and rewind."""
        self.sha256 = self.digest.hexdigest()
        with room_may_end():
            self.file.flush()  # type: ignore[union-attr]
            os.fsync(self.file.fileno())  # type: ignore[union-attr]
        self.file.seek(0)  # type: ignore[union-attr]

    def temporary_file_path(self) -> str:
        """Return the path; Django's file storage moves such a file instead of copying it."""
        return str(self.path)

    def close(self) -> None:
        self.path.unlink(missing_ok=True)
        with suppress(OSError):  # what a full disk took no more of is let go with the rest
            super().close()


class HashingUploadHandler(FileUploadHandler):
    """Write each file part to `incoming/<uuid>.part`, counting and hashing as it comes; fsync when complete.

    Raises `TooLarge` at the first byte above the limit and `DiskFull` before the first byte. What is left when
    anything goes wrong is removed at the end of the request by `drop_unfinished`.
    """

    chunk_size = 1024 * 1024

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        length = self.request.META.get("CONTENT_LENGTH") if self.request else None
        refuse_if_disk_full(incoming_folder(), int(length or 0))
        self.file = ReceivedFile(self.file_name or "", self.content_type or "")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > settings.CALLCOV_MAX_UPLOAD_MB * 1024 * 1024:
            raise TooLarge(f"The file is larger than {settings.CALLCOV_MAX_UPLOAD_MB} MB, the most that is taken.")
        self.file.append(raw_data)

    def file_complete(self, file_size: int) -> ReceivedFile:
        self.file.complete()
        return self.file

    def upload_interrupted(self) -> None:
        if hasattr(self, "file"):
            self.file.close()


def drop_unfinished(request: HttpRequest) -> None:
    """Remove what a body that broke off had brought so far: Django tells its handlers of few of the ways it can end."""
    for handler in getattr(request, "_upload_handlers", []):
        handler.upload_interrupted()
