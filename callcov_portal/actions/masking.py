"""Finding what is nobody else's business in a transcript, and writing down where it is."""

from collections.abc import Sequence
from typing import Any

from callcov_portal import hiding
from callcov_portal.actions import indexing, muting
from callcov_portal.actions.results import SegmentRow, remove
from callcov_portal.models import Analysis, SensitiveSpan


def look(analysis: Analysis, rows: Sequence[SegmentRow], results: Any) -> list[SensitiveSpan]:
    """Give the rows of a transcript their masked texts, and return the spans of what is hidden; nothing is written yet.

    What our rules find counts, and what the API names where they find nothing.
    """
    looked = hiding.look(rows, results)
    for row, masked in zip(rows, looked.masked, strict=True):
        row.masked = masked
    return [
        SensitiveSpan(analysis=analysis, kind=each.kind, speaker=each.speaker, start=each.start, end=each.end)
        for each in looked.spans
    ]


def write(analysis: Analysis, spans: Sequence[SensitiveSpan]) -> None:
    """Write the spans in place of any that were there, that they must be silent, and that the words are to be indexed.

    Belongs at the end of the transaction that writes the transcript.
    """
    remove(SensitiveSpan, analysis)
    SensitiveSpan.objects.bulk_create(spans, batch_size=500)
    muting.note_spans(analysis.recording_id)
    indexing.mark(analysis.recording_id)
