"""Bytes of a stored file, by one range (RFC 9110)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from callcov_portal.storage import opened

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


def span_of(asked: Mapping[str, Any], size: int, tag: str) -> Span | None:
    """Return the one range asked for, None for the whole; raises `NotSatisfiable` for one beyond the end.

    `asked` are the headers as WSGI names them. A range that cannot be read, more than one, or one of another version (`If-Range`) means the whole.
    """
    match = ONE_RANGE.fullmatch(asked.get("HTTP_RANGE", ""))
    if not match or asked.get("HTTP_IF_RANGE", tag) != tag or match[1] == match[2] == "":
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


def blocks(name: str, span: Span) -> Iterator[bytes]:
    """Yield the bytes of a span, at most a block at a time; the file is open only while somebody reads."""
    with opened(name) as file:
        at = span.first
        while at <= span.last and (block := file.read(at, min(BLOCK, span.last + 1 - at))):
            at += len(block)
            yield block
