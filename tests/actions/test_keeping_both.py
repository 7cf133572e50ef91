"""A call that was taken for another is kept by a person, and is sent then, once."""

import pytest
from django.utils import timezone

from callcov_portal.actions import advancing, analyses, recordings
from callcov_portal.actions.analyses import NotPossible
from callcov_portal.models import Analysis, BulkAct, BulkJob, Failure, LogEntry, State
from tests.actions.sameness import added, sent, taken_for
from tests.factories import AnalysisFactory, RecordingFactory
from tests.working import again, work_all

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hear")]


def test_keeping_both_sends_it_once_and_is_logged(api, alice) -> None:
    first = added("1 0")
    sent(first)
    second = added("1 1")
    sent(second)
    assert again(second).may_keep
    assert not again(second).may_retry
    analyses.keep_both(again(second), alice)
    with pytest.raises(NotPossible):
        analyses.keep_both(again(second), alice)
    entry = LogEntry.objects.get(act="kept both")
    assert (entry.user, entry.recording_number, str(first.recording) in entry.text) == (
        alice,
        second.recording_id,
        True,
    )
    assert (again(second).state, again(second).needs_comparing) == (State.QUEUED, False)
    assert sent(second)
    assert not advancing.advance(second.pk)
    assert len(api.sent) == 2


def test_of_two_who_keep_both_at_once_one_succeeds(api, alice) -> None:
    sent(added("1 0"))
    second = added("1 1")
    sent(second)
    seen_by_both = again(second)
    analyses.keep_both(again(second), alice)
    with pytest.raises(NotPossible):
        analyses.keep_both(seen_by_both, alice)
    assert LogEntry.objects.filter(act="kept both").count() == 1


def test_what_was_kept_stays_a_call_of_its_own_and_is_found_itself(api, alice) -> None:
    first = added("1 0")
    sent(first)
    second = added("1 1")
    sent(second)
    analyses.keep_both(again(second), alice)
    Analysis.objects.move(second.pk, State.CANCELLED, next_attempt_at=None)
    second.recording.refresh_from_db()
    new = analyses.analyse_again(second.recording, alice)
    assert not new.needs_comparing
    assert sent(new)
    recordings.delete(first.recording, alice)
    third = added("1 2")
    assert not sent(third)
    assert taken_for(third) == second.recording


def test_many_are_kept_by_one_act(api, alice) -> None:
    sent(added("1 0"))
    second, other = added("1 1"), added("2 0")
    sent(second)
    job = BulkJob.objects.create(user=alice, act=BulkAct.KEEP, state="running", due_at=timezone.now(), total=2)
    for analysis in (second, other):
        job.items.create(number=analysis.recording_id)
    work_all("bulk")
    job.refresh_from_db()
    assert (job.done, job.refused, again(second).state) == (2, 1, State.QUEUED)


def test_bytes_that_are_known_from_a_link_cannot_be_kept_twice(alice) -> None:
    original = RecordingFactory()
    linked = RecordingFactory(file="", link="https://example.org/a.wav", sha256=None)
    analysis = AnalysisFactory(recording=linked, state=State.FAILED, failure=Failure.DUPLICATE, duplicate_of=original)
    assert not again(analysis).may_keep
    with pytest.raises(NotPossible):
        analyses.keep_both(again(analysis), alice)
