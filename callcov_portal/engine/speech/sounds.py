"""What sounds while nobody speaks: hold music, a tone, noise. So that being on hold can be told from silence."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from callcov_portal.engine.speech.crosstalk import FRAME, RATE

Levels = NDArray[np.float64]
"""Loudness in dB, one number for every frame of 10 ms."""
Mask = NDArray[np.bool_]
Span = tuple[float, float]

SECOND = RATE // FRAME
"""Frames in a second."""
SHORTEST = 3 * SECOND
ABOVE_FLOOR_DB = 10.0
BELOW_SPEECH_DB = 30.0
"""What is quieter than loud speech by more is not heard as a sound."""
FLOOR, LOUD = 5, 95
"""Percentiles of the loudness while people talk: the line's own noise in their pauses, and their speech."""
FEWEST = 2 * SECOND
"""With less talk than that, the whole recording tells what is loud."""
TAIL = SECOND
"""So long a word may go on after its end, or begin before its start, as the recogniser has it …"""
DIP = SECOND * 15 // 100
"""… if it is set apart by so long a pause."""
REST = 4 * SECOND
"""Hold tones pause, and telephones ring, at most so long between two sounds."""
SHARE = 0.15
"""In so much of a stretch something must sound: a click every few seconds is silence."""


def sounds(levels: Sequence[Levels], spoken: Iterable[Span]) -> list[Span]:
    """Stretches in seconds of at least 3 s in which no word is `spoken` and something sounds on any channel.

    `spoken` are the words' spans in seconds, in any order.
    """
    frames = len(levels[0])
    gaps = list(wordless(sorted((round(a * SECOND), round(b * SECOND)) for a, b in spoken), frames))
    sounding = audible(levels, gaps)
    return [
        (round(start / SECOND, 2), round(end / SECOND, 2))
        for begin, end in gaps
        for start, end in stretches(sounding[begin:end], begin, last=end == frames)
    ]


def wordless(spoken: list[tuple[int, int]], frames: int) -> Iterator[tuple[int, int]]:
    """Stretches of at least 3 s between words, in frames."""
    at = 0
    for start, end in [*spoken, (frames, frames)]:
        if min(start, frames) - at >= SHORTEST:
            yield at, min(start, frames)
        at = max(at, end)


def audible(levels: Sequence[Levels], gaps: Iterable[tuple[int, int]]) -> Mask:
    """Frames in which some channel is clearly louder than its noise while people talk, and not much quieter than they."""
    talk = np.ones(len(levels[0]), bool)
    for begin, end in gaps:
        talk[begin:end] = False
    if talk.sum() < FEWEST:
        talk[:] = True
    if not len(talk):
        return talk
    loud = max(float(np.percentile(level[talk], LOUD)) for level in levels)
    least = [max(float(np.percentile(level[talk], FLOOR)) + ABOVE_FLOOR_DB, loud - BELOW_SPEECH_DB) for level in levels]
    return np.asarray(np.any([level > limit for level, limit in zip(levels, least, strict=True)], axis=0), bool)


def stretches(sounding: Mask, offset: int, *, last: bool) -> Iterator[tuple[int, int]]:
    """Where a gap between words sounds, rests in between included; in frames of the whole recording.

    `last` gaps end with the recording, and those with offset 0 begin with it: no word is near there.
    """
    runs = without_tails(runs_of(sounding), len(sounding), first=offset == 0, last=last)
    while runs:
        together = 1
        while together < len(runs) and runs[together][0] - runs[together - 1][1] <= REST:
            together += 1
        begin, end = runs[0][0], runs[together - 1][1]
        if end - begin >= SHORTEST and sounding[begin:end].mean() >= SHARE:
            yield offset + begin, offset + end
        runs = runs[together:]


def runs_of(sounding: Mask) -> list[tuple[int, int]]:
    """First and last-but-one frames of each run; pauses shorter than DIP do not end one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], sounding, [False]]).astype(np.int8)))
    runs: list[tuple[int, int]] = []
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if runs and begin - runs[-1][1] < DIP:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((begin, end))
    return runs


def without_tails(runs: list[tuple[int, int]], length: int, *, first: bool, last: bool) -> list[tuple[int, int]]:
    """Leave out what is the rest of the word before or the beginning of the one after."""
    if runs and not first and runs[0][0] < DIP and runs[0][1] <= TAIL:
        runs = runs[1:]
    if runs and not last and length - runs[-1][1] < DIP and length - runs[-1][0] <= TAIL:
        runs = runs[:-1]
    return runs
