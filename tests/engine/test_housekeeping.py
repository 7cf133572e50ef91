"""What the engine forgets, and what it must not."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from callcov_portal.engine import housekeeping, intake
from callcov_portal.engine.models import Callback, CountedRequest, Job, State

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 10, tzinfo=UTC)


@pytest.fixture
def ended(make_job):
    """Return a function that makes a job with audio which ended so many hours ago."""

    def make(hours, state=State.COMPLETED):
        return make_job(upload=True, state=state, completed_at=NOW - timedelta(hours=hours))

    return make


def has_audio(job):
    job.refresh_from_db()
    on_disk = bool(job.audio_file) and intake.audio_path(job).exists()
    return bool(job.audio_file), on_disk


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED])
def test_audio_goes_when_its_time_is_over(ended, state):
    old, young = ended(25, state), ended(23, state)
    path = intake.audio_path(old)

    housekeeping.tidy(NOW)

    assert has_audio(old) == (False, False)
    assert not path.exists()
    assert has_audio(young) == (True, True)


def test_the_time_is_a_setting(ended, settings):
    settings.CALLCOV_ENGINE_KEEP_AUDIO_HOURS = 2
    job = ended(3)

    housekeeping.tidy(NOW)

    assert has_audio(job) == (False, False)


def test_audio_stays_while_a_call_back_is_unsettled(ended):
    waiting, told = ended(100), ended(100)
    Callback.objects.create(job=waiting)
    Callback.objects.create(job=told, settled_at=NOW)

    housekeeping.tidy(NOW)

    assert has_audio(waiting) == (True, True)
    assert has_audio(told) == (False, False)


def test_audio_of_a_running_job_stays_however_old_it_is(make_job):
    job = make_job(upload=True, created_at=NOW - timedelta(days=30))

    housekeeping.tidy(NOW)

    assert has_audio(job) == (True, True)


def test_files_that_nothing_names_go_after_a_day(make_job, settings):
    job = make_job(upload=True)
    incoming = settings.CALLCOV_DATA_DIR / "incoming"
    incoming.mkdir()
    old = [incoming / "a.part", intake.folder() / "b.part", intake.folder() / "orphan.wav"]
    young = [incoming / "c.part", intake.folder() / "d.part"]
    day_ago = (NOW - timedelta(hours=25)).timestamp()
    for path in [*old, *young]:
        path.write_bytes(b"x")
    for path in [*old, intake.audio_path(job)]:
        os.utime(path, (day_ago, day_ago))
    for path in young:
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))

    housekeeping.tidy(NOW)

    assert [path.exists() for path in old] == [False] * 3
    assert [path.exists() for path in young] == [True] * 2
    assert has_audio(job) == (True, True)


def test_a_file_that_goes_while_being_looked_at_is_no_trouble(tmp_path):
    assert not housekeeping.is_older(tmp_path / "gone", NOW.timestamp())


def test_requests_that_no_window_counts_are_forgotten():
    CountedRequest.objects.create(bucket="k", at=NOW - timedelta(minutes=10))

    housekeeping.tidy(NOW)

    assert not CountedRequest.objects.exists()


def test_tidying_twice_is_harmless(ended):
    ended(25)

    housekeeping.tidy(NOW)
    housekeeping.tidy(NOW)

    assert Job.objects.count() == 1


def test_one_process_tidies_once_in_a_while(monkeypatch):
    rounds: list = []
    monkeypatch.setattr(housekeeping, "tidy", rounds.append)

    for _ in range(3):
        housekeeping.tidy_now_and_then()
    assert len(rounds) == 1
    assert abs((rounds[0] - timezone.now()).total_seconds()) < 10

    housekeeping.last_round[0] -= housekeeping.EVERY
    housekeeping.tidy_now_and_then()
    assert len(rounds) == 2
