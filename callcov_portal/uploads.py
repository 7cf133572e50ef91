"""How the bytes of a file come in: hashed while they arrive, on disk when they have, in constant memory."""

import hashlib
import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

KEEP_FREE_BYTES = 200 * 1024 * 1024


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


class ReceivedFile(UploadedFile):  # type: ignore[type-arg]
    """A complete file in the incoming folder, with its SHA-256; removed on close unless it was moved away."""

    def __init__(self, file: IO[bytes], path: Path, name: str, size: int, sha256: str, content_type: str) -> None:
        super().__init__(file, name, content_type, size)
        self.path = path
        self.sha256 = sha256

    def temporary_file_path(self) -> str:
        """Return the path; Django's file storage moves such a file instead of copying it."""
        return str(self.path)

    def close(self) -> None:
        super().close()
        with suppress(FileNotFoundError):
            self.path.unlink()


class HashingUploadHandler(FileUploadHandler):
    """Write each file part to `incoming/<uuid>.part`, counting and hashing as it comes; fsync when complete.

    Raises `TooLarge` at the first byte above the limit and `DiskFull` before the first byte. A broken
    connection leaves nothing behind.
    """

    chunk_size = 1024 * 1024
    file: IO[bytes] | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        folder = incoming_folder()
        refuse_if_disk_full(folder, int(self.request.META.get("CONTENT_LENGTH") or 0) if self.request else 0)
        self.path = folder / f"{uuid.uuid4()}.part"
        self.file = self.path.open("w+b")
        self.digest = hashlib.sha256()
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received > settings.CALLCOV_MAX_UPLOAD_MB * 1024 * 1024:
            self.upload_interrupted()
            raise TooLarge(f"The file is larger than {settings.CALLCOV_MAX_UPLOAD_MB} MB, the most that is taken.")
        if self.file is None:
            raise TooLarge("The upload was given up.")
        self.digest.update(raw_data)
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> ReceivedFile | None:
        if self.file is None:
            return None
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.seek(0)
        received = ReceivedFile(
            self.file, self.path, self.file_name or "", file_size, self.digest.hexdigest(), self.content_type or ""
        )
        self.file = None
        return received

    def upload_interrupted(self) -> None:
        if self.file is not None:
            self.file.close()
            self.path.unlink(missing_ok=True)
            self.file = None


def drop_unfinished(request: HttpRequest) -> None:
    """Remove what a body that broke off had brought so far: Django tells its handlers of few of the ways it can end."""
    for handler in getattr(request, "_upload_handlers", []):
        handler.upload_interrupted()
