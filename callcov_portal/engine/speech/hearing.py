"""From samples to segments with speakers: what the recogniser child does with one recording."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from callcov_portal.engine.speech import mono, roles
from callcov_portal.engine.speech.crosstalk import (
    FRAME,
    RATE,
    as_spoken,
    decibels,
    frame_powers,
    gated,
    gates,
    only_side,
)
from callcov_portal.engine.speech.roles import Cast
from callcov_portal.engine.speech.sounds import Levels, sounds
from callcov_portal.engine.speech.stretches import Heard, segments, tidy
from callcov_portal.engine.speech.transcript import Segment
from callcov_portal.engine.speech.voices import VoiceEncoder
from callcov_portal.rules import builtin

Array = NDArray[np.float32]
Spans = list[tuple[int, int]]
Tell = Callable[[str, float], None]

BLOCK_SECONDS = 300
"""Long calls are heard in blocks of about this length, because the recogniser takes memory for all it is given."""
LOOK_BACK_SECONDS = 60
CHANNELS = ("0", "1")


class Listener(Protocol):
    """What is needed of the model."""

    def language(self, samples: Array) -> str:
        """Of the speech in `samples`; empty without speech."""
        ...

    def words(self, samples: Array, language: str, heard: Callable[[float], None]) -> list[Heard]:
        """In `samples`."""
        ...


class Hearing:
    """A model and what else is loaded once."""

    def __init__(self, model: Listener, encoder: VoiceEncoder, spans: Callable[..., Spans]) -> None:
        self.model, self.encoder, self.spans = model, encoder, spans

    def hear(self, samples: Array, agent_channel: int, tell: Tell) -> dict[str, Any]:
        """Return Transcript's fields but the length, for samples of shape (1 or 2, n) at 16 kHz."""
        spoken, levels = as_spoken(samples), [decibels(channel) for channel in samples]
        blocks = list(blocks_of(spoken))
        language = self._language(spoken, blocks)
        expected = CHANNELS[agent_channel]
        found: list[Segment] = []
        cast = Cast(expected, "channels" if len(spoken) == 2 else "voices")
        if language and len(spoken) == 2:
            found = self._stereo(spoken, levels, blocks, language, tell)
            cast = roles.by_channel(found, CHANNELS, expected, builtin())
        elif language:
            found = self._mono(spoken[0], blocks, language, tell)
            found, cast = sided(found, only_side(samples), expected)
        tell("separating speakers", 1.0)
        return {
            "segments": roles.with_roles(found, cast.agent),
            "language": language,
            "channels": len(spoken),
            "roles": cast.roles,
            "note": cast.note,
            "sounds": sounds(levels, ((word.start, word.end) for each in found for word in each.words)),
        }

    def _language(self, spoken: Array, blocks: list[tuple[int, int]]) -> str:
        for begin, end in blocks:
            if language := self.model.language(np.ascontiguousarray(spoken[:, begin:end].mean(axis=0))):
                return language
        return ""

    def _stereo(self, spoken: Array, levels: list[Levels], blocks: Spans, language: str, tell: Tell) -> list[Segment]:
        found: list[Segment] = []
        for number, (channel, mask) in enumerate(zip(spoken, gates(*levels), strict=True)):
            part = partial(gated, channel, mask)
            words = self._words(part, blocks, language, Share(tell, number / 2, 1 / 2))
            found += segments([replace(word, speaker=CHANNELS[number]) for word in words], language)
        return sorted(found, key=lambda each: each.start)

    def _mono(self, channel: Array, blocks: Spans, language: str, tell: Tell) -> list[Segment]:
        part = partial(piece_of, channel)
        words = self._words(part, blocks, language, Share(tell, 0.0, 1.0))
        tell("separating speakers", 0.0)
        windows: list[mono.Window] = []
        for begin, end in blocks:
            piece = part(begin, end)
            spans = self.spans(piece, min_silence_duration_ms=100, speech_pad_ms=30)
            windows += mono.windows_of(piece, spans, self.encoder, begin / RATE)
        told = partial(tell, "separating speakers")
        return segments(mono.assign(words, windows, self.encoder, told), language)

    def _words(self, part: Callable[[int, int], Array], blocks: Spans, language: str, share: "Share") -> list[Heard]:
        """Recognise one channel block by block."""
        total = blocks[-1][1]
        words: list[Heard] = []
        for begin, end in blocks:
            offset = begin / RATE
            found = self.model.words(part(begin, end), language, share.of(begin / total, RATE / total))
            words += [replace(word, start=word.start + offset, end=word.end + offset) for word in found]
        share.reached(1.0)
        return tidy(words, language)


def sided(found: list[Segment], side: int | None, expected: str) -> tuple[list[Segment], Cast]:
    """Who is the agent among voices. A lone one on one side of a stereo recording, the other being silent, is that side's."""
    if side is None or len({each.speaker for each in found}) != 1:
        return found, roles.by_voice(found, mono.VOICES, builtin())
    sided = [replace(each, speaker=CHANNELS[side]) for each in found]
    return sided, roles.by_channel(sided, CHANNELS, expected, builtin())


@dataclass(frozen=True)
class Share:
    """One part of the recognition's progress: from `start` on, `size` of the whole."""

    tell: Tell
    start: float
    size: float

    def reached(self, fraction: float) -> None:
        """Of this part."""
        self.tell("recognising", self.start + self.size * min(1.0, fraction))

    def of(self, done: float, per_second: float) -> Callable[[float], None]:
        """A function that takes seconds into a block, of which `done` lies before."""
        return lambda seconds: self.reached(done + seconds * per_second)


def piece_of(channel: Array, begin: int, end: int) -> Array:
    """A copy of samples `begin` to `end`."""
    return np.array(channel[begin:end], np.float32)


def blocks_of(spoken: Array) -> Iterator[tuple[int, int]]:
    """Cut a long call, in samples, each time at the quietest half second of the last minute before the limit."""
    begin, total = 0, spoken.shape[1]
    while total - begin > BLOCK_SECONDS * RATE:
        limit = begin + BLOCK_SECONDS * RATE
        tail = limit - LOOK_BACK_SECONDS * RATE
        power = frame_powers(np.ascontiguousarray(spoken[:, tail:limit].mean(axis=0)))
        quiet = np.convolve(power, np.ones(50), mode="valid").argmin() + 25
        yield begin, (begin := tail + int(quiet) * FRAME)
    if total > begin:
        yield begin, total
