"""The Whisper model itself. Imported only in the recogniser child: everything heavy is loaded from here."""

from collections.abc import Callable
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.vad import VadOptions, collect_chunks, get_speech_timestamps
from numpy.typing import NDArray

from callcov_portal.engine.speech.stretches import Heard

Array = NDArray[np.float32]
RATE = 16000
LANGUAGE_SECONDS = 30
DEFAULT_LANGUAGE = "en"
SPEECH = 0.3
"""Silero's threshold. Its usual 0.5 misses whole short answers on telephone lines; hold music, tones and noise stay out."""
SURE = 0.5
"""Below this probability a guess at the language is not believed."""


class Model:
    """Whisper with settings that suit calls: one beam, no memory of its own text (it makes loops), voice activity first.

    A temperature above 0 is tried only where the text repeats itself or is unlikely, which ends loops.
    """

    def __init__(self, target: str) -> None:
        """`target` is a folder or a hub's name. Raises whatever the loader raises."""
        self.whisper = WhisperModel(target, device="cpu", compute_type="int8", cpu_threads=1)

    def language(self, samples: Array) -> str:
        """The language of the first half minute of speech; empty when there is none."""
        spans = get_speech_timestamps(samples, VadOptions(threshold=SPEECH))
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
        pieces, _info = self.whisper.transcribe(
            samples,
            language=language,
            beam_size=1,
            word_timestamps=True,
            condition_on_previous_text=False,
            vad_filter=True,
            vad_parameters={"threshold": SPEECH},
        )
        for piece in pieces:
            found += [Heard(word.word, word.start, word.end, word.probability) for word in piece.words or []]
            heard(piece.end)
        return found


def speech_spans(samples: Array, **options: Any) -> list[tuple[int, int]]:
    """Where somebody speaks, in samples; options as Silero's."""
    spans = get_speech_timestamps(samples, VadOptions(threshold=SPEECH, **options))
    return [(int(span["start"]), int(span["end"])) for span in spans]
