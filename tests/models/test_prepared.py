"""Statements that are put together once say what Django's own would."""

from datetime import timedelta

import pytest
from django.utils import timezone

from callcov_portal.models import Analysis, Recording, State
from callcov_portal.models.prepared import AtOnce, Update, prepared, prepared_models
from tests.factories import AnalysisFactory, RecordingFactory

pytestmark = pytest.mark.django_db


def test_an_update_sets_columns_where_its_condition_holds_and_says_in_how_many_rows() -> None:
    one, other = AnalysisFactory(), AnalysisFactory()
    at = timezone.now() - timedelta(hours=1)
    update = Update(Analysis, ("language", "finished_at", "speakers_swapped"), "recording_id = %s AND state = %s")
    assert update.made(["de", at, True], one.recording_id, State.QUEUED) == 1
    assert update.made(["fr", None, False], one.recording_id, State.COMPLETED) == 0
    after = Analysis.objects.get(pk=one.pk)
    assert (after.language, after.finished_at, after.speakers_swapped) == ("de", at, True)
    assert Analysis.objects.get(pk=other.pk).language == ""
    update.made(["", None, False], one.recording_id, State.QUEUED)
    assert Analysis.objects.get(pk=one.pk).finished_at is None


def test_an_update_takes_a_row_for_its_key() -> None:
    analysis, original = AnalysisFactory(), RecordingFactory()
    Update(Analysis, ["duplicate_of"], "recording_id = %s").made([original], analysis.recording_id)
    assert Analysis.objects.get(pk=analysis.pk).duplicate_of == original


def test_rows_come_as_models_and_what_is_not_named_is_read_later(django_assert_num_queries) -> None:
    recording = RecordingFactory(link="https://calls.example/1")
    calls = prepared_models(Recording.objects.filter(pk=0), "called_at", "agent_id", "id")
    with django_assert_num_queries(1):
        [found] = calls.rows([recording.pk])
        assert (found, found.agent_id, found.called_at) == (recording, recording.agent_id, recording.called_at)
    with django_assert_num_queries(1):
        assert found.link == "https://calls.example/1"
    assert calls.rows([recording.pk + 1]) == []


def test_a_row_that_is_due_comes_whole(django_assert_num_queries) -> None:
    analysis = AnalysisFactory()
    with django_assert_num_queries(1):
        found = Analysis.objects.due_one(analysis.pk, timezone.now())
        assert found is not None
        names = [field.attname for field in Analysis._meta.concrete_fields]
        assert [getattr(found, name) for name in names] == [getattr(analysis, name) for name in names]
    Analysis.objects.update(next_attempt_at=timezone.now() + timedelta(minutes=5))
    assert Analysis.objects.due_one(analysis.pk, timezone.now()) is None
    Analysis.objects.update(next_attempt_at=timezone.now() + timedelta(days=5))  # before the clock was set back
    assert Analysis.objects.due_one(analysis.pk, timezone.now()) is not None


def test_nothing_can_be_filtered_before_a_move_which_would_not_heed_it() -> None:
    assert hasattr(Analysis.objects, "move")
    assert not hasattr(Analysis.objects.filter(sent_at=None), "move")


def test_several_statements_are_asked_as_one(django_assert_num_queries) -> None:
    analysis, other = AnalysisFactory(), RecordingFactory()
    one = prepared(Recording.objects.filter(pk=0).values_list("id", "called_at"))
    both = AtOnce(one, prepared(Analysis.objects.filter(recording=0).values_list("id")), one)
    with django_assert_num_queries(1):
        found = both.found(other.pk, analysis.recording_id, analysis.recording_id)
    recording = Recording.objects.get(pk=analysis.recording_id)
    assert found == [(other.pk, other.called_at), (analysis.pk,), (recording.pk, recording.called_at)]
    assert both.found(other.pk, other.pk, other.pk) is None
