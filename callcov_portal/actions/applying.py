"""★ The only door into results: what the API says about an analysis is applied here, and nowhere else."""

from collections.abc import Sequence
from enum import Enum

from django.db import transaction
from django.utils import timezone

from callcov_portal.actions import deliveries, judging, masking, schedule, spending, tallying
from callcov_portal.actions.results import SegmentRow, json_text, remove, write_findings, write_segments
from callcov_portal.client.types import AnalysisSnapshot, SnapshotSegment
from callcov_portal.models import Analysis, Document, Failure, Finding, Outcome, Recording, Segment, State
from callcov_portal.models.prepared import done, key, moment
from callcov_portal.reading import talk
from callcov_portal.reading.alignment import Line
from callcov_portal.reading.ruled import Found
from callcov_portal.reading.speakers import who_is_who


class Applied(Enum):
    """What came of a snapshot."""

    APPLIED = "applied"  # the analysis is finished now, with everything the snapshot said
    UNCHANGED = "unchanged"  # still working: progress and schedule were noted
    STALE = "stale"  # the analysis does not take this news any more (finished, or deleted)


def apply_snapshot(analysis: Analysis, snapshot: AnalysisSnapshot) -> Applied:
    """Apply what the API says, once: all of it or nothing, in one transaction.

    First comes a conditional UPDATE of the state from the states that allow it, so that of two callers (or
    of a replay) one writes the transcript and the other gets `STALE`. A finished analysis never goes back.
    """
    if snapshot.status == "completed":
        return complete(analysis, snapshot)
    if snapshot.status == "failed":
        return note_failure(analysis, snapshot)
    return note_progress(analysis, snapshot)


def bound(snapshot: AnalysisSnapshot) -> dict[str, object]:
    """Return the fields that every kind of news sets."""
    return {"external_id": snapshot.id, "news_at": timezone.now(), "attempts": 0}


def complete(analysis: Analysis, snapshot: AnalysisSnapshot) -> Applied:
    """Take in a completed analysis with its transcript and findings.

    A long call takes seconds to read: that is done before the transaction, which keeps all other writers waiting.
    """
    segments, found, rules = read_results(analysis, snapshot)
    raw = json_text(snapshot.document)
    spans = masking.look(analysis, segments, snapshot.results)
    with transaction.atomic():
        moved = Analysis.objects.move(
            analysis.pk,
            State.COMPLETED,
            detail="",
            next_attempt_at=None,
            finished_at=timezone.now(),
            language=snapshot.language[:20],
            rules=rules,
            stage="",
            **bound(snapshot),
        )
        if not moved:
            return Applied.STALE
        keep_document(analysis, raw)
        write_results(analysis, segments, found)
        note_duration(analysis, snapshot)
        tallying.retally(analysis.recording_id, known=(analysis.pk, counted_of(segments, found, snapshot)))
        masking.write(analysis, spans)
        spending.count(completed=1)  # last: its row is everybody's
    return Applied.APPLIED


def counted_of(segments: Sequence[SegmentRow], found: Sequence[Found], snapshot: AnalysisSnapshot) -> tallying.Results:
    """Return of results that were written just now what is counted, so that nobody reads them again."""
    return tallying.Results(
        [(one.check_id, one.outcome, one.title) for one in found if one.outcome != Outcome.NOT_ASSESSED],
        [(one.speaker, one.start, one.end) for one in segments],
        talk.tone_in(snapshot.document),
    )


def note_failure(analysis: Analysis, snapshot: AnalysisSnapshot) -> Applied:
    """Take in the API's word that the analysis failed, with its reason."""
    with transaction.atomic():
        moved = Analysis.objects.move(
            analysis.pk,
            State.FAILED,
            Failure.ANALYSIS_FAILED,
            detail=snapshot.error_message or "The API gave no reason.",
            next_attempt_at=None,
            finished_at=timezone.now(),
            stage="",
            **bound(snapshot),
        )
        if not moved:
            return Applied.STALE
        keep_document(analysis, json_text(snapshot.document))
    return Applied.APPLIED


def note_progress(analysis: Analysis, snapshot: AnalysisSnapshot) -> Applied:
    """Note that the API is still at it, and when to look again."""
    now = timezone.now()
    accepted_at = analysis.accepted_at or now
    moved = Analysis.objects.move(
        analysis.pk,
        State.PROCESSING,
        accepted_at=accepted_at,
        finished_at=None,
        next_attempt_at=schedule.next_look(accepted_at, now, webhooks_come=deliveries.come()),
        **progress_fields(snapshot),
        **bound(snapshot),
    )
    return Applied.UNCHANGED if moved else Applied.STALE


def progress_fields(snapshot: AnalysisSnapshot) -> dict[str, object]:
    """Return how far the API is and what keeps it, where it says so: the embedded engine does, as an extra of its own."""
    return {"stage": snapshot.stage[:60], "stage_fraction": snapshot.fraction, "detail": snapshot.error_message}


def keep_document(analysis: Analysis, raw: str) -> None:
    """Keep the document as received, so that it can be read again when we learn to read more."""
    done(KEEP_DOCUMENT, [key(analysis.pk), raw, moment(timezone.now())])


KEEP_DOCUMENT = f"""
    INSERT INTO {Document._meta.db_table} (analysis_id, raw, received_at) VALUES (%s, %s, %s)
    ON CONFLICT (analysis_id) DO UPDATE SET raw = excluded.raw, received_at = excluded.received_at
"""  # noqa: S608


def read_results(analysis: Analysis, snapshot: AnalysisSnapshot) -> tuple[list[SegmentRow], list[Found], str]:
    """Return the rows of the transcript, not written yet, the findings, and the hash of the findings' rules."""
    speakers = who_is_who(segment.speaker for segment in snapshot.segments)
    lines = [Line(speakers[s.speaker], s.text, s.start, s.end) for s in snapshot.segments]
    rows = segment_rows(snapshot.segments, lines)
    return rows, *judging.judge(analysis, snapshot, rows, lines)


def segment_rows(segments: Sequence[SnapshotSegment], lines: Sequence[Line]) -> list[SegmentRow]:
    """Return the rows of a transcript, in its order."""
    return [
        SegmentRow(
            segment.speaker[:40], line.speaker, line.text, line.start, line.end, segment.confidence, segment.words
        )
        for segment, line in zip(segments, lines, strict=True)
    ]


def write_results(analysis: Analysis, segments: Sequence[SegmentRow], found: Sequence[Found]) -> None:
    """Write segments and findings in place of any that were there."""
    remove(Segment, analysis)
    write_segments(analysis.pk, segments)
    remove(Finding, analysis)
    write_findings(analysis.pk, found)


def note_duration(analysis: Analysis, snapshot: AnalysisSnapshot) -> None:
    """Take the duration from the API where our own probe has none."""
    if snapshot.duration_seconds is not None:
        done(NOTE_DURATION, [snapshot.duration_seconds, analysis.recording_id])


NOTE_DURATION = (
    f"UPDATE {Recording._meta.db_table} SET duration_seconds = %s WHERE id = %s AND duration_seconds IS NULL"  # noqa: S608
)
