"""Hold music and tones are told from silence, and from the words around them."""

import numpy as np
import pytest

from callcov_portal.engine.speech.crosstalk import RATE, decibels
from callcov_portal.engine.speech.sounds import sounds
from tests.sound.samples import silence, tone

WORDS = [(0.0, 4.0), (30.0, 34.0)]


def speech(seconds):
    """Loud and quiet by turns, as syllables are."""
    return tone(seconds) * np.float32(0.5) * (np.sin(np.arange(int(seconds * RATE)) / RATE * 25) > 0).astype(np.float32)


def call(meanwhile):
    """34 seconds: speech, 26 seconds of something, speech, over a little noise of the line."""
    whole = np.concatenate([speech(4), meanwhile, speech(4)])
    return (whole + np.random.default_rng(1).normal(0, 1e-4, len(whole))).astype(np.float32)


def heard(meanwhile, *others):
    return sounds([decibels(each) for each in (call(meanwhile), *others)], WORDS)


def beeps(seconds):
    """A tone of half a second every two seconds."""
    one = np.concatenate([tone(0.5, 440) * np.float32(0.3), silence(1.5)])
    return np.tile(one, int(seconds / 2))[: int(seconds * RATE)]


@pytest.mark.parametrize(
    "meanwhile",
    [tone(26, 440) * np.float32(0.1), beeps(26), np.concatenate([tone(13, 300), tone(13, 500)]) * np.float32(0.2)],
    ids=["a tone", "beeps", "a melody"],
)
def test_what_sounds_between_words_is_found(meanwhile):
    (span,) = heard(meanwhile)
    assert span[0] == pytest.approx(4, abs=2)
    assert span[1] == pytest.approx(30, abs=2)


def test_silence_is_no_sound():
    assert heard(silence(26)) == []


def test_a_click_now_and_then_is_no_sound():
    clicks = silence(26)
    clicks[:: 6 * RATE] = 0.5
    assert heard(clicks) == []


def test_the_end_of_a_word_is_no_sound():
    assert heard(np.concatenate([speech(0.5), silence(25.5)])) == []


def test_music_on_any_channel_counts():
    other = np.concatenate([silence(4), tone(26, 440) * np.float32(0.2), silence(4)])
    assert len(heard(silence(26), other)) == 1


def test_words_are_never_a_sound():
    assert sounds([decibels(call(tone(26)))], [(0.0, 34.0)]) == []


def test_a_recording_without_a_word_or_a_sample_is_no_trouble():
    assert sounds([decibels(silence(0))], []) == []
    assert sounds([decibels(silence(10))], []) == []
