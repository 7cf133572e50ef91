"""What was said, and the promise of whoever hears it. Plain values; no heavy import."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

AGENT, CONTACT = "A", "B"


@dataclass(frozen=True, slots=True)
class Word:
    """One word with its punctuation; `start` and `end` in seconds, `confidence` from 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Segment:
    """One speaker's stretch of speech. Never two people in one segment; `words` are in order and make up `text`."""

    speaker: str
    """AGENT or CONTACT."""
    text: str
    start: float
    end: float
    confidence: float
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Transcript:
    """A whole call, segments in order of their start. No segments: nothing was said."""

    segments: tuple[Segment, ...]
    language: str
    """ISO 639-1 code, empty when nothing was said."""
    duration_seconds: float
    channels: int
    """2 when each speaker had a channel, so that overlaps could be heard; else 1."""
    roles: str = "channels"
    """How agent and contact were told apart: by `channels`, by `channels_overruled` (the other channel than expected
    talks like an agent), by what two `voices` say, or not at all, because there is only `one_voice`."""
    note: str = ""
    """What a reader should know about that, a sentence; "" when there is nothing to say."""
    sounds: tuple[tuple[float, float], ...] = ()
    """Stretches (start, end in seconds) without a word in which something sounds all the same: hold music, a tone."""


class SpeechError(Exception):
    """Recognition failed; `str()` is a sentence for people.

    SpeechError           time is up, out of memory, the recogniser died
    ├── ModelUnusable     CALLCOV_ENGINE_MODEL names nothing that can be loaded: no fault of the recording
    └── Cancelled         `cancelled()` said so
    """


class ModelUnusable(SpeechError):
    """The speech model is missing, damaged, or cannot be loaded; the sentences say what to do about it."""

    CHOOSE = (
        "Set CALLCOV_ENGINE_MODEL to base, to a folder with a CTranslate2 Whisper model or, on a machine that reaches a "
        "model hub, to the name of one there, and restart the engine."
    )

    def __init__(self, model: str, reason: str, what_to_do: str = CHOOSE) -> None:
        """`reason` follows a colon."""
        super().__init__(model, reason, what_to_do)

    def __str__(self) -> str:
        model, reason, what_to_do = self.args
        return f"The speech model {model} could not be loaded: {reason.rstrip('. ')}. {what_to_do}"


class Cancelled(SpeechError):
    """The caller no longer wants the transcript."""


class Recogniser(Protocol):
    """Hears a recording."""

    def transcribe(
        self, path: Path, *, progress: Callable[[str, float], None], cancelled: Callable[[], bool]
    ) -> Transcript:
        """Return what is said in `path`; may be called from several threads, which take turns.

        `progress(stage, fraction)` is called with the stages "decoding", "recognising" and "separating speakers",
        each from 0 to 1. `cancelled()` is asked several times a second; True ends the work with Cancelled.
        Raises SpeechError, and sound.SoundError when the recording itself is the trouble. Silence is no error.
        """
        ...
