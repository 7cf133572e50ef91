"""Waveforms are made once, by whoever is rung for, and whatever goes wrong keeps nobody from the call."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from callcov_portal import sound, tasks
from callcov_portal.actions import chores, drawing, fetching, muting, recordings
from callcov_portal.models import Fingerprint, Recording, Waveform
from callcov_portal.safefetch import Fetched
from tests.factories import RecordingFactory, SpanFactory
from tests.sounds import wav, wav_file
from tests.working import due, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def waveform() -> Waveform:
    """A recording of one second that is to be drawn."""
    recording = RecordingFactory(file=default_storage.save("one.wav", ContentFile(wav())))
    drawing.note_due(recording.pk)
    return Waveform.objects.get()


def test_a_recording_is_drawn_once(waveform) -> None:
    assert due("drawing") == [waveform.pk]
    assert work("drawing", waveform.pk)
    made = Waveform.objects.get()
    assert (made.channels, made.step_seconds, made.due_at, made.attempts) == (1, 0.02, None, 0)
    (lane,) = made.lanes
    assert len(lane) == 50
    assert min(lane[2:48]) > 200
    assert not work("drawing", waveform.pk)
    assert due("drawing") == []


def test_an_upload_is_to_be_drawn_and_a_link_when_it_was_fetched(tmp_path, settings) -> None:
    path, sha256, size = wav_file(tmp_path)
    details = recordings.CallDetails(agent="nora")
    added = recordings.add_file(path=path, sha256=sha256, size=size, file_name="a.wav", details=details, user=None)
    assert Waveform.objects.get().recording == added
    linked = recordings.add_link(link="https://example.org/b.wav", details=details, user=None)
    assert Waveform.objects.count() == 1
    path, sha256, size = wav_file(tmp_path, "b.wav", seed=1)
    assert fetching.attach(linked, path, Fetched(path, size, sha256, "audio/wav", linked.link))
    assert Waveform.objects.get(recording=linked).due_at is not None
    other, sha256, size = wav_file(tmp_path, "c.wav", seed=2)
    assert not fetching.attach(
        linked, other, Fetched(other, size, sha256, "audio/wav", linked.link)
    )  # it has its file already
    assert Waveform.objects.count() == 2


def test_noting_it_twice_draws_nothing_again(waveform) -> None:
    work("drawing", waveform.pk)
    drawing.note_due(waveform.pk)
    assert Waveform.objects.get().due_at is None


def test_of_several_workers_one_draws(waveform) -> None:
    assert chores.take(drawing.KIND, waveform.pk)
    assert not chores.take(drawing.KIND, waveform.pk)
    assert not work("drawing", waveform.pk)  # it is somebody else's for now


def test_it_waits_while_this_process_mutes(waveform) -> None:
    with muting.SLOT:
        assert not work("drawing", waveform.pk)
    assert work("drawing", waveform.pk)


def test_it_gives_way_to_a_call_that_nobody_can_hear_before_it_is_muted(waveform) -> None:
    waiting = SpanFactory().analysis.recording_id
    muting.note_spans(waiting)
    assert not work("drawing", waveform.pk)
    Recording.objects.filter(pk=waiting).update(muting="failed", muting_at=None)
    assert work("drawing", waveform.pk)


def test_it_gives_way_to_what_is_compared_now_but_not_to_what_is_put_off(waveform) -> None:
    other = Fingerprint.objects.create(recording=RecordingFactory(), due_at=timezone.now())
    assert not work("drawing", waveform.pk)
    Fingerprint.objects.filter(pk=other.pk).update(due_at=timezone.now() + timedelta(minutes=5))
    assert work("drawing", waveform.pk)


def test_the_newest_recording_is_drawn_first(waveform) -> None:
    newer = RecordingFactory()
    drawing.note_due(newer.pk)
    assert due("drawing") == [newer.pk, waveform.pk]


def test_what_is_no_sound_is_given_up_at_once(waveform) -> None:
    Path(default_storage.path("one.wav")).write_bytes(b"RIFF no sound")
    assert work("drawing", waveform.pk)
    found = Waveform.objects.get()
    assert (found.due_at, found.lanes) == (None, [])
    assert "not an audio file" in found.detail


@pytest.mark.parametrize("trouble", [sound.SoundError("The machine is too busy."), RuntimeError("odd")])
def test_any_other_trouble_is_tried_again_later_and_then_given_up(waveform, monkeypatch, trouble) -> None:
    def fail(_path: Path) -> None:
        raise trouble

    monkeypatch.setattr(sound, "loudness", fail)
    for attempt in range(1, drawing.MOST_TRIES + 1):
        Waveform.objects.update(due_at=timezone.now())
        assert work("drawing", waveform.pk)
        assert Waveform.objects.get().attempts == attempt
    assert Waveform.objects.get().due_at is None
    assert str(trouble) in Waveform.objects.get().detail


def test_what_kills_the_workers_is_found_out(waveform, monkeypatch) -> None:
    monkeypatch.setattr(sound, "loudness", lambda _path: pytest.fail("begun again"))
    Waveform.objects.update(attempts=drawing.MOST_TRIES)
    assert work("drawing", waveform.pk)
    assert "never came to an end" in Waveform.objects.get().detail


def test_a_file_that_is_gone_is_named(waveform) -> None:
    default_storage.delete("one.wav")
    work("drawing", waveform.pk)
    found = Waveform.objects.get()
    assert found.detail == "The stored file is missing."
    assert found.due_at is not None
    assert found.due_at > timezone.now()


def test_a_recording_that_is_deleted_takes_its_waveform_along(waveform, alice) -> None:
    recordings.delete(Recording.objects.get(), alice)
    assert not Waveform.objects.exists()
    assert not work("drawing", waveform.pk)


def test_a_lease_is_pushed_only_while_there_is_one(waveform) -> None:
    turn = chores.take(drawing.KIND, waveform.pk)
    soon = timezone.now() + timedelta(seconds=5)
    Waveform.objects.update(due_at=soon)
    assert turn.renew()
    assert Waveform.objects.get().due_at > soon + timedelta(seconds=10)
    Waveform.objects.update(due_at=None)
    assert turn.renew()
    assert Waveform.objects.get().due_at is None


def test_each_rings_for_the_next_and_the_sweep_for_the_first(waveform, monkeypatch) -> None:
    rung: list[int] = []
    monkeypatch.setattr(tasks, "send", lambda task, *sent: rung.append(int(sent[1])) if task is tasks.chore else None)
    older = RecordingFactory(pk=waveform.pk - 1, file=default_storage.save("two.wav", ContentFile(wav(seed=1))))
    drawing.note_due(older.pk)
    tasks.sweep()
    assert rung == [waveform.pk]
    tasks.chore("drawing", str(waveform.pk))
    assert rung == [waveform.pk, older.pk]
    tasks.chore("drawing", str(older.pk))
    tasks.chore("drawing", str(older.pk))
    assert rung == [waveform.pk, older.pk]
