"""Recordings with their truth, and the sounds that the benchmark makes itself."""

import json

import numpy as np
import pytest

from benchmarks.engine import sounds
from benchmarks.engine.truth import Call, Recording, Turn, call_of, recordings
from callcov_portal import sound
from tests.sounds import wav

TRUTH = {
    "id": "one",
    "turns": [
        {"role": "customer", "start": 2.0, "end": 3.0, "text": "Good."},
        {"role": "agent", "start": 0.0, "end": 1.0, "text": "Hi."},
    ],
    "events": [
        {"type": "pii_cvv", "by": "customer", "start": 2.0, "end": 3.0, "text": "It's one two.", "value": "one two"},
        {"type": "hold", "start": 4.0, "end": 9.0},
    ],
}


def test_a_folders_recordings_are_those_with_a_truth(tmp_path):
    (tmp_path / "one.truth.json").write_text(json.dumps(TRUTH))
    (tmp_path / "one.stereo.wav").write_bytes(wav(1.0, channels=2))
    (tmp_path / "one.mono.wav").write_bytes(wav(0.5))
    (tmp_path / "other.wav").write_bytes(wav(1.0))
    (tmp_path / "one.txt").write_text("no recording")
    found = recordings([tmp_path])
    assert [(each.path.name, each.condition, each.seconds) for each in found] == [
        ("one.mono.wav", "mono", 0.5),
        ("one.stereo.wav", "stereo", 1.0),
    ]


def test_a_folder_without_any_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no recording with a truth"):
        recordings([tmp_path])


def test_a_truth_is_read_with_its_turns_in_order():
    call = call_of(TRUTH)
    assert call.said == [("A", "Hi."), ("B", "Good.")]
    assert [(event.type, event.speaker, event.value) for event in call.events] == [
        ("pii_cvv", "B", "one two"),
        ("hold", "", ""),
    ]


def test_a_value_must_be_part_of_what_was_said():
    event = {"type": "pii_cvv", "start": 0, "end": 1, "text": "It's one two.", "value": "12"}
    with pytest.raises(ValueError, match="'12' is not a part of"):
        call_of({**TRUTH, "events": [event]})


def test_noise_is_as_loud_as_was_asked_for_on_each_channel():
    turns = [Turn("A", 0, 1, ""), Turn("B", 1, 2, "")]
    clean = np.zeros((2, 2 * sounds.RATE), np.float32)
    clean[0, : sounds.RATE], clean[1, sounds.RATE :] = 0.1, 0.02
    noise = sounds.with_noise(clean, turns, 20.0, seed=1) - clean
    assert sounds.rms(noise[0]) == pytest.approx(0.01, rel=0.01)
    assert sounds.rms(noise[1]) == pytest.approx(0.002, rel=0.01)
    assert abs(np.corrcoef(noise)[0, 1]) < 0.1


def test_pink_noise_has_the_same_power_in_every_octave():
    power = np.abs(np.fft.rfft(sounds.pink(1 << 16, np.random.default_rng(3)))) ** 2
    low, high = power[1024:2048].sum(), power[8192:16384].sum()
    assert low / high == pytest.approx(1.0, abs=0.15)


def test_only_stereo_recordings_get_noise_and_always_the_same(tmp_path):
    path = tmp_path / "one.stereo.wav"
    path.write_bytes(wav(2.0, channels=2))
    call = Call("one", (Turn("A", 0, 1, ""), Turn("B", 1, 2, "")), ())
    clean = [Recording(path, call, "stereo", 2.0), Recording(path, call, "mono", 2.0)]
    (noisy,) = sounds.noisy(clean, 8.0, tmp_path)
    before = noisy.path.read_bytes()
    assert (noisy.condition, sound.probe(noisy.path).channels, noisy.seconds) == ("noise", 2, 2.0)
    assert before != path.read_bytes()
    assert next(sounds.noisy(clean, 8.0, tmp_path)).path.read_bytes() == before


def test_every_minute_without_words_lasts_a_minute(tmp_path):
    made = dict(sounds.wordless(tmp_path))
    assert len(made) == 10
    assert {name for name in made if "stereo" not in name} == {
        "silence",
        "hold tone",
        "hold music",
        "white noise",
        "pink noise",
    }
    loud = {name: sounds.rms(np.asarray(sound.decode(path)[0])) for name, path in made.items()}
    assert loud["silence"] == 0.0
    assert all(level == pytest.approx(sounds.LOUD, rel=0.1) for name, level in loud.items() if "silence" not in name)
    assert {round(sound.probe(path).duration_seconds) for path in made.values()} == {60}
