"""What is sensitive is found when results are taken in, and in those that were there before."""

import importlib
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from callcov_portal.actions.applying import Applied, apply_snapshot
from callcov_portal.client.types import AnalysisSnapshot, SnapshotSegment
from callcov_portal.models import Muting, Recording, Segment, SensitiveSpan
from tests.factories import CompletedFactory, DocumentFactory, ProcessingFactory, SegmentFactory

CARD = "4111 1111 1111 1111"


def snapshot(analysis, *texts: str, results=None) -> AnalysisSnapshot:
    segments = tuple(SnapshotSegment("AB"[n % 2], text, 5.0 * n, 5.0 * n + 4, None) for n, text in enumerate(texts))
    return AnalysisSnapshot(analysis.external_id, "completed", datetime.now(UTC), segments=segments, results=results)


@pytest.mark.django_db
class TestApplying:
    def test_the_words_are_masked_the_seconds_kept_and_the_copy_is_due(self) -> None:
        analysis = ProcessingFactory()
        assert apply_snapshot(analysis, snapshot(analysis, "Card number?", f"It is {CARD}.")) == Applied.APPLIED
        assert list(Segment.objects.values_list("text", "masked")) == [
            ("Card number?", ""),
            (f"It is {CARD}.", "It is [card number]."),
        ]
        span = SensitiveSpan.objects.get()
        assert (span.kind, span.speaker) == ("card_number", "contact")
        assert 5.0 < span.start < span.end <= 9.0
        recording = Recording.objects.get()
        assert (recording.muting, recording.muting_attempts) == (Muting.DUE, 0)
        assert recording.muting_at is not None

    def test_instances_of_the_result_count_where_we_find_nothing(self) -> None:
        analysis = ProcessingFactory()
        results = {"compliance": {"sensitive_data": {"instances": [{"type": "password", "timestamp": 0.5, "end": 4}]}}}
        apply_snapshot(analysis, snapshot(analysis, "It is swordfish", results=results))
        assert SensitiveSpan.objects.get().kind == "password"
        assert "swordfish" not in Segment.objects.get().masked
        assert Recording.objects.get().muting == Muting.DUE

    def test_a_call_without_any_needs_no_copy(self) -> None:
        analysis = ProcessingFactory()
        apply_snapshot(analysis, snapshot(analysis, "Thank you for calling.", "Hello."))
        assert not SensitiveSpan.objects.exists()
        recording = Recording.objects.get()
        assert (recording.muting, recording.muting_at) == (Muting.NONE, None)

    def test_stale_news_writes_nothing(self) -> None:
        analysis = CompletedFactory()
        assert apply_snapshot(analysis, snapshot(analysis, CARD)) == Applied.STALE
        assert not SensitiveSpan.objects.exists()
        assert Recording.objects.get().muting == Muting.NONE

    def test_many_segments_cost_no_more_queries(self) -> None:
        def queries(*texts: str) -> int:
            analysis = ProcessingFactory()
            with CaptureQueriesContext(connection) as captured:
                apply_snapshot(analysis, snapshot(analysis, *texts))
            return len(captured)

        said = f"The card number is {CARD}, thank you."
        queries(said)  # keeps the rules and the checks, once and for all
        assert queries(*[said] * 60) == queries(said)  # SQLite takes as many rows in one go
        assert SensitiveSpan.objects.count() == 62


@pytest.mark.django_db
class TestMaskingWhatIsThere:
    """The migration, run over rows as an older version left them."""

    def run(self) -> None:
        importlib.import_module("callcov_portal.migrations.0005_mask_what_is_there").mask_all(apps, None)

    def test_completed_analyses_are_masked_and_their_copies_due(self) -> None:
        analysis = CompletedFactory()
        SegmentFactory(analysis=analysis, text="Your card number?", start=0.0, end=2.0)
        SegmentFactory(analysis=analysis, text=CARD, start=3.0, end=7.0)
        DocumentFactory(
            analysis=analysis,
            raw={"results": {"compliance": {"sensitive_data": {"instances": [{"timestamp": 60, "end": 61}]}}}},
        )
        plain = SegmentFactory(text="Nothing to hide.")
        for _ in range(2):  # stopped half-way it begins again
            self.run()
            assert Segment.objects.filter(analysis=analysis).values_list("masked", flat=True)[1] == "[card number]"
            assert list(SensitiveSpan.objects.values_list("start", "end")) == [(3.0, 7.0), (60.0, 61.0)]
        assert Recording.objects.get(pk=analysis.recording_id).muting == Muting.DUE
        assert Recording.objects.get(pk=plain.analysis.recording_id).muting == Muting.NONE
        plain.refresh_from_db()
        assert plain.masked == ""

    def test_an_analysis_without_transcript_or_document_does_no_harm(self) -> None:
        CompletedFactory()
        DocumentFactory(raw={"odd": 1})
        ProcessingFactory()
        self.run()
        assert not SensitiveSpan.objects.exists()
