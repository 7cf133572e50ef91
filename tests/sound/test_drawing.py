"""How loud a recording is from moment to moment, found in the limited child."""

import numpy as np
import pytest

from callcov_portal import sound
from callcov_portal.sound import asking
from callcov_portal.sound.child.drawing import Moments
from callcov_portal.sound.values import Loudness
from tests.sound.samples import RATE, silence, tone, write

pytestmark = pytest.mark.audio


def lanes(found: Loudness) -> list[list[int]]:
    length = len(found.values) // found.channels
    return [list(found.values[at * length : (at + 1) * length]) for at in range(found.channels)]


def test_each_channel_is_drawn_for_itself_and_the_loudest_moment_is_full(tmp_path) -> None:
    left = np.concatenate([tone(1.0, loudness=0.4), silence(2.0)])
    right = np.concatenate([silence(2.0), tone(1.0, loudness=0.1)])
    found = sound.loudness(write(tmp_path / "a.wav", np.stack([left, right])))
    assert (found.channels, found.step_seconds) == (2, 0.02)
    first, second = lanes(found)
    assert len(first) == len(second) == 150
    assert min(first[2:48]) >= 250
    assert max(first[52:]) == 0
    assert max(second[:98]) == 0
    assert np.median(second[102:148]) == pytest.approx(64, abs=3)


@pytest.mark.parametrize("kind", ["mp3", "flac", "ogg", "m4a"])
def test_every_kind_of_file_is_drawn(tmp_path, kind) -> None:
    found = sound.loudness(write(tmp_path / "a", np.concatenate([silence(1.0), tone(1.0)]), kind))
    (lane,) = lanes(found)
    assert np.mean(lane[5:40]) < 5
    assert np.median(lane[60:95]) > 200


def test_an_hour_has_no_more_moments_than_can_be_seen_and_each_is_where_it_was(tmp_path) -> None:
    samples = np.zeros(3600 * 2000, np.float32)
    samples[1800 * 2000 : 1830 * 2000] = tone(30.0, hertz=100, loudness=0.5, rate=2000)
    found = sound.loudness(write(tmp_path / "a.wav", samples, rate=2000))
    (lane,) = lanes(found)
    assert (len(lane), found.step_seconds) == (2813, 1.28)
    assert len(lane) * found.step_seconds == pytest.approx(3600, abs=found.step_seconds)
    loud = [at * found.step_seconds for at, value in enumerate(lane) if value > 200]
    assert loud[0] == pytest.approx(1800, abs=found.step_seconds)
    assert loud[-1] == pytest.approx(1830 - found.step_seconds, abs=found.step_seconds)
    assert max(lane[: len(lane) // 2 - 1]) == 0


@pytest.mark.parametrize(
    ("seconds", "moments", "step"), [(39, 1950, 0.02), (40, 1000, 0.04), (2550, 1993, 1.28), (10_300, 4024, 2.56)]
)
def test_moments_grow_with_the_recording(seconds, moments, step) -> None:
    counted = Moments(1)
    for _ in range(seconds):
        counted.take(b"\0\0\0\x3f" * 8000)  # half as loud as can be
    drawn = counted.drawn()
    assert (len(drawn), counted.step / 8000, set(drawn)) == (moments, step, {255})


def test_what_is_nearly_silent_is_drawn_small(tmp_path) -> None:
    (lane,) = lanes(sound.loudness(write(tmp_path / "a.wav", tone(1.0, loudness=0.005))))
    assert 10 < max(lane) < 40
    assert set(lanes(sound.loudness(write(tmp_path / "b.wav", silence(1.0))))[0]) == {0}


def test_what_cannot_be_heard_is_refused_as_elsewhere(tmp_path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF no sound")
    with pytest.raises(sound.NotAudio):
        sound.loudness(tmp_path / "a.wav")
    with pytest.raises(sound.TooLong):
        sound.loudness(write(tmp_path / "b.wav", tone(3.0), rate=RATE), max_seconds=1)
    with pytest.raises(sound.SoundError, match="could not be read"):
        sound.loudness(tmp_path / "none.wav")


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"channels": 3, "step_seconds": 0.02, "loudness": "AAAA"},
        {"channels": 2, "step_seconds": 0.02, "loudness": "AAAA"},
        {"channels": 1, "step_seconds": float("nan"), "loudness": "AAAA"},
        {"channels": 1, "step_seconds": 0.02, "loudness": "not base64!"},
        {"channels": None, "step_seconds": 0.02, "loudness": "AAAA"},
    ],
)
def test_a_child_that_was_taken_over_is_not_believed(tmp_path, monkeypatch, said) -> None:
    monkeypatch.setattr("callcov_portal.sound.drawing.ask", lambda *_args, **_more: said)
    with pytest.raises(sound.NotAudio, match=asking.BEYOND_LIMITS[:20]):
        sound.loudness(tmp_path / "a.wav")
