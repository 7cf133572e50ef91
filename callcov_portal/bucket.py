"""A bucket of S3, or of what speaks like it, as the storage: by django-storages, with what this portal needs besides.

django-storages brings a whole object to this machine before its first byte is read. Here one is read by ranges as they are
wanted, no connection stays open between two of them, and whatever goes wrong is one exception: `StorageAway`.
"""

import io
import os
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files import File
from storages.backends.s3 import S3Storage
from storages.utils import clean_name
from urllib3.exceptions import HTTPError

from callcov_portal.storage import StorageAway, Stored, Upload

BLOCK = 1024 * 1024  # the most of an object that is held in memory
TRIES = 3
REFUSED = "It refuses the key, or the key lacks a right: check CALLCOV_STORAGE_KEY and CALLCOV_STORAGE_SECRET."
PATH = re.compile(r"(https?://[^/\s\"]+)[^\s\"]*")  # of an address: it names an object, which tells a person nothing
CONNECT_SECONDS, ANSWER_SECONDS = 3, 20
LOOK = Config(read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1})  # whether it is there at all


@contextmanager
def plainly() -> Iterator[None]:
    """Let what boto raises become `StorageAway`, or `FileNotFoundError`."""
    try:
        yield
    except ClientError as error:
        raise meaning(error) from error
    except Boto3Error as error:  # of a transfer: what it is about is the context
        cause = error.__context__
        raise (meaning(cause) if isinstance(cause, ClientError) else StorageAway(str(cause or error))) from error
    except (BotoCoreError, HTTPError) as error:
        raise StorageAway(PATH.sub(r"\1", str(error))) from error


def meaning(error: ClientError) -> OSError:
    """Return what an answer of the storage means."""
    code, status = error.response["Error"].get("Code", ""), error.response["ResponseMetadata"].get("HTTPStatusCode")
    if code == "NoSuchBucket":
        return StorageAway("It has no bucket of that name: check CALLCOV_STORAGE_BUCKET.")
    if status == 404:
        return FileNotFoundError("There is no such object.")
    if status in {401, 403}:
        return StorageAway(REFUSED)
    return StorageAway(f"It answered: {error.response['Error'].get('Message') or code} ({status}).")


class Bucket(S3Storage):  # type: ignore[misc]
    """The storage in a bucket. All threads share one client, which is made to be shared, and its connections."""

    def __init__(self, **options: Any) -> None:
        careful = {} if not options.get("endpoint_url") else {
            # What only Amazon's own S3 is sure to understand.
            "s3": {"addressing_style": "path"},
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        }  # fmt: skip
        config = Config(
            connect_timeout=CONNECT_SECONDS, read_timeout=ANSWER_SECONDS, max_pool_connections=32,
            signature_version="s3v4", retries={"mode": "standard", "total_max_attempts": TRIES}, **careful,
        )  # fmt: skip
        super().__init__(client_config=config, **options)
        # A file is sent from the disk, a few parts of 8 MB at a time, of which none is held in memory.
        self.transfer = TransferConfig(max_concurrency=4)
        self.lock = threading.Lock()
        self.made: dict[str, Any] = {}

    @property
    def client(self) -> Any:
        """The client for objects."""
        return self.client_for("objects", self.client_config)

    def client_for(self, what: str, config: Config) -> Any:
        """Return a client; made at first use."""
        with self.lock:
            if what not in self.made:
                with plainly():
                    self.made[what] = self._create_session().client(
                        "s3",
                        region_name=self.region_name or None,
                        endpoint_url=self.endpoint_url or None,
                        config=config,
                    )
            return self.made[what]

    @property
    def below(self) -> str:
        """What the keys of all our objects begin with."""
        prefix = self.location.strip("/")
        return f"{prefix}/" if prefix else ""

    def key_of(self, name: str) -> str:
        """Return where in the bucket a name is."""
        return str(self._normalize_name(clean_name(name)))

    def look(self) -> None:
        """Return if the bucket answers and lets us in; raises `StorageAway`, after some seconds at most."""
        client = self.client_for("looks", self.client_config.merge(LOOK))
        try:
            with plainly():
                client.head_bucket(Bucket=self.bucket_name)
        except FileNotFoundError as error:
            raise StorageAway("It has no bucket of that name: check CALLCOV_STORAGE_BUCKET.") from error

    def head(self, name: str) -> dict[str, Any]:
        """Return what is known of an object. Raises `FileNotFoundError`, and `StorageAway` if the bucket itself is gone."""
        try:
            with plainly():
                found: dict[str, Any] = self.client.head_object(Bucket=self.bucket_name, Key=self.key_of(name))
        except FileNotFoundError:
            self.look()  # an answer to HEAD has no words: both are 404
            raise FileNotFoundError(f"There is no {name} in the storage.") from None
        return found

    def exists(self, name: str) -> bool:
        try:
            self.head(name)
        except FileNotFoundError:
            return False
        return True

    def url(self, *_given: Any, **_more: Any) -> str:
        """Raise `ValueError`, as Django's storage in a folder does of files that have no address.

        A signed address would let anybody hear what this portal shows to some, muted or not.
        """
        raise ValueError("A recording has no address of its own: it is heard through the portal alone.")

    def size(self, name: str) -> int:
        return int(self.head(name)["ContentLength"])

    def delete(self, name: str) -> None:
        with plainly():
            self.client.delete_object(Bucket=self.bucket_name, Key=self.key_of(name))

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        if mode != "rb":
            raise ValueError("A stored file is only read.")
        found = self.head(name)
        return File(Reader(self, self.key_of(name), int(found["ContentLength"])), name)  # type: ignore[arg-type]

    def _save(self, name: str, content: Any) -> str:
        """Store a file whole or not at all: an object is there once its last byte is."""
        kept = clean_name(name)
        where = {"Bucket": self.bucket_name, "Key": self.key_of(name), "Config": self.transfer}
        try:
            with plainly():
                if hasattr(content, "temporary_file_path"):
                    self.client.upload_file(content.temporary_file_path(), **where)
                else:
                    content.seek(0)
                    self.client.put_object(Bucket=self.bucket_name, Key=where["Key"], Body=content.read())
        except FileNotFoundError as error:
            raise StorageAway("It has no place for the object.") from error
        return str(kept)

    def part(self, key: str, first: int, length: int) -> bytes:
        """Return bytes of an object, at most a block; an answer that breaks off is asked for again."""
        asked = f"bytes={first}-{first + length - 1}"
        for left in reversed(range(TRIES)):
            with plainly():  # the client itself tries again what brings no answer
                answer = self.client.get_object(Bucket=self.bucket_name, Key=key, Range=asked)
            try:
                with plainly(), closing(answer["Body"]) as body:
                    content = bytes(body.read(length))
            except StorageAway:
                if not left:
                    raise
            else:
                if len(content) == length:
                    return content
        raise StorageAway("It sends less of an object than there is.")

    def contents(self) -> Iterator[Stored]:
        """Yield what is in the bucket below the prefix, a thousand with a request."""
        below = self.below
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket_name, Prefix=below)
        for page in each(iter(pages)):
            for one in page.get("Contents", ()):
                yield Stored(one["Key"][len(below) :], int(one["Size"]), one["LastModified"].timestamp())

    def unfinished(self) -> Iterator[Upload]:
        """Yield the uploads in parts below the prefix that nobody finished."""
        below = self.below
        pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket_name, Prefix=below)
        for page in each(iter(pages)):
            for one in page.get("Uploads", ()):
                yield Upload(one["Key"][len(below) :], one["UploadId"], one["Initiated"])

    def forget(self, upload: Upload) -> None:
        """Remove what came of an upload in parts; one that is gone is no error."""
        try:
            with plainly():
                self.client.abort_multipart_upload(
                    Bucket=self.bucket_name, Key=self.key_of(upload.name), UploadId=upload.id
                )
        except FileNotFoundError:
            return


def each(pages: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the pages of a list; raises `StorageAway`."""
    while True:
        with plainly():
            page = next(pages, None)
        if page is None:
            return
        yield page


class Reader(io.RawIOBase):
    """An object as a file: what is read is asked for, and a block ahead once it is read on from where it was."""

    def __init__(self, bucket: Bucket, key: str, size: int) -> None:
        super().__init__()
        self.bucket, self.key, self.size = bucket, key, size
        self.position = 0
        self.begin, self.held = 0, b""  # where the bytes that are here begin

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("There is nothing before the beginning of a file.")
        self.position = base + offset
        return self.position

    def read(self, size: int | None = -1, /) -> bytes:
        """Return so many bytes, fewer only at the end; all that are left without a number."""
        left = max(0, self.size - self.position)
        wanted = left if size is None or size < 0 else min(size, left)
        pieces = []
        while wanted:
            piece = self.piece(wanted)
            pieces.append(piece)
            self.position += len(piece)
            wanted -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readinto(self, buffer: Any, /) -> int:
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def piece(self, most: int) -> bytes:
        """Return the next bytes, at least one and at most so many."""
        offset = self.position - self.begin
        if not 0 <= offset < len(self.held):
            goes_on = bool(self.held) and offset == len(self.held)
            length = min(BLOCK if goes_on else most, BLOCK, self.size - self.position)
            self.held = self.bucket.part(self.key, self.position, length)
            self.begin, offset = self.position, 0
        return self.held if offset == 0 and most >= len(self.held) else self.held[offset : offset + most]
