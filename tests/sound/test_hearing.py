"""A call is recognised in any file that it may come in, and nothing else is taken for it."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from callcov_portal import sound
from callcov_portal.sound import hearing
from tests.fingerprints import fingerprint
from tests.sound.samples import RATE, silence, tone, write

pytestmark = pytest.mark.audio
CALLS = Path(__file__).parents[1] / "calls"
SECONDS = 45


def part(name: str, start: float, seconds: float) -> NDArray[np.float32]:
    """Some seconds of an example call, in stereo."""
    samples = sound.decode(CALLS / f"{name}.stereo.wav", sample_rate=RATE)
    return np.array(samples[:, int(start * RATE) : int((start + seconds) * RATE)])


@pytest.fixture(scope="module")
def call() -> NDArray[np.float32]:
    return part("call1_payment", 0, SECONDS)


@pytest.fixture(scope="module")
def other() -> NDArray[np.float32]:
    return part("call2_complaint", 0, SECONDS)


@pytest.fixture(scope="module")
def known(call, tmp_path_factory) -> sound.Fingerprint:
    """What is known of the call, as it came first: a WAV in stereo."""
    return heard(write(tmp_path_factory.mktemp("known") / "call", call))


def heard(path: Path) -> sound.Fingerprint:
    found = sound.hear(path).fingerprint
    assert found
    return found


def same(one: sound.Fingerprint, another: sound.Fingerprint) -> bool:
    """Say whether one is found by the words of the other, and is the same by its bits."""
    shared = set(one.words(one.asked)) & set(another.words(another.sure))
    return bool(shared) and sound.compare(one, another.kept) is not None


def encodings(call: NDArray[np.float32]) -> dict[str, dict[str, Any]]:
    mono = call.mean(axis=0)
    slow = mono[::2]  # 8 kHz: the call has nothing above 4 kHz
    return {
        "mp3": {"samples": call, "kind": "mp3"},
        "mp3 in mono": {"samples": mono, "kind": "mp3"},
        "opus in ogg": {"samples": call.repeat(3, axis=1), "kind": "ogg", "rate": 48000},
        "opus in webm, mono": {"samples": mono.repeat(3), "kind": "webm", "rate": 48000},
        "aac": {"samples": mono, "kind": "m4a"},
        "flac": {"samples": call, "kind": "flac"},
        "mu-law at 8 kHz": {"samples": slow, "kind": "wav", "codec": "pcm_mulaw", "rate": 8000},
        "quieter": {"samples": 0.1 * call, "kind": "mp3"},
        "silence before": {"samples": np.concatenate([silence(0.73), mono]), "kind": "mp3"},
        "a second cut off": {"samples": mono[RATE:], "kind": "m4a"},
        "the last second cut off": {"samples": mono[:-RATE], "kind": "mp3"},
    }


def test_it_is_the_same_call_in_any_encoding(call, known, tmp_path, subtests) -> None:
    for name, made in encodings(call).items():
        with subtests.test(name):
            path = write(tmp_path / "encoded", **{"muxer": "wav", **made} if "codec" in made else made)
            assert same(heard(path), known), name


def test_another_call_is_another(call, other, known, tmp_path) -> None:
    stranger = heard(write(tmp_path / "other", other, "mp3"))
    assert sound.compare(stranger, known.kept) is None
    assert sound.compare(known, stranger.kept) is None


def test_calls_that_begin_alike_are_two(call, other, known, tmp_path, subtests) -> None:
    """Half a minute of the same announcement, then another conversation."""
    for shared in (10, 20, 30, 38):
        with subtests.test(f"{shared} s"):
            begun = np.concatenate([call[:, : shared * RATE], other[:, shared * RATE :]], axis=1)
            found = heard(write(tmp_path / "begun", begun, "mp3"))
            assert sound.compare(found, known.kept) is None
            assert sound.compare(known, found.kept) is None


def test_the_same_announcement_and_then_nothing_is_another_call(call, known, tmp_path) -> None:
    quiet = np.array(call)
    quiet[:, 30 * RATE :] = 0
    found = heard(write(tmp_path / "quiet", quiet, "mp3"))
    assert sound.compare(found, known.kept) is None
    assert sound.compare(known, found.kept) is None


def music(seed: int, seconds: float = 60) -> NDArray[np.float32]:
    """Notes of a scale that fade, three at a time: music on hold."""
    random, out = np.random.default_rng(seed), silence(seconds + 4)
    scale = 220 * 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16]) / 12)
    at = 0.0
    while at < seconds:
        for hertz in random.choice(scale, 3):
            time = np.arange(int(random.choice([0.75, 1.5, 3.0]) * RATE)) / RATE
            note = sum(np.sin(2 * np.pi * hertz * n * time) / n for n in range(1, 6)) * np.exp(-time * 2)
            out[int(at * RATE) : int(at * RATE) + len(time)] += note
        at += random.choice([0.25, 0.5])
    return (0.4 * out / np.abs(out).max()).astype(np.float32)[: int(seconds * RATE)]


def rhythm(hertz: float, on: float, off: float) -> NDArray[np.float32]:
    """A minute of a tone that comes and goes: engaged, or ringing."""
    return (tone(60, hertz) + tone(60, hertz * 1.1)) * ((np.arange(60 * RATE) / RATE) % (on + off) < on)


def test_what_is_no_speech_has_no_fingerprint(tmp_path, subtests) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 60 * RATE).astype(np.float32)
    for name, samples in {
        "silence": silence(60),
        "a tone": tone(60),
        "a tone with noise": tone(60) + 0.01 * noise,
        "engaged": rhythm(440, 0.5, 0.5),
        "ringing": rhythm(440, 2, 4),
        "noise": noise,
        "music": music(1),
        "other music": music(2),
    }.items():
        with subtests.test(name):
            assert sound.hear(write(tmp_path / "sound", samples)).fingerprint is None, name


def test_less_than_ten_seconds_of_speech_are_not_compared(call, tmp_path) -> None:
    assert sound.hear(write(tmp_path / "short", call[:, : 9 * RATE])).fingerprint is None
    assert sound.hear(write(tmp_path / "tiny", tone(0.2))).fingerprint is None


def test_the_loudness_is_that_of_drawing(call, tmp_path) -> None:
    path = write(tmp_path / "call", call, "mp3")
    assert sound.hear(path).loudness == sound.loudness(path)


def test_what_is_kept_is_small_however_long_the_call_is() -> None:
    whole = heard(CALLS / "call1_payment.mono.mp3")
    assert len(whole.kept) == 3072
    assert len(whole.sure) == 20
    assert len(whole.asked) == 80


def test_made_up_fingerprints_are_alike_only_within_a_call() -> None:
    """What the tests of actions rely on."""
    for one, another in itertools.product([(1, 0), (1, 1), (1, 2), (2, 0), (2, 1)], repeat=2):
        assert same(fingerprint(*one), fingerprint(*another)) == (one[0] == another[0])


def test_a_damaged_stretch_of_one_is_enough_to_tell_them_apart(known) -> None:
    rows = bytearray(known.rows)
    middle = len(rows) // 8 * 4
    rows[middle : middle + 4 * 250] = np.random.default_rng(3).bytes(4 * 250)  # six seconds
    assert sound.compare(dataclasses.replace(known, rows=bytes(rows)), known.kept) is None


@pytest.mark.parametrize(
    "change",
    [
        {"moments": 5},
        {"moments": "many"},
        {"places": [10**9]},
        {"places": [3, 2]},
        {"places": list(range(1001))},
        {"words": [-1]},
        {"asked": None},
    ],
)
def test_a_child_that_says_nonsense_is_not_believed(tmp_path, monkeypatch, change) -> None:
    honest = {
        "moments": 2000, "places": [1, 2], "words": [1], "asked": [1],
        "channels": 1, "step_seconds": 0.02, "loudness": "",
    }  # fmt: skip

    def says(answer: dict[str, object]) -> None:
        def ask(_verb: str, _path: Path, out: str, *_more: str, **_limits: float) -> dict[str, object]:
            Path(out).write_bytes(bytes(4 * 2000) + b"\xff" * 250)
            return answer

        monkeypatch.setattr(hearing, "ask", ask)

    says(honest)
    assert sound.hear(tmp_path).fingerprint
    says({**honest, **change})
    with pytest.raises(sound.NotAudio):
        sound.hear(tmp_path)


def test_what_is_no_recording_is_refused(tmp_path) -> None:
    path = tmp_path / "text.wav"
    path.write_text("Nothing to hear.")
    with pytest.raises(sound.NotAudio):
        sound.hear(path)
    with pytest.raises(sound.TooLong):
        sound.hear(write(tmp_path / "long", tone(4)), max_seconds=1)
