"""Files that arrive in pieces: what is here of a file stays when its connection breaks, and the rest is added later.

A part is `incoming/<name>.part`. Where it ends is how far it has come: nothing else is written down about it, so
nothing can disagree with it.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

from callcov_portal.bodies import BrokenOff
from callcov_portal.uploads import incoming_folder

KEPT = timedelta(hours=24)  # since the last byte came
BLOCK = 256 * 1024  # the most that a killed process loses


class Elsewhere(Exception):
    """The part ends at another place than the bytes begin: somebody else has added some, or they come again."""


class Busy(Exception):
    """The part is complete and being taken in right now."""


class Whole(NamedTuple):
    """A file of which all bytes are here and on disk."""

    path: Path  # may be moved away
    sha256: str


class Readable(Protocol):
    """What bytes come from; `read` gives nothing only at the end."""

    def read(self, size: int = -1, /) -> bytes: ...


def path_of(name: str) -> Path:
    """Return where the part of that name is, or would be."""
    return incoming_folder() / f"{name}.part"


def begin(name: str) -> Path:
    """Make an empty part, or leave the one that is there as it is."""
    path = path_of(name)
    path.touch(mode=0o600)
    return path


def append(path: Path, offset: int, source: Readable, length: int) -> int:
    """Add the next `length` bytes behind the first `offset`; return the new size.

    Each block is written only where the part still ends in its place, so that a forgotten connection which wakes
    up late can do no harm. Raises `Elsewhere` before anything is changed, and whatever `source` raises: what came
    until then is kept. Raises `FileNotFoundError` if there is no such part.
    """
    with path.open("r+b", buffering=0) as file:
        end = offset + length
        require(file.fileno(), offset)
        while offset < end:
            block = source.read(min(BLOCK, end - offset))
            if not block:
                raise BrokenOff(f"The bytes end {end - offset} before their length.")
            with locked(file.fileno()):
                require(file.fileno(), offset)
                offset += put(file.fileno(), block, offset)
    return offset


def require(descriptor: int, offset: int) -> None:
    """Raise `Elsewhere` unless an open part ends at `offset`."""
    if os.fstat(descriptor).st_size != offset:
        raise Elsewhere


def put(descriptor: int, block: bytes, offset: int) -> int:
    """Write all of a block at a place; return its length."""
    written = 0
    while written < len(block):
        written += os.pwrite(descriptor, block[written:], offset + written)
    return written


@contextmanager
def locked(descriptor: int) -> Iterator[None]:
    """Hold an open part for as long as one block takes."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def complete(path: Path) -> Iterator[Whole]:
    """Put a complete part on disk and hand it out, hashed in one pass and constant memory; gone afterwards.

    Whoever takes it may move it: what is handed out is another name of the same bytes, and the part itself goes
    only when all went well. Raises `Busy` if somebody is at it, `FileNotFoundError` if it is gone.
    """
    with path.open("rb", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy from error
        whole = path.with_name(f"{path.stem}-whole.part")
        whole.unlink(missing_ok=True)  # of a process that was killed here
        whole.hardlink_to(path)
        os.fsync(file.fileno())
        try:
            yield Whole(whole, hashlib.file_digest(file, "sha256").hexdigest())
        finally:
            whole.unlink(missing_ok=True)
        path.unlink(missing_ok=True)  # its batch may be cancelled in this moment


def expires_at(path: Path) -> datetime:
    """Return when a part is given up unless more comes; raises `FileNotFoundError`."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC) + KEPT
