"""The work on a job: every way it can go, and that it is written down once."""

import errno
import shutil
import threading
import uuid
from datetime import timedelta
from types import SimpleNamespace
from typing import get_args

import orjson
import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from callcov_portal import safefetch, sound
from callcov_portal.engine import documents, holding, intake, pipeline, speech, wire
from callcov_portal.engine.models import LEASE, Callback, Job, Outcome, State
from tests.sound import samples

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def scripted(settings):
    settings.CALLCOV_ENGINE_MODEL = "scripted"


@pytest.fixture
def hearing(monkeypatch):
    """Return a function that has the recogniser do something of ours."""

    def use(transcribe):
        monkeypatch.setattr(speech, "recogniser", lambda: SimpleNamespace(transcribe=transcribe))

    return use


@pytest.fixture
def link(monkeypatch):
    """Return a function that decides what fetching a link does: bytes, or an exception."""

    def leads_to(what):
        def fetch_to(url, path, *, guard, max_bytes, **_):
            if isinstance(what, Exception):
                raise what
            path.write_bytes(what)
            return safefetch.Fetched(
                path=path, size=len(what), sha256="5" * 64, content_type="audio/wav", final_url=url
            )

        monkeypatch.setattr(safefetch, "fetch_to", fetch_to)

    return leads_to


def due_now(job):
    Job.objects.filter(pk=job.pk).update(next_attempt_at=timezone.now())


def again(job):
    """Make the job due and do its next step."""
    due_now(job)
    assert pipeline.advance(job.pk)
    job.refresh_from_db()
    return job


def raising(error):
    def transcribe(*_args, **_kwargs):
        raise error

    return transcribe


# --- When all goes well ----------------------------------------------------------------------------------------------


def test_an_upload_is_heard_and_completed_with_transcript_and_results(make_job):
    job = again(make_job(upload=True))

    assert job.state == State.COMPLETED
    document = orjson.loads(orjson.dumps(wire.analysis(Job.objects.select_related("outcome").get())))
    documents.Analysis.model_validate(document)
    assert document["transcript"]["segments"][0]["speaker"] == "A"
    assert document["transcript"]["text"].startswith("Agent: ")
    assert {
        "identity_verification",
        "mandatory_disclosures",
        "purpose_declaration",
        "prohibited_phrases",
        "sensitive_data",
    } <= set(document["results"]["compliance"])
    assert document["metadata"]["processing_time_ms"] >= 0
    assert document["metadata"]["completed_at"] is not None


def test_a_link_is_fetched_first_and_heard_next(make_job, link, recording):
    link(recording.read_bytes())

    job = again(make_job())

    assert job.state == State.PROCESSING
    assert (job.audio_format, job.channels, job.size) == ("wav", 1, recording.stat().st_size)
    assert (job.attempts, job.owner) == (0, None)
    assert intake.audio_path(job).read_bytes() == recording.read_bytes()
    assert [path.suffix for path in intake.folder().iterdir()] == [".wav"]
    assert job.stage == "stored"
    assert again(job).state == State.COMPLETED


def test_the_guard_and_the_limit_are_those_of_the_settings(make_job, monkeypatch, settings):
    settings.CALLCOV_FETCH_ALLOW = ["10.0.0.0/8"]
    settings.CALLCOV_MAX_UPLOAD_MB = 7
    asked: dict = {}

    def fetch_to(url, path, **more):
        asked.update(more, url=url)
        raise safefetch.TooLarge("Too large.")

    monkeypatch.setattr(safefetch, "fetch_to", fetch_to)

    job = again(make_job())

    assert asked["guard"].allow == ("10.0.0.0/8",)
    assert asked["max_bytes"] == 7 * 1024 * 1024
    assert asked["url"] == job.source_url


def test_a_silent_recording_completes_with_no_words(make_job, tmp_path):
    job = make_job(upload=True)
    intake.audio_path(job).write_bytes(samples.write(tmp_path / "s.wav", samples.silence(1)).read_bytes())

    assert again(job).state == State.COMPLETED
    assert orjson.loads(Outcome.objects.get().transcript)["segments"] == []


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED])
def test_a_call_back_becomes_due_with_the_end_if_one_was_asked_for(make_job, state, hearing):
    if state == State.FAILED:
        hearing(raising(sound.NotAudio("There is no sound in it.")))
    told, untold = make_job(upload=True, webhook_url="https://example.com/hook"), make_job(upload=True)

    assert again(told).state == again(untold).state == state
    assert Callback.objects.get().job_id == told.pk


# --- When it does not ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        safefetch.Blocked("The link names an address that is not public."),
        safefetch.TooLarge("The file is larger than 500 MB."),
        safefetch.Unreachable("The server answered with HTTP 404.", 404),
    ],
)
def test_a_link_that_cannot_be_had_fails_at_once_with_the_reason(make_job, link, error):
    link(error)

    job = again(make_job())

    assert (job.state, job.error_message) == (State.FAILED, str(error))
    assert job.completed_at is not None
    assert list(intake.folder().iterdir()) == []


@pytest.mark.parametrize("status", [None, 500, 503, 429, 408])
def test_a_link_that_may_answer_later_is_tried_three_times(make_job, link, status):
    link(safefetch.Unreachable("The server did not answer.", status))

    job = again(make_job())
    assert (job.state, job.owner) == (State.PROCESSING, None)
    assert timedelta(seconds=4) < job.next_attempt_at - timezone.now() <= timedelta(seconds=5)
    assert not pipeline.advance(job.pk)
    job = again(job)
    assert timedelta(seconds=28) < job.next_attempt_at - timezone.now() <= timedelta(seconds=30)
    job = again(job)

    assert (job.state, job.error_message) == (State.FAILED, "The server did not answer.")


def test_a_link_to_something_else_fails_as_no_audio(make_job, link):
    link(b"<html>Not found</html>")

    job = again(make_job())

    assert job.state == State.FAILED
    assert len(job.error_message) > 10
    assert list(intake.folder().iterdir()) == []


def test_audio_that_cannot_be_decoded_fails_with_the_reason(make_job):
    job = make_job(upload=True)
    intake.audio_path(job).write_bytes(b"nothing of that kind")

    job = again(job)

    assert job.state == State.FAILED
    assert len(job.error_message) > 10


def test_audio_that_is_gone_fails_with_what_to_do(make_job):
    job = make_job(upload=True)
    intake.audio_path(job).unlink()

    assert "submit the recording again" in again(job).error_message


def test_trouble_of_the_recogniser_is_tried_again_and_then_said(make_job, hearing):
    hearing(raising(speech.SpeechError("The speech recogniser ran out of memory.")))
    job = make_job(upload=True)

    assert [again(job).state for _ in range(3)] == [State.PROCESSING, State.PROCESSING, State.FAILED]
    assert job.error_message == "The speech recogniser ran out of memory."


def test_while_a_job_waits_its_stage_says_whether_its_audio_is_here(make_job, hearing, link):
    link(safefetch.Unreachable("The server did not answer."))
    hearing(raising(speech.SpeechError("The speech recogniser ran out of memory.")))
    here, elsewhere = make_job(upload=True, stage="recognising", fraction=0.7), make_job(stage="fetching")

    assert [(job.stage, job.fraction) for job in (again(here), again(elsewhere))] == [("stored", 0.0), ("", 0.0)]


def test_the_stages_are_told_in_the_documented_order_and_end_with_the_rules(make_job, monkeypatch):
    told = []
    monkeypatch.setattr(holding.Hold, "progress", lambda _hold, stage, _fraction: told.append(stage))

    again(make_job(upload=True))

    assert told[-1] == "checking rules"
    assert set(told) <= set(get_args(documents.Stage))
    assert sorted(told, key=get_args(documents.Stage).index) == told


def test_trouble_that_passes_leaves_no_trace_in_the_result(make_job, hearing, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(speech, "recogniser", lambda: SimpleNamespace(transcribe=raising(speech.SpeechError("Died."))))
        job = again(make_job(upload=True))
    job = again(job)

    assert (job.state, job.error_message) == (State.COMPLETED, "")


def test_a_bug_is_logged_tried_again_and_then_a_failure(make_job, hearing, caplog):
    hearing(raising(ZeroDivisionError("division by zero")))
    job = make_job(upload=True)

    assert [again(job).state for _ in range(3)] == [State.PROCESSING, State.PROCESSING, State.FAILED]
    assert "internal error" in job.error_message
    assert "division" not in job.error_message
    assert "division by zero" in caplog.text


def test_a_database_that_does_not_answer_costs_no_more_than_the_lease(make_job, hearing):
    hearing(raising(OperationalError("database is locked")))
    job = again(make_job(upload=True))

    assert job.state == State.PROCESSING
    assert job.owner is not None
    assert not pipeline.advance(job.pk)


def test_a_connection_that_breaks_while_a_long_call_is_heard_costs_nothing(make_job, hearing):
    def long(*_args, **_kwargs):
        connection.ensure_connection()
        connection.connection.close()
        return speech.Transcript((), "", 3.0, 1)

    hearing(long)

    assert again(make_job(upload=True)).state == State.COMPLETED


def test_a_full_disk_is_said_plainly_and_nothing_is_fetched(make_job, link, monkeypatch):
    link(AssertionError("fetched all the same"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3_000_000))
    job = make_job()

    assert [again(job).state for _ in range(3)] == [State.PROCESSING, State.PROCESSING, State.FAILED]
    assert "only 3 MB left" in job.error_message


def test_a_disk_that_fills_up_while_fetching_is_said_plainly(make_job, link, caplog):
    link(OSError(errno.ENOSPC, "No space left on device"))
    job = make_job()

    assert [again(job).state for _ in range(3)] == [State.PROCESSING, State.PROCESSING, State.FAILED]
    assert job.error_message == "The engine could not store or read the recording: No space left on device."


def test_a_failing_job_does_not_stop_the_next_one(make_job):
    bad, good = make_job(upload=True), make_job(upload=True)
    intake.audio_path(bad).write_bytes(b"")

    assert again(bad).state == State.FAILED
    assert again(good).state == State.COMPLETED


# --- Crashes and leases ----------------------------------------------------------------------------------------------


def owner_of(job) -> uuid.UUID:
    """Take the job as a worker does."""
    owner = Job.objects.claim(job.pk, timezone.now())
    assert owner is not None
    return owner


def crash(job):
    """Leave the job as a worker does that was killed while it had it."""
    due_now(job)
    owner_of(job)


def test_a_recording_that_kills_its_worker_three_times_fails_with_a_clear_message(make_job):
    job = make_job(upload=True, webhook_url="https://example.com/hook")
    for _ in range(3):
        crash(job)

    job = again(job)

    assert job.state == State.FAILED
    assert job.error_message == (
        "The engine stopped each time it worked on this recording, so it was given up after 3 attempts."
    )
    assert Callback.objects.count() == 1


def test_two_crashes_are_forgiven(make_job):
    job = make_job(upload=True)
    for _ in range(2):
        crash(job)

    assert again(job).state == State.COMPLETED


def test_crashes_while_fetching_do_not_count_when_hearing(make_job, link, recording):
    link(recording.read_bytes())
    job = make_job()
    for _ in range(2):
        crash(job)
    again(job)
    for _ in range(2):
        crash(job)

    assert again(job).state == State.COMPLETED


def test_a_leased_job_is_nobody_elses_until_the_lease_ends(make_job):
    job = make_job(upload=True)
    now = timezone.now()

    assert Job.objects.claim(job.pk, now) is not None
    assert Job.objects.claim(job.pk, now) is None
    assert Job.objects.claim(job.pk, now + LEASE - timedelta(seconds=1)) is None
    assert Job.objects.claim(job.pk, now + LEASE) is not None


def test_a_clock_that_was_set_back_does_not_hold_a_job_for_ever(make_job):
    job = make_job(upload=True, next_attempt_at=timezone.now() + timedelta(hours=1))

    assert pipeline.advance(job.pk)


def test_of_many_workers_one_gets_the_job(make_job):
    job = make_job(upload=True)
    won: list[uuid.UUID | None] = []

    def claim():
        from django.db import connection

        try:
            won.append(Job.objects.claim(job.pk, timezone.now()))
        finally:
            connection.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([owner for owner in won if owner is not None]) == 1


def test_a_lost_lease_writes_nothing(make_job, hearing):
    job = make_job(upload=True, webhook_url="https://example.com/hook")

    def slow(*_args, **_kwargs):
        """Another worker takes the job and completes it meanwhile."""
        Job.objects.filter(pk=job.pk).update(owner=uuid.uuid4())
        return speech.Transcript((), "", 3.0, 1)

    hearing(slow)

    assert again(job).state == State.PROCESSING
    assert not Outcome.objects.exists()
    assert not Callback.objects.exists()


@pytest.mark.parametrize(
    "error", [sound.NotAudio("No sound."), speech.SpeechError("Died."), speech.Cancelled("Stopped.")]
)
def test_trouble_after_a_lost_lease_changes_nothing(make_job, hearing, error):
    job, other = make_job(upload=True), uuid.uuid4()

    def slow(*_args, **_kwargs):
        Job.objects.filter(pk=job.pk).update(owner=other)
        raise error

    hearing(slow)
    job = again(job)

    assert (job.state, job.owner, job.error_message) == (State.PROCESSING, other, "")


def test_a_fetch_after_a_lost_lease_is_dropped(make_job, link, recording, monkeypatch):
    link(recording.read_bytes())
    job = make_job()
    monkeypatch.setattr(intake, "keep", lambda job, part: Job.objects.filter(pk=job.pk).update(owner=uuid.uuid4()))

    assert again(job).audio_file == ""


def test_a_fetch_that_comes_too_late_leaves_the_audio_of_the_one_who_went_on(make_job, monkeypatch, recording):
    job = make_job()

    def slow(url, path, **_):
        """Another worker fetches the link meanwhile and hears what it got."""
        path.write_bytes(recording.read_bytes())
        name = f"{job.pk}.wav"
        Job.objects.filter(pk=job.pk).update(owner=uuid.uuid4(), audio_file=name)
        (intake.folder() / name).write_bytes(b"the other's")
        return safefetch.Fetched(path, 1, "5" * 64, "audio/wav", url)

    monkeypatch.setattr(safefetch, "fetch_to", slow)
    job = again(job)

    assert intake.audio_path(job).read_bytes() == b"the other's"
    assert [path.name for path in intake.folder().iterdir()] == [job.audio_file]


def test_outcome_and_state_are_written_together_or_not_at_all(make_job, monkeypatch):
    job = make_job(upload=True, webhook_url="https://example.com/hook")

    def broken(*_args, **_kwargs):
        raise OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(Outcome, "save", broken)
        job = again(job)

    assert job.state == State.PROCESSING
    assert not Callback.objects.exists()
    assert again(job).state == State.COMPLETED


# --- One at a time, and stopping -------------------------------------------------------------------------------------


def test_while_one_recording_is_heard_the_next_stays_due_without_a_lease(make_job):
    job = make_job(upload=True)

    with pipeline.HEARING:
        assert not pipeline.advance(job.pk)

    job.refresh_from_db()
    assert (job.owner, job.attempts) == (None, 0)
    assert Job.objects.due(timezone.now()).exists()


def test_links_are_fetched_while_a_recording_is_heard(make_job, link, recording):
    link(recording.read_bytes())
    job = make_job()

    with pipeline.HEARING:
        assert again(job).audio_file
    with pipeline.FETCHING:
        assert again(job).state == State.COMPLETED


def test_a_worker_that_is_stopping_gives_its_job_back_untried(make_job, hearing):
    def told_to_stop(_path, *, progress, cancelled):
        assert not cancelled()
        holding.stopping.set()
        assert cancelled()
        raise speech.Cancelled("Stopped.")

    hearing(told_to_stop)
    job = again(make_job(upload=True))

    assert (job.state, job.owner, job.attempts) == (State.PROCESSING, None, 0)
    assert job.next_attempt_at <= timezone.now()
    assert not pipeline.advance(job.pk)


def test_a_reader_that_ends_with_everything_else_is_not_the_recordings_fault(make_job, hearing):
    def killed(*_args, **_kwargs):
        threading.Timer(0.05, holding.stopping.set).start()
        raise sound.NotAudio("The audio goes beyond what can be read.")

    hearing(killed)
    job = again(make_job(upload=True))

    assert (job.state, job.attempts, job.owner) == (State.PROCESSING, 0, None)


def test_trouble_of_our_own_with_reading_audio_is_tried_again(make_job, hearing):
    hearing(raising(sound.SoundError("The audio reader could not be started.")))

    assert again(make_job(upload=True)).state == State.PROCESSING


def test_a_job_that_is_final_or_gone_is_left_alone(make_job):
    done = make_job(upload=True, state=State.COMPLETED)

    assert not pipeline.advance(done.pk)
    assert not pipeline.advance(uuid.uuid4())


def test_if_another_is_quicker_nothing_is_done(make_job, monkeypatch):
    job = make_job(upload=True)
    monkeypatch.setattr("callcov_portal.engine.models.JobQuerySet.claim", lambda *_: None)

    assert not pipeline.advance(job.pk)


# --- The hold --------------------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(holding, "TICK", 0.01)


def wait_for(condition):
    deadline = threading.Event()
    for _ in range(500):
        if condition():
            return
        deadline.wait(0.01)
    raise AssertionError("It did not happen.")


def test_progress_is_shown_while_working(make_job, quick):
    job = make_job(upload=True)
    owner = owner_of(job)

    with holding.Hold(job, owner) as hold:
        hold.progress("recognising", 0.5)
        wait_for(lambda: Job.objects.filter(stage="recognising", fraction=0.5).exists())
        hold.progress("recognising", 7.0)
        wait_for(lambda: Job.objects.filter(fraction=1.0).exists())
        assert not hold.cancelled()


def test_a_lease_is_renewed_for_as_long_as_the_work_takes(make_job, quick, monkeypatch):
    monkeypatch.setattr(holding, "LEASE", timedelta(seconds=0.3))
    job = make_job(upload=True)
    owner = owner_of(job)
    Job.objects.filter(pk=job.pk).update(next_attempt_at=timezone.now() - timedelta(seconds=1))

    with holding.Hold(job, owner):
        wait_for(lambda: Job.objects.filter(next_attempt_at__gt=timezone.now()).exists())


def test_who_lost_the_lease_is_told_to_stop(make_job, quick):
    job = make_job(upload=True)
    owner = owner_of(job)

    with holding.Hold(job, owner) as hold:
        Job.objects.filter(pk=job.pk).update(owner=uuid.uuid4())
        hold.progress("recognising", 0.1)
        wait_for(hold.cancelled)

    assert Job.objects.get().stage == ""


def test_a_lease_is_renewed_again_after_its_connection_broke(make_job, quick, monkeypatch, caplog):
    job = make_job(upload=True)
    owner = owner_of(job)
    held, breaks = Job.objects.held, iter([True])

    def broken_once(*arguments):
        if next(breaks, False):
            connection.ensure_connection()
            connection.connection.close()
        return held(*arguments)

    monkeypatch.setattr(Job.objects, "held", broken_once)
    with holding.Hold(job, owner) as hold:
        hold.progress("recognising", 0.2)
        wait_for(lambda: Job.objects.filter(fraction=0.2).exists())

    assert "could not be renewed" in caplog.text


def test_a_renewal_that_fails_is_tried_again(make_job, quick, monkeypatch, caplog):
    job = make_job(upload=True)
    owner = owner_of(job)
    held, failures = Job.objects.held, iter([True])

    def flaky(*arguments):
        if next(failures, False):
            raise OperationalError("database is locked")
        return held(*arguments)

    monkeypatch.setattr(Job.objects, "held", flaky)
    with holding.Hold(job, owner) as hold:
        hold.progress("recognising", 0.2)
        wait_for(lambda: Job.objects.filter(fraction=0.2).exists())

    assert "could not be renewed" in caplog.text
