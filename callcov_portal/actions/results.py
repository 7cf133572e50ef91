"""The rows of a result, and how they are written: a model's object for each would cost more than all else of it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson

from callcov_portal.actions.pouring import Table
from callcov_portal.client.types import SnapshotWord
from callcov_portal.models import Analysis, Finding, Segment, SensitiveSpan
from callcov_portal.models.prepared import done, key
from callcov_portal.reading.ruled import Found


@dataclass(slots=True)
class SegmentRow:
    """A segment that is not written yet, by the names that `Segment` has. Our rules take it as it is."""

    label: str
    speaker: str
    text: str
    start: float
    end: float
    confidence: float | None
    words: tuple[SnapshotWord, ...]
    masked: str = ""


SEGMENT = ("label", "speaker", "text", "start", "end", "confidence", "masked")
FINDING = tuple(field.name for field in fields(Found) if field.name not in {"also", "searched"})
segment_values, finding_values = attrgetter(*SEGMENT), attrgetter(*FINDING)


@cache
def segments_table() -> Table:
    """Return the table of segments."""
    return Table(Segment, "analysis", "position", "words", *SEGMENT)


@cache
def findings_table() -> Table:
    """Return the table of findings."""
    return Table(Finding, "analysis", "position", "also", "searched", *FINDING)


def remove(rows: type[Segment | Finding | SensitiveSpan], analysis: Analysis) -> None:
    """Remove such rows of an analysis, to which no other rows belong, in the caller's transaction."""
    done(f"DELETE FROM {rows._meta.db_table} WHERE analysis_id = %s", [key(analysis.pk)])  # noqa: S608


def write_segments(analysis: UUID, rows: Sequence[SegmentRow]) -> None:
    """Write the segments of an analysis that has none, in the caller's transaction."""
    of = key(analysis)
    segments_table().write(
        (of, position, json_or_none([[*word] for word in row.words]), *segment_values(row))
        for position, row in enumerate(rows)
    )


def write_findings(analysis: UUID, found: Sequence[Found], first: int = 0) -> None:
    """Write findings of an analysis, in their order, numbered from `first`, in the caller's transaction."""
    of = key(analysis)
    findings_table().write(
        (of, position, json_or_none(one.also), json_or_none(one.searched), *finding_values(one))
        for position, one in enumerate(found, start=first)
    )


def json_or_none(value: Any) -> str | None:
    """Return a value as a column of JSON takes it; what is empty is nothing."""
    return json_text(value) if value else None


def json_text(value: Any) -> str:
    """Return JSON, of what came out of JSON that was cleaned."""
    return orjson.dumps(value).decode()
