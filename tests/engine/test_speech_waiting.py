"""A speech model that cannot be loaded: recordings wait for it, say so, and are not used up."""

from datetime import timedelta

import pytest
from django.utils import timezone

from callcov_portal.engine import pipeline, speech, wire
from callcov_portal.engine.models import MAX_ATTEMPTS, Job, State

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def wrong(settings, tmp_path):
    """The setting names a folder in which three files of four are missing."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    settings.CALLCOV_ENGINE_MODEL = str(folder)
    return folder


def again(job):
    Job.objects.filter(pk=job.pk).update(next_attempt_at=timezone.now())
    assert pipeline.advance(job.pk)
    job.refresh_from_db()
    return job


def test_a_job_waits_for_a_usable_model_and_says_what_is_wrong_with_the_setting(wrong, make_job):
    job = again(make_job(upload=True))
    progress = wire.analysis(job)["progress"]
    assert (job.state, job.attempts, job.owner) == (State.PROCESSING, 0, None)
    assert (progress["stage"], progress["fraction"]) == ("waiting for the speech model", 0.0)
    assert progress["trouble"].startswith(f"The speech model {wrong} could not be loaded: model.bin, tokenizer.json, ")
    assert "Set CALLCOV_ENGINE_MODEL to base" in progress["trouble"]
    assert timedelta(0) < job.next_attempt_at - timezone.now() < timedelta(minutes=1)


def test_a_wrong_model_uses_up_no_job_and_when_it_is_mended_all_are_heard(wrong, make_job, settings):
    jobs = [make_job(upload=True) for _ in range(3)]
    for _ in range(MAX_ATTEMPTS + 1):
        for job in jobs:
            again(job)
    assert {(job.state, job.attempts) for job in jobs} == {(State.PROCESSING, 0)}
    settings.CALLCOV_ENGINE_MODEL = "scripted"
    for job in jobs:
        again(job)
        assert (job.state, job.error_message, job.stage) == (State.COMPLETED, "", "")


def test_what_nobody_mends_for_a_day_fails_with_the_same_sentence(wrong, make_job):
    job = make_job(upload=True)
    Job.objects.update(created_at=timezone.now() - pipeline.MODEL_PATIENCE - timedelta(seconds=1))
    again(job)
    assert job.state == State.FAILED
    assert job.error_message.startswith(f"The speech model {wrong} could not be loaded")


def test_a_recognisers_own_trouble_still_counts(make_job, monkeypatch, settings):
    settings.CALLCOV_ENGINE_MODEL = "scripted"

    def transcribe(*_args, **_kwargs):
        raise speech.SpeechError("The speech recogniser hung and was stopped.")

    monkeypatch.setattr(speech.recogniser(), "transcribe", transcribe)
    job = again(make_job(upload=True))
    assert (job.attempts, job.stage) == (1, "stored")


def test_while_somebody_works_on_a_job_old_trouble_is_not_told(make_job):
    job = make_job(upload=True, error_message="It hung.", stage="recognising")
    Job.objects.claim(job.pk, timezone.now())
    job.refresh_from_db()
    assert wire.analysis(job)["progress"]["trouble"] == ""
