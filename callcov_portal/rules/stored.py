"""A segment as it is stored, for whoever runs rules on it. It fits `values.SpokenSegment`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class StoredWord(NamedTuple):
    """One word; `start` and `end` in seconds, `confidence` from 0 to 1 or None."""

    text: str
    start: float
    end: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """One speaker's stretch of speech. Without `words`, their times are shared out over it."""

    speaker: str
    text: str
    start: float
    end: float
    words: tuple[StoredWord, ...] = ()


def stored(
    speaker: str, text: str, start: float, end: float, words: Iterable[Sequence[Any]] | None = None
) -> StoredSegment:
    """Return a segment from its columns; `words` are `[text, start, end, confidence]` each."""
    return StoredSegment(speaker, text, start, end, tuple(StoredWord(*word) for word in words or ()))
