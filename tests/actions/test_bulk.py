"""One act on many calls: exactly those that were meant, each once, whatever dies in between."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import OperationalError
from django.utils import timezone

from callcov_portal import tasks
from callcov_portal.actions import bulk, chores, recordings
from callcov_portal.models import (
    Analysis,
    BulkAct,
    BulkItem,
    BulkJob,
    BulkState,
    Failure,
    LogEntry,
    Recording,
    Role,
    State,
)
from callcov_portal.models.selection import Choice, Selection
from tests.factories import NOON, AgentFactory, AnalysisFactory, CompletedFactory, RecordingFactory
from tests.working import due, work, work_all

EVERYTHING = Selection()


def failed(failure: Failure = Failure.UNREACHABLE) -> Analysis:
    return AnalysisFactory(state=State.FAILED, failure=failure, next_attempt_at=None)


def done(job: BulkJob, **values) -> BulkJob:
    """Confirm a job and work until it is finished."""
    assert job.user
    assert bulk.confirm(job, job.user, values)
    while work("bulk", job.pk):
        pass
    job.refresh_from_db()
    assert job.state == BulkState.FINISHED
    return job


def reasons(job: BulkJob) -> set[str]:
    return set(job.items.exclude(why="").values_list("why", flat=True))


def test_nothing_is_done_before_it_is_confirmed_and_calls_that_come_later_are_not_touched(alice):
    RecordingFactory.create_batch(2)
    job = bulk.ask(alice, BulkAct.DELETE, EVERYTHING)
    assert not work("bulk", job.pk)
    assert (job.total, Recording.objects.count()) == (2, 2)
    late = RecordingFactory()
    assert done(job).done == 2
    assert list(Recording.objects.all()) == [late]


def test_an_act_runs_once_however_often_it_is_confirmed(alice):
    failed()
    job = bulk.ask(alice, BulkAct.RETRY, EVERYTHING)
    assert [bulk.confirm(job, alice), bulk.confirm(job, alice)] == [True, False]
    assert work("bulk", job.pk)
    assert not bulk.confirm(job, alice)
    assert not work("bulk", job.pk)
    assert LogEntry.objects.filter(act="retried").count() == 1
    assert LogEntry.objects.get(act="confirmed for many calls").text == "Retry: 1 calls (all)"


def test_only_the_calls_that_the_filters_choose_are_meant_also_when_they_no_longer_do(alice):
    first, second = failed(), failed()
    AnalysisFactory()
    job = bulk.ask(alice, BulkAct.RETRY, Selection(choices=(Choice("state", ("failed",)),)))
    Recording.objects.filter(pk=second.recording.pk).update(state=State.COMPLETED)
    Analysis.objects.filter(pk=second.pk).update(state=State.COMPLETED)
    job = done(job)
    assert (job.total, job.done, job.refused) == (2, 2, 1)
    first.refresh_from_db()
    assert first.state == State.QUEUED
    assert reasons(job) == {"Only what failed before anything was sent can be retried."}


def test_a_worker_that_dies_loses_nothing_and_nothing_is_done_twice(alice, monkeypatch):
    calls = RecordingFactory.create_batch(4, called_at=NOON)
    job = bulk.ask(alice, BulkAct.CORRECT, EVERYTHING)
    bulk.confirm(job, alice, {"hours": 1.0})
    edit, seen = recordings.edit_details, []

    def dying(recording, details, user):
        edit(recording, details, user)
        seen.append(recording.pk)
        if len(seen) == 3:
            raise SystemExit  # after the call was changed and before that is committed

    monkeypatch.setattr(recordings, "edit_details", dying)
    with pytest.raises(SystemExit):
        work("bulk", job.pk)
    job.refresh_from_db()
    assert job.done == 2
    assert not work("bulk", job.pk)  # the dead worker's lease holds yet
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1)):
        assert due("bulk") == [job.pk]
        assert work("bulk", job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.refused) == (BulkState.FINISHED, 4, 0)
    assert set(Recording.objects.values_list("called_at", flat=True)) == {NOON + timedelta(hours=1)}
    assert LogEntry.objects.filter(act="edited").count() == len(calls)


def test_a_bit_is_done_at_a_time_and_the_sweep_goes_on(alice, monkeypatch):
    rung: list[str] = []
    monkeypatch.setattr(tasks, "send", lambda _task, *sent: rung.append(sent[-1]))
    RecordingFactory.create_batch(3)
    job = bulk.ask(alice, BulkAct.DELETE, EVERYTHING)
    bulk.confirm(job, alice)
    with monkeypatch.context() as hurried:
        hurried.setattr(chores, "BIT", -1.0)
        assert work("bulk", job.pk)
    job.refresh_from_db()
    assert job.done == 1
    tasks.sweep()
    assert str(job.pk) in rung
    tasks.chore("bulk", str(job.pk))
    job.refresh_from_db()
    assert job.state == BulkState.FINISHED


def test_a_database_that_is_busy_costs_no_call_its_turn(alice, monkeypatch):
    failed()
    job = bulk.ask(alice, BulkAct.RETRY, EVERYTHING)
    bulk.confirm(job, alice)

    def busy(*_arguments):
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(bulk, "act_on", busy)
        assert work("bulk", job.pk)
    assert job.items.filter(is_done=False).count() == 1
    job.refresh_from_db()
    assert (job.state, job.attempts, job.detail) == (BulkState.RUNNING, 1, "OperationalError: database is locked")
    assert job.due_at > timezone.now()  # put off, not given up
    BulkJob.objects.update(due_at=timezone.now())
    work_all("bulk")
    assert job.items.filter(is_done=False, why="").count() == 0


def test_what_goes_wrong_with_one_call_does_not_stop_the_line(alice, monkeypatch):
    RecordingFactory.create_batch(2)
    job = bulk.ask(alice, BulkAct.DELETE, EVERYTHING)
    delete, seen = recordings.delete, []

    def clumsy(recording, user):
        seen.append(recording.pk)
        if len(seen) == 1:
            raise ValueError("odd")
        delete(recording, user)

    monkeypatch.setattr(recordings, "delete", clumsy)
    job = done(job)
    assert (job.done, job.refused, reasons(job)) == (2, 1, {"ValueError: odd"})
    assert Recording.objects.count() == 1


def test_details_are_corrected_where_they_are_given_and_stay_where_they_are_not(alice):
    call = RecordingFactory(agent=AgentFactory(identifier="old"), called_at=NOON, direction="inbound")
    contact = call.contact
    done(bulk.ask(alice, BulkAct.CORRECT, EVERYTHING), agent="new", day="2026-02-28")
    call.refresh_from_db()
    assert (call.agent.identifier, call.contact, call.direction) == ("new", contact, "inbound")
    assert call.called_at == NOON.replace(month=2, day=28)
    assert "agent: old → new" in LogEntry.objects.get(act="edited").text
    done(bulk.ask(alice, BulkAct.CORRECT, EVERYTHING), contact="unknown", direction="outbound", hours=-1.5)
    call.refresh_from_db()
    assert (call.contact, call.direction) == (None, "outbound")
    assert call.called_at == NOON.replace(month=2, day=28) - timedelta(hours=1.5)


@pytest.mark.parametrize(
    ("hours", "why"), [(9e9, "No calendar reaches that far."), (24 * 366 * 20, "The call would lie in the future.")]
)
def test_a_time_that_cannot_be_is_refused(alice, hours, why):
    RecordingFactory(called_at=NOON)
    assert reasons(done(bulk.ask(alice, BulkAct.CORRECT, EVERYTHING), hours=hours)) == {why}


def test_a_reviewer_corrects_own_calls_alone_and_deletes_none(bob):
    RecordingFactory()
    own = RecordingFactory(uploaded_by=bob)
    job = done(bulk.ask(bob, BulkAct.CORRECT, EVERYTHING), agent="mine")
    assert reasons(job) == {"Only a lead, or who added the call, can correct it."}
    own.refresh_from_db()
    assert own.agent.identifier == "mine"
    with pytest.raises(bulk.Refused, match="Only a lead"):
        bulk.ask(bob, BulkAct.DELETE, EVERYTHING)
    assert not BulkJob.objects.filter(act=BulkAct.DELETE).exists()


def test_who_is_no_lead_any_more_deletes_nothing(alice):
    RecordingFactory()
    job = bulk.ask(alice, BulkAct.DELETE, EVERYTHING)
    alice.role = Role.REVIEWER
    alice.save()
    assert reasons(done(job)) == {"Only a lead can delete calls."}


def test_finished_calls_are_analysed_again_and_others_say_why_not(alice):
    finished = CompletedFactory()
    AnalysisFactory()
    job = done(bulk.ask(alice, BulkAct.AGAIN, EVERYTHING))
    assert (job.done, job.refused) == (2, 1)
    assert Analysis.objects.filter(replaces=finished, state=State.QUEUED).exists()


def test_a_call_that_is_gone_or_was_never_analysed_is_said_to_be(alice):
    gone, _never = RecordingFactory(), RecordingFactory()
    job = bulk.ask(alice, BulkAct.RETRY, EVERYTHING)
    gone.delete()
    assert reasons(done(job)) == {"The call is gone.", "It was never analysed."}


@pytest.mark.parametrize("selection", [EVERYTHING, Selection(nothing=True), Selection(numbers=(7,))])
def test_no_call_is_no_job(alice, selection):
    with pytest.raises(bulk.Refused, match="No call is chosen"):
        bulk.ask(alice, BulkAct.RETRY, selection)
    assert not BulkJob.objects.exists()


def test_what_was_never_confirmed_and_what_is_old_is_tidied_away(alice):
    RecordingFactory()
    jobs = [bulk.ask(alice, BulkAct.AGAIN, EVERYTHING) for _ in range(2)]
    done(jobs[0])
    bulk.forget_old(datetime.now(UTC) + timedelta(days=2))
    assert list(BulkJob.objects.all()) == [jobs[0]]
    bulk.forget_old(datetime.now(UTC) + timedelta(days=31))
    assert not BulkJob.objects.exists()
    assert not BulkItem.objects.exists()


def test_what_fails_again_is_not_retried_for_ever(alice):
    then = timezone.now() - timedelta(minutes=1)
    analysis = AnalysisFactory(state=State.FAILED, failure=Failure.UNREACHABLE, next_attempt_at=None, finished_at=then)
    assert bulk.retry_all(Failure.UNREACHABLE, alice)
    assert bulk.retry_all(Failure.UNREACHABLE, alice) is None
    work_all("bulk")
    analysis.refresh_from_db()
    assert analysis.state == State.QUEUED
    type(analysis).objects.move(analysis.pk, State.FAILED, Failure.UNREACHABLE, finished_at=timezone.now())
    work_all("bulk")
    analysis.refresh_from_db()
    assert analysis.state == State.FAILED
    assert bulk.retry_all(Failure.UNREACHABLE, alice)  # a person may ask again
