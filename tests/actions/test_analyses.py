"""What a person may do with an analysis, and what not."""

import pytest

from callcov_portal.actions import analyses
from callcov_portal.actions.analyses import NotPossible
from callcov_portal.models import Analysis, Failure, LogEntry, Recording, State
from tests.factories import AnalysisFactory, CompletedFactory, ProcessingFactory
from tests.working import again

pytestmark = pytest.mark.django_db


def failed(failure: Failure, **fields: object) -> Analysis:
    return AnalysisFactory(state=State.FAILED, failure=failure, next_attempt_at=None, **fields)


def test_analysing_again_makes_a_new_analysis_and_keeps_the_old(alice) -> None:
    old = CompletedFactory()
    new = analyses.analyse_again(old.recording, alice)
    assert (new.replaces, new.state, new.requested_by) == (old, State.QUEUED, alice)
    old.recording.refresh_from_db()
    assert old.recording.current_analysis == new
    assert again(old).state == State.COMPLETED
    assert LogEntry.objects.get().act == "analysed again"


def test_what_is_still_worked_on_is_not_analysed_again(alice) -> None:
    with pytest.raises(NotPossible):
        analyses.analyse_again(ProcessingFactory().recording, alice)
    assert Analysis.objects.count() == 1


def test_a_call_that_was_deleted_meanwhile_is_not_analysed_again(alice) -> None:
    call = CompletedFactory().recording
    seen = Recording.objects.select_related("current_analysis").get(pk=call.pk)
    call.delete()
    with pytest.raises(NotPossible, match="deleted"):
        analyses.analyse_again(seen, alice)
    assert not Analysis.objects.exists()


def test_of_two_people_pressing_at_once_one_succeeds(alice) -> None:
    old = CompletedFactory()
    analyses.replace(old.recording, old, alice, "analysed again")
    with pytest.raises(NotPossible):
        analyses.replace(old.recording, old, alice, "analysed again")
    assert Analysis.objects.filter(replaces=old).count() == 1


@pytest.mark.parametrize("failure", [Failure.UNREACHABLE, Failure.BLOCKED, Failure.GAVE_UP])
def test_what_was_never_sent_is_retried_in_the_same_row(alice, failure) -> None:
    analysis = failed(failure, attempts=9)
    analyses.retry(analysis, alice)
    after = again(analysis)
    assert (after.state, after.failure, after.attempts) == (State.QUEUED, "", 0)
    assert after.next_attempt_at


@pytest.mark.parametrize("failure", sorted(set(Failure) - {Failure.UNREACHABLE, Failure.BLOCKED, Failure.GAVE_UP}))
def test_other_failures_are_not_retried(alice, failure) -> None:
    analysis = failed(failure)
    with pytest.raises(NotPossible):
        analyses.retry(analysis, alice)
    assert again(analysis).failure == failure


def test_of_two_people_who_retry_or_take_back_at_once_one_succeeds(alice) -> None:
    analysis = failed(Failure.UNREACHABLE)
    seen_by_both = again(analysis)
    analyses.retry(analysis, alice)
    with pytest.raises(NotPossible):
        analyses.retry(seen_by_both, alice)
    waiting = again(analysis)
    analyses.cancel(waiting, alice)
    with pytest.raises(NotPossible):
        analyses.cancel(waiting, alice)
    assert LogEntry.objects.count() == 2


def test_what_may_have_been_sent_is_never_retried(alice) -> None:
    analysis = failed(Failure.GAVE_UP, sent_at="2026-01-01T00:00Z")
    with pytest.raises(NotPossible):
        analyses.retry(again(analysis), alice)


def test_sending_anyway_makes_a_new_analysis_and_leaves_the_old_open_to_late_news(alice) -> None:
    old = failed(Failure.UNSURE)
    new = analyses.send_anyway(old, alice)
    assert (new.replaces, again(old).failure) == (old, Failure.UNSURE)


def test_only_an_unsure_one_is_sent_anyway(alice) -> None:
    with pytest.raises(NotPossible):
        analyses.send_anyway(failed(Failure.REFUSED), alice)


def test_a_waiting_analysis_can_be_taken_back(alice) -> None:
    analysis = AnalysisFactory()
    analyses.cancel(analysis, alice)
    after = again(analysis)
    assert (after.state, after.next_attempt_at) == (State.CANCELLED, None)


@pytest.mark.parametrize("state", [State.SENDING, State.PROCESSING])
def test_what_is_sent_cannot_be_taken_back(alice, state) -> None:
    analysis = AnalysisFactory(state=state)
    with pytest.raises(NotPossible):
        analyses.cancel(analysis, alice)
    assert again(analysis).state == state


def test_what_waits_to_be_sent_a_second_time_cannot_be_taken_back(alice) -> None:
    analysis = AnalysisFactory(sent_at="2026-01-01T00:00Z", submissions=1)
    with pytest.raises(NotPossible):
        analyses.cancel(analysis, alice)


def test_a_duplicate_is_analysed_again_only_when_the_original_is_gone(alice) -> None:
    original = CompletedFactory().recording
    duplicate = failed(Failure.DUPLICATE, duplicate_of=original)
    with pytest.raises(NotPossible):
        analyses.analyse_again(duplicate.recording, alice)
    original.delete()
    duplicate.recording.refresh_from_db()
    assert analyses.analyse_again(duplicate.recording, alice).state == State.QUEUED
