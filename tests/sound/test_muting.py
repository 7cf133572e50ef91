"""Copies of recordings in which some seconds are silent: those seconds and no others."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from callcov_portal import sound
from callcov_portal.sound import asking, muting
from callcov_portal.sound.child import encoding
from callcov_portal.sound.child.muting import stretches_of
from tests.sound.samples import RATE, silence, tone, write

CALLS = Path(__file__).parent.parent / "calls"
SPANS = [(2.0, 3.0), (5.5, 5.8)]
MADE = {"wav": "flac", "flac": "flac", "mp3": "mp3", "m4a": "mp3", "ogg": "mp3", "webm": "mp3", "mpeg": "mp3"}


def decoded(path: Path, rate: int = RATE) -> NDArray[np.float32]:
    return sound.decode(path, sample_rate=rate)


def loudness(samples: NDArray[np.float32], start: float, end: float, rate: int = RATE) -> NDArray[np.float64]:
    """The root mean square of each channel between two seconds."""
    part = samples[:, int(start * rate) : int(end * rate)].astype(np.float64)
    return np.sqrt((part**2).mean(axis=1))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", sorted(MADE))
def test_the_seconds_named_are_silent_and_the_others_as_before(kind, channels, tmp_path):
    sides = [tone(8, 300), tone(8, 500, loudness=0.2)][:channels]
    path = write(tmp_path / "call", np.stack(sides), kind)
    made = sound.mute_to(path, tmp_path / "muted", SPANS)
    found = sound.probe(tmp_path / "muted")
    assert (made.format, found.format, made.channels, found.channels) == (MADE[kind], MADE[kind], channels, channels)
    assert made.sample_rate == sound.probe(path).sample_rate
    before, after = decoded(path), decoded(tmp_path / "muted")
    assert after.shape[1] == pytest.approx(before.shape[1], abs=0.1 * RATE)
    for start, end in SPANS:
        assert (loudness(after, start - 0.05, end + 0.05) < 0.001).all()
    for start, end in [(0.5, 1.7), (3.3, 5.2), (6.1, 7.5)]:
        assert loudness(after, start, end) == pytest.approx(loudness(before, start, end), rel=0.1)
        spectrum = np.abs(np.fft.rfft(after[0][int(start * RATE) : int(end * RATE)]))
        assert np.argmax(spectrum) / (end - start) == pytest.approx(300, abs=3)


def test_nothing_is_lost_of_a_telephone_recording_beside_its_silent_seconds(tmp_path):
    path = CALLS / "call1_payment.stereo.wav"
    made = sound.mute_to(path, tmp_path / "muted", [(10.0, 12.0)])
    rate = sound.probe(path).sample_rate
    before, after = decoded(path, rate), decoded(tmp_path / "muted", rate)
    assert made == sound.Muted("flac", before.shape[1] / rate, 2, rate)
    first, last, fade = int(9.85 * rate), int(12.15 * rate) + 1, int(0.005 * rate)
    assert not after[:, first:last].any()
    assert (after[:, : first - fade] == before[:, : first - fade]).all()
    assert (after[:, last + fade :] == before[:, last + fade :]).all()
    edge = after[:, first - fade : first], before[:, first - fade : first]
    assert (np.abs(edge[0]) <= np.abs(edge[1])).all()
    assert (tmp_path / "muted").stat().st_size < 1.2 * path.stat().st_size


def test_the_clock_of_a_long_mp3_stays_right_to_its_end(tmp_path):
    path = CALLS / "call2_complaint.mono.mp3"
    sound.mute_to(path, tmp_path / "muted", [(130.0, 131.0)])
    before, after = decoded(path, 8000)[0], decoded(tmp_path / "muted", 8000)[0]
    assert len(after) == pytest.approx(len(before), abs=800)
    assert sound.probe(tmp_path / "muted").duration_seconds == pytest.approx(141.6, abs=0.3)
    end = before[132 * 8000 : 136 * 8000], after[132 * 8000 : 136 * 8000]
    assert np.corrcoef(*end)[0, 1] > 0.95  # not a sample too early or late
    assert not np.abs(after[130 * 8000 : 131 * 8000]).max() > 0.001


def test_samples_of_24_bits_stay_as_fine(tmp_path):
    path = write(tmp_path / "call.wav", tone(3, loudness=0.0001), codec="pcm_s24le")
    sound.mute_to(path, tmp_path / "muted", [(1.0, 1.5)])
    before, after = decoded(path), decoded(tmp_path / "muted")
    assert np.abs(after[0, : int(0.8 * RATE)] - before[0, : int(0.8 * RATE)]).max() < 2**-22


def test_more_than_two_channels_are_mixed_and_muted(tmp_path):
    six = np.stack([tone(3), *[silence(3)] * 5])
    path = write(tmp_path / "six.wav", six, layout="5.1")
    assert sound.mute_to(path, tmp_path / "muted", [(1.0, 1.5)]).channels == 1
    after = decoded(tmp_path / "muted")
    assert loudness(after, 0, 0.8) > 0.01
    assert not after[:, RATE : RATE + RATE // 2].any()


def test_a_span_at_the_very_begin_beyond_the_end_or_across_frames_is_silent(tmp_path):
    path = write(tmp_path / "call.wav", tone(4))
    sound.mute_to(path, tmp_path / "muted", [(0.0, 0.1), (3.9, 99.0), (50.0, 51.0)])
    after = decoded(tmp_path / "muted")
    assert after.shape == (1, 4 * RATE)
    assert not after[:, : int(0.25 * RATE)].any()
    assert not after[:, int(3.75 * RATE) :].any()
    assert loudness(after, 0.3, 3.7) > 0.1


def test_stretches_that_lie_close_together_are_one():
    assert stretches_of([(5, 6), (1, 2), (2.2, 3)], 1000) == [(850, 3151), (4850, 6151)]
    assert stretches_of([(1, 9), (2, 3)], 1000) == [(850, 9151)]
    assert stretches_of([], 1000) == []


@pytest.mark.parametrize(
    ("rate", "channels", "given", "expected"),
    [
        (8000, 1, 16, 32),
        (8000, 2, 999, 64),
        (16000, 1, 45, 48),
        (24000, 2, 320, 128),
        (48000, 1, 24, 64),
        (44100, 2, 0, 128),
        (44100, 1, 129.5, 128),
    ],
)
def test_the_copy_has_no_smaller_bit_rate_than_the_recording_up_to_128(rate, channels, given, expected):
    assert encoding.kilobits(rate, channels, given) == expected


@pytest.mark.parametrize(
    ("rate", "kind", "expected"), [(6000, "wav", 6000), (12000, "flac", 12000), (96000, "wav", 96000)]
)
def test_odd_rates_are_kept_where_nothing_is_lost(rate, kind, expected, tmp_path):
    path = write(tmp_path / "call", tone(2, rate=rate), kind, rate=rate)
    assert sound.mute_to(path, tmp_path / "muted", [(1.0, 1.2)]).sample_rate == expected


def test_a_rate_that_mp3_cannot_say_becomes_the_next_one(tmp_path):
    path = write(tmp_path / "call", tone(2, rate=96000), "m4a", rate=96000)
    made = sound.mute_to(path, tmp_path / "muted", [(1.0, 1.2)])
    assert (made.sample_rate, made.duration_seconds) == (48000, pytest.approx(2, abs=0.1))
    assert encoding.flac_takes(65535)
    assert not encoding.flac_takes(88201)


def test_thousands_of_spans_are_no_trouble(tmp_path):
    path = write(tmp_path / "call.wav", tone(20))
    spans = [(n / 500, n / 500 + 0.001) for n in range(9000)]
    sound.mute_to(path, tmp_path / "muted", spans)
    after = decoded(tmp_path / "muted")
    assert not after[:, : 18 * RATE].any()
    assert loudness(after, 18.3, 20) > 0.1


def test_what_is_no_recording_or_too_long_or_does_not_fit_is_told(tmp_path, monkeypatch):
    (tmp_path / "text.wav").write_text("no sound at all, only words\n" * 40)
    with pytest.raises(sound.NotAudio):
        sound.mute_to(tmp_path / "text.wav", tmp_path / "muted", [(0, 1)])
    path = write(tmp_path / "call.wav", np.random.default_rng(3).normal(0, 0.2, 20 * RATE).astype(np.float32))
    with pytest.raises(sound.TooLong):
        sound.mute_to(path, tmp_path / "muted", [(0, 1)], max_seconds=5)
    monkeypatch.setattr(muting, "FILE_BYTES", 50_000)
    with pytest.raises(sound.SoundError, match="could not be"):
        sound.mute_to(path, tmp_path / "muted", [(0, 1)])


def test_a_child_that_lies_about_the_copy_is_not_believed(tmp_path, monkeypatch):
    (tmp_path / "muted").write_bytes(b"x")
    said = {"format": "exe", "duration_seconds": 1, "channels": 1, "sample_rate": 1}
    monkeypatch.setattr(muting, "ask", lambda *a, **k: said)
    with pytest.raises(sound.SoundError, match="could not be written"):
        sound.mute_to(tmp_path / "call", tmp_path / "muted", [(0, 1)])


PEAK = """
import sys
sys.path.insert(0, sys.argv[1])
from child import working
print(working.work("mute", *sys.argv[2:]))
print(*[line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")])
"""


def test_memory_does_not_grow_with_the_length(tmp_path):
    peaks = []
    for minutes in (1, 40):
        path = write(tmp_path / "call.wav", np.tile(tone(60, rate=8000), minutes), rate=8000)
        command = [sys.executable, "-c", PEAK, str(asking.CHILD.parent), str(path), str(tmp_path / "muted"), "9999"]
        said = subprocess.run(command, input="[[1, 2]]", capture_output=True, check=True, text=True).stdout
        assert "'ok'" in said
        peaks.append(int(said.split()[-1]))
    assert peaks[1] - peaks[0] < 10_000  # kB; the samples of 39 minutes are 37 MB
