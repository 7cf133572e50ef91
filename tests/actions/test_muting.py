"""The muted copy: due, made once, never lost, and never replaced by the original."""

import threading
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from callcov_portal import hiding, sound, tasks
from callcov_portal.actions import chores, leases, muting, recordings, schedule, shelving
from callcov_portal.models import Muting, Recording
from callcov_portal.uploads import DiskFull, incoming_folder
from tests.factories import AnalysisFactory, CompletedFactory, RecordingFactory, SpanFactory, UserFactory
from tests.sounds import wav
from tests.working import due, work

SPANS = [(2.0, 3.0)]
MUTE_TO = sound.mute_to


@pytest.fixture
def call(db) -> Recording:
    """A call of five seconds with one span, its muted copy due now."""
    name = default_storage.save("2026/03/call.wav", ContentFile(wav(5.0)))
    recording = RecordingFactory(file=name, duration_seconds=5.0)
    SpanFactory(analysis=CompletedFactory(recording=recording))
    muting.note_spans(recording.pk)
    return again(recording)


@pytest.fixture
def mute(django_capture_on_commit_callbacks):
    """Make the copy, and what is to be done once that is committed."""

    def make(pk: int) -> bool:
        with django_capture_on_commit_callbacks(execute=True):
            return work("muting", pk)

    return make


def again(recording: Recording) -> Recording:
    return Recording.objects.get(pk=recording.pk)


def stored() -> set[str]:
    folders, files = default_storage.listdir("")
    found = set(files)
    for year in folders:
        for month in default_storage.listdir(year)[0]:
            found |= {f"{year}/{month}/{name}" for name in default_storage.listdir(f"{year}/{month}")[1]}
    return found


def heard(recording: Recording):
    return sound.decode(Path(default_storage.path(recording.muted_name)), sample_rate=8000)[0]


def fail(error: BaseException):
    def mute_to(*_args, **_kwargs):
        raise error

    return mute_to


def test_the_copy_is_made_once_and_only_its_seconds_are_silent(call, mute):
    assert mute(call.pk)
    made = again(call)
    assert (made.muting, made.muting_at, made.muting_attempts) == (Muting.DONE, None, 0)
    assert made.muted_spans == hiding.fingerprint(SPANS)
    samples = heard(made)
    assert not samples[int(1.86 * 8000) : int(3.14 * 8000)].any()
    assert np.abs(samples[: int(1.8 * 8000)]).max() > 0.1
    assert not mute(call.pk)
    assert stored() == {call.stored_name, made.muted_name}
    assert list(incoming_folder().iterdir()) == []


def test_the_original_stays_as_it_is(call, mute):
    mute(call.pk)
    with default_storage.open(again(call).stored_name) as file:
        assert file.read() == wav(5.0)


def test_another_analysis_with_other_spans_makes_it_due_again(call, mute):
    mute(call.pk)
    old = again(call).muted_name
    muting.note_spans(call.pk)
    assert again(call).muting == Muting.DONE  # the same spans are silent already
    SpanFactory(analysis=CompletedFactory(recording=call), start=2.0, end=3.0)
    muting.note_spans(call.pk)
    assert again(call).muting == Muting.DONE
    SpanFactory(analysis=CompletedFactory(recording=call), start=4.0, end=4.2)
    muting.note_spans(call.pk)
    assert again(call).muting == Muting.DUE
    assert mute(call.pk)
    made = again(call)
    assert made.muting == Muting.DONE
    assert not default_storage.exists(old)
    assert not heard(made)[int(3.9 * 8000) : int(4.3 * 8000)].any()


def test_spans_that_were_added_while_it_was_made_make_it_due_once_more(call, mute, monkeypatch):
    make = sound.mute_to

    def mute_to(*args, **kwargs):
        made = make(*args, **kwargs)
        SpanFactory(analysis=call.current_analysis, start=0.5, end=0.6)
        return made

    monkeypatch.setattr(sound, "mute_to", mute_to)
    mute(call.pk)
    assert again(call).muting == Muting.DUE
    monkeypatch.setattr(sound, "mute_to", make)
    assert mute(call.pk)
    assert again(call).muting == Muting.DONE
    assert len(stored()) == 2


def test_who_dies_over_it_leaves_it_due(call, mute, monkeypatch):
    monkeypatch.setattr(sound, "mute_to", fail(SystemExit()))
    with pytest.raises(SystemExit):
        mute(call.pk)
    monkeypatch.setattr(sound, "mute_to", MUTE_TO)
    assert due("muting") == []
    assert due("muting", timezone.now() + schedule.LEASE) == [call.pk]
    assert list(incoming_folder().iterdir()) == []
    Recording.objects.update(muting_at=timezone.now())
    assert mute(call.pk)
    assert again(call).muting == Muting.DONE


def test_a_worker_that_was_taken_for_dead_and_comes_late_changes_nothing(call, mute, monkeypatch):
    make = sound.mute_to

    def slowly(*args, **kwargs):
        monkeypatch.setattr(sound, "mute_to", make)
        Recording.objects.update(muting_at=timezone.now())
        meanwhile = chores.take(muting.KIND, call.pk)
        assert meanwhile
        chores.have(meanwhile)  # another makes it
        return make(*args, **kwargs)

    monkeypatch.setattr(sound, "mute_to", slowly)
    mute(call.pk)
    made = again(call)
    assert made.muting == Muting.DONE
    assert stored() == {call.stored_name, made.muted_name}


def test_a_call_that_is_deleted_meanwhile_leaves_no_copy(call, mute, monkeypatch):
    make = sound.mute_to

    def mute_to(*args, **kwargs):
        made = make(*args, **kwargs)
        recordings.delete(again(call), UserFactory())
        return made

    monkeypatch.setattr(sound, "mute_to", mute_to)
    mute(call.pk)
    assert stored() == set()


def test_deleting_a_call_deletes_its_copy(call, mute, django_capture_on_commit_callbacks):
    mute(call.pk)
    assert len(stored()) == 2
    with django_capture_on_commit_callbacks(execute=True):
        recordings.delete(again(call), UserFactory())
    assert stored() == set()


@pytest.mark.parametrize(
    "trouble",
    [sound.SoundError("The disk is tired."), DiskFull("The disk is tired."), ValueError("The disk is tired.")],
)
def test_trouble_is_tried_again_later_and_longer_until_it_is_given_up(call, mute, monkeypatch, trouble):
    monkeypatch.setattr(sound, "mute_to", fail(trouble))
    waits = []
    for _ in range(muting.MOST_TRIES):
        Recording.objects.update(muting_at=timezone.now())
        assert mute(call.pk)
        after = again(call)
        assert "The disk is tired." in after.muting_detail
        if after.muting == Muting.DUE:
            waits.append(after.muting_at - timezone.now())
    assert len(waits) == muting.MOST_TRIES - 1
    assert waits[-1] > 10 * waits[0]
    assert (after.muting, after.muting_at, after.muted_name) == (Muting.FAILED, None, "")
    assert due("muting") == []
    assert list(incoming_folder().iterdir()) == []


def test_what_is_no_audio_is_given_up_at_once_and_can_be_tried_again(call, mute, monkeypatch):
    monkeypatch.setattr(sound, "mute_to", fail(sound.NotAudio("The file is damaged.")))
    mute(call.pk)
    failed = again(call)
    assert (failed.muting, failed.muting_detail) == (Muting.FAILED, "The file is damaged.")
    monkeypatch.setattr(sound, "mute_to", MUTE_TO)
    assert muting.try_again(failed)
    assert not muting.try_again(failed)
    assert mute(call.pk)
    assert again(call).muting == Muting.DONE
    assert not muting.try_again(again(call))


def test_a_copy_that_is_gone_can_be_made_again(call, mute):
    mute(call.pk)
    made = again(call)
    default_storage.delete(made.muted_name)
    assert muting.try_again(made)
    assert mute(call.pk)
    assert default_storage.exists(again(call).muted_name)


def test_what_kills_the_workers_is_not_begun_for_ever(call, mute):
    Recording.objects.update(muting_attempts=muting.MOST_TRIES)
    assert mute(call.pk)
    failed = again(call)
    assert failed.muting == Muting.FAILED
    assert "never came to an end" in failed.muting_detail


def test_a_missing_original_is_told(call, mute):
    default_storage.delete(call.stored_name)
    mute(call.pk)
    assert again(call).muting_detail == "The stored file is missing."


def test_new_results_give_a_failed_copy_another_chance(call, mute):
    Recording.objects.update(muting=Muting.FAILED, muting_at=None)
    muting.note_spans(call.pk)
    assert again(call).muting == Muting.DUE


def test_one_process_makes_one_at_a_time(call, mute):
    assert muting.SLOT.acquire(blocking=False)
    try:
        assert not mute(call.pk)
    finally:
        muting.SLOT.release()
    assert again(call).muting_attempts == 0


def test_a_row_that_was_written_before_the_clock_was_set_back_is_due(call, mute):
    Recording.objects.update(muting_at=timezone.now() + timedelta(days=1))
    assert due("muting") == [call.pk]
    Recording.objects.update(muting_at=timezone.now() + timedelta(minutes=5))
    assert due("muting") == []


@pytest.mark.django_db(transaction=True)
class TestRacing:
    def test_of_several_that_claim_one_wins(self) -> None:
        recording = RecordingFactory(muting=Muting.DUE, muting_at=timezone.now())
        won = []

        def claim() -> None:
            if chores.take(muting.KIND, recording.pk):
                won.append(1)
            connection.close()

        threads = [threading.Thread(target=claim) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won == [1]

    def test_the_lease_is_renewed_while_it_is_made(self, monkeypatch) -> None:
        monkeypatch.setattr(schedule, "RENEW_EVERY", 0.05)
        soon = timezone.now() + timedelta(seconds=5)
        recording = RecordingFactory(muting=Muting.DUE, muting_at=timezone.now())
        turn = chores.take(muting.KIND, recording.pk)
        Recording.objects.update(muting_at=soon)
        renewed = threading.Event()

        def renew() -> bool:
            done = turn.renew()
            renewed.set()
            return done

        with leases.kept(renew, "test"):
            assert renewed.wait(10)
        assert again(recording).muting_at > soon + timedelta(seconds=10)


@pytest.mark.django_db
class TestRinging:
    def test_the_sweep_rings_for_copies_too(self, api, call, monkeypatch) -> None:
        rung = []
        monkeypatch.setattr(tasks.chore, "apply_async", lambda args, **_kw: rung.append(args))
        tasks.sweep()
        assert rung == [("muting", str(call.pk))]

    def test_the_task_makes_it_and_rings_for_the_next(self, call, monkeypatch) -> None:
        other = RecordingFactory(muting=Muting.DUE, muting_at=timezone.now())
        rung = []
        monkeypatch.setattr(tasks.chore, "apply_async", lambda args, **_kw: rung.append(args))
        tasks.chore("muting", str(call.pk))
        assert again(call).muting == Muting.DONE
        assert rung == [("muting", str(other.pk))]
        tasks.chore("muting", str(call.pk))
        assert rung == [("muting", str(other.pk))]

    def test_deleting_a_call_without_a_copy_still_works(self, django_capture_on_commit_callbacks) -> None:
        analysis = AnalysisFactory()
        with django_capture_on_commit_callbacks(execute=True):
            recordings.delete(analysis.recording, UserFactory())
        shelving.discard("")
        assert not Recording.objects.exists()
