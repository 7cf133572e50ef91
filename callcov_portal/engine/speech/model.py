"""The Whisper model itself. Imported only in the recogniser child: everything heavy is loaded from here."""

from collections.abc import Callable
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.vad import VadOptions, collect_chunks, get_speech_timestamps
from numpy.typing import NDArray

from callcov_portal.engine.speech.features import PieceWise
from callcov_portal.engine.speech.stretches import Heard, glued
from callcov_portal.engine.speech.timing import placed, stretched

Array = NDArray[np.float32]
RATE = 16000
LANGUAGE_SECONDS = 30
DEFAULT_LANGUAGE = "en"
SPEECH = 0.3
"""Silero's threshold. Its usual 0.5 misses whole short answers on telephone lines; hold music, tones and noise stay out."""
LOUD = 10 ** (-30 / 20)
"""Louder speech is turned down to this before voice activity is looked for, at the 95th percentile of what sounds.

Silero takes the first second of a loud voice on a telephone line for noise: half of the turns of an example lost their
first words. Turned down it hears them: 3.4 % wrong words on five calls instead of 6.2 %.
"""
LOUDEST = 95
SAMPLES = 2
"""So many texts are drawn where a temperature is tried, each with caches of its own; five take 120 MB more and are no better."""
SURE = 0.5
"""Below this probability a guess at the language is not believed."""


class Model:
    """Whisper with settings that suit calls: one beam, no memory of its own text (it makes loops), voice activity first.

    A temperature above 0 is tried only where the text repeats itself or is unlikely, which ends loops.
    """

    def __init__(self, target: str, threads: int = 1) -> None:
        """`target` is a folder or a hub's name. Raises whatever the loader raises."""
        self.whisper = WhisperModel(target, device="cpu", compute_type="int8", cpu_threads=threads)
        self.whisper.feature_extractor = PieceWise(**self.whisper.feat_kwargs)

    def language(self, samples: Array) -> str:
        """The language of the first half minute of speech; empty when there is none."""
        spans = voiced(samples)
        if not spans:
            return ""
        if not self.whisper.model.is_multilingual:
            return DEFAULT_LANGUAGE
        chunks, _where = collect_chunks(samples, spans)
        code, probability, _all = self.whisper.detect_language(chunks[0][: LANGUAGE_SECONDS * RATE])
        return str(code) if probability >= SURE else DEFAULT_LANGUAGE

    def words(self, samples: Array, language: str, heard: Callable[[float], None]) -> list[Heard]:
        """The words of one channel, times in seconds from its first sample; `heard(seconds)` tells how far it is."""
        found: list[Heard] = []
        spans = voiced(samples)
        if not spans:
            return found
        chunks, _where = collect_chunks(samples, spans)
        pieces, _info = self.whisper.transcribe(
            np.concatenate(chunks),
            language=language,
            beam_size=1,
            best_of=SAMPLES,
            word_timestamps=True,
            condition_on_previous_text=False,
        )
        ends = [(span["start"] / RATE, span["end"] / RATE) for span in spans]
        for piece in pieces:
            found += [
                Heard(word.word, float(word.start), float(word.end), word.probability) for word in piece.words or []
            ]
            heard(placed(found[-1:], ends)[0].end if found else 0.0)
        return placed(stretched(glued(found, language)), ends)


def voiced(samples: Array, **options: Any) -> list[dict[str, int]]:
    """Where somebody speaks, as Silero says it (`start` and `end` in samples); options as Silero's."""
    sounding = np.abs(samples[samples != 0])
    loudness = float(np.percentile(sounding, LOUDEST)) if len(sounding) else 0.0
    quiet = samples * np.float32(LOUD / loudness) if loudness > LOUD else samples
    return list(get_speech_timestamps(quiet, VadOptions(threshold=SPEECH, **options)))


def speech_spans(samples: Array, **options: Any) -> list[tuple[int, int]]:
    """Where somebody speaks, in samples; options as Silero's."""
    return [(int(span["start"]), int(span["end"])) for span in voiced(samples, **options)]
