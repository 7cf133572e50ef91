"""Two speakers on one channel: voice activity, speaker vectors, two clusters; then each word gets its speaker."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from callcov_portal.engine.speech.clusters import two_voices
from callcov_portal.engine.speech.stretches import Heard, is_end
from callcov_portal.engine.speech.voices import HOP, LOUDNESS, RATE, WINDOW_FRAMES, VoiceEncoder

Array = NDArray[np.float32]

VOICES = ("0", "1")
STEP_FRAMES = 40
"""Frames between two windows: 0.4 s."""
FLOWING = STEP_FRAMES * HOP / RATE + 0.001
"""Middles of windows over flowing speech are at most so many seconds apart, a step; with a pause between it is more."""
SHORTEST_FRAMES = 30
AT_ONCE = 256  # windows: 7 MB
REACH = 0.9  # seconds from a window's middle within which it speaks for a word
FLICKER = 0.6
"""A change of speaker that lasts less, without a pause around it, is an error."""
BREATH = 0.12
DRIFT = 3
"""A change of speaker is moved to the end of a sentence that is this many words away, unless people pause there."""
PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of speech as the encoder sees it; `middle` in seconds."""

    middle: float
    mel: Array


def windows_of(samples: Array, spans: Sequence[tuple[int, int]], encoder: VoiceEncoder, offset: float) -> list[Window]:
    """Windows of 1.6 s over each span (in samples) of speech; shorter spans are repeated until they fill one.

    Every span is raised by itself: one speaker of a call is often quieter than the other.
    """
    found: list[Window] = []
    for begin, end in spans:
        mel = encoder.mel(raised(samples[begin:end]))
        if len(mel) < SHORTEST_FRAMES:
            continue
        start = offset + begin / RATE
        if len(mel) < WINDOW_FRAMES:
            found.append(Window(start + len(mel) * HOP / RATE / 2, np.resize(mel, (WINDOW_FRAMES, mel.shape[1]))))
            continue
        places = [*range(0, len(mel) - WINDOW_FRAMES, STEP_FRAMES), len(mel) - WINDOW_FRAMES]
        found += [Window(start + (at + WINDOW_FRAMES / 2) * HOP / RATE, mel[at : at + WINDOW_FRAMES]) for at in places]
    return found


def raised(samples: Array) -> Array:
    """Speech as loud as the encoder knows it; what is louder stays."""
    loud = float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0
    return samples * np.float32(max(1.0, LOUDNESS / loud)) if loud > 0 else samples


def vectors_of(windows: Sequence[Window], encoder: VoiceEncoder, done: Callable[[float], None]) -> Array:
    """The windows' vectors; a few windows at a time, because four hours of them take a gigabyte."""
    parts = []
    for at in range(0, len(windows), AT_ONCE):
        parts.append(encoder.embed(np.stack([window.mel for window in windows[at : at + AT_ONCE]])))
        done(min(1.0, (at + AT_ONCE) / len(windows)))
    return np.concatenate(parts)


def assign(
    words: list[Heard],
    windows: Sequence[Window],
    encoder: VoiceEncoder,
    done: Callable[[float], None] = lambda _fraction: None,
) -> list[Heard]:
    """Give every word the label of its voice, "0" or "1"; one voice only gives "0" throughout.

    `done(fraction)` tells how far it is.
    """
    centres = None
    if windows:
        vectors = vectors_of(windows, encoder, done)
        middles = np.array([window.middle for window in windows])
        centres = two_voices(vectors, np.diff(middles) <= FLOWING)
    if centres is None:
        return [replace(word, speaker=VOICES[0]) for word in words]
    leaning = vectors @ (centres[1] - centres[0])
    labelled = [replace(word, speaker=VOICES[int(lean(word, middles, leaning) > 0)]) for word in words]
    return at_sentences(steady(labelled))


def lean(word: Heard, middles: Array, leaning: Array) -> float:
    """Towards which voice the windows around a word lean; the nearest window if none is near."""
    distance = np.abs(middles - (word.start + word.end) / 2)
    weights = np.maximum(0, REACH - distance)
    if not weights.any():
        return float(leaning[distance.argmin()])
    return float(weights @ leaning)


def steady(words: list[Heard]) -> list[Heard]:
    """Undo changes of speaker that are too short to be true."""
    steadied = list(words)
    at = 0
    while at < len(steadied):
        end = at + 1
        while end < len(steadied) and steadied[end].speaker == steadied[at].speaker:
            end += 1
        if at > 0 and end < len(steadied) and is_flicker(steadied, at, end):
            steadied[at:end] = [replace(word, speaker=steadied[at - 1].speaker) for word in steadied[at:end]]
        at = end
    return steadied


def is_flicker(words: Sequence[Heard], at: int, end: int) -> bool:
    """Whether words `at` to `end` have another speaker on both sides, are short, and no breath or sentence sets them apart."""
    short = words[end - 1].end - words[at].start < FLICKER
    apart = words[at].start - words[at - 1].end > BREATH or is_end(words[at - 1])
    return short and not apart


def at_sentences(words: list[Heard]) -> list[Heard]:
    """Move changes of speaker to the nearest end of a sentence: vectors are blurred by 1.6 s, sentences are not."""
    moved = list(words)
    changes = [at for at in range(1, len(words)) if words[at].speaker != words[at - 1].speaker]
    bounds = [0, *changes, len(words)]
    for before, at, after in zip(bounds, changes, bounds[2:], strict=False):
        to = nearest_end(words, at, before, after)
        for between in range(min(at, to), max(at, to)):
            moved[between] = replace(moved[between], speaker=words[at if to < at else at - 1].speaker)
    return moved


def nearest_end(words: Sequence[Heard], at: int, before: int, after: int) -> int:
    """Where the change at `at` belongs; never past a neighbouring change."""
    if is_end(words[at - 1]) or words[at].start - words[at - 1].end >= PAUSE:
        return at
    for distance in range(1, DRIFT + 1):
        for place in (at - distance, at + distance):
            if before < place < after and is_end(words[place - 1]):
                return place
    return at
