"""Bytes of a stored file, by one range (RFC 9110)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.files import File
from django.core.files.storage import default_storage
from django.http import HttpRequest

BLOCK = 1024 * 1024  # what a player asks for at once: each block more is a way through Python more
ONE_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.ASCII | re.IGNORECASE)


class NotSatisfiable(Exception):
    """The range lies beyond the end of the file."""


@dataclass(frozen=True)
class Span:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def span_of(request: HttpRequest, size: int, tag: str) -> Span | None:
    """Return the one range asked for, None for the whole; raises `NotSatisfiable` for one beyond the end.

    A range that cannot be read, more than one, or one of another version (`If-Range`) means the whole.
    """
    match = ONE_RANGE.fullmatch(request.META.get("HTTP_RANGE", ""))
    if not match or request.META.get("HTTP_IF_RANGE", tag) != tag or match[1] == match[2] == "":
        return None
    if match[1] == "":
        length = int(match[2])
        if length == 0 or size == 0:
            raise NotSatisfiable
        return Span(max(0, size - length), size - 1)
    first = int(match[1])
    last = min(int(match[2]) if match[2] else size - 1, size - 1)
    if match[2] and int(match[2]) < first:
        return None
    if first >= size:
        raise NotSatisfiable
    return Span(first, last)


def part(file: "File[bytes]", span: Span) -> bytes:
    """Return the bytes of a span at once."""
    file.seek(span.first)
    return bytes(file.read(span.length))


def blocks(name: str, span: Span) -> Iterator[bytes]:
    """Yield the bytes of a span, at most a block at a time; the file is open only while somebody reads."""
    with default_storage.open(name) as file:
        file.seek(span.first)
        left = span.length
        while left > 0 and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block
