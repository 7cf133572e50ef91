"""Speech into words: who recognises is chosen by CALLCOV_ENGINE_MODEL."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from callcov_portal.engine.speech.scripted import ScriptedRecogniser
from callcov_portal.engine.speech.transcript import (
    AGENT,
    CONTACT,
    Cancelled,
    ModelUnusable,
    Recogniser,
    Segment,
    SpeechError,
    Transcript,
    Word,
)
from callcov_portal.engine.speech.whisper import WhisperRecogniser

__all__ = [
    "AGENT",
    "CONTACT",
    "Cancelled",
    "ModelUnusable",
    "Recogniser",
    "Segment",
    "SpeechError",
    "Transcript",
    "Word",
    "recogniser",
]

AGENT_CHANNELS = ("left", "right")
"""Values of CALLCOV_ENGINE_AGENT_CHANNEL, in the order of the channels."""


def recogniser() -> Recogniser:
    """Return this process's recogniser; the same one every time (it keeps a child with the model loaded).

    CALLCOV_ENGINE_MODEL: "base", a folder with a CTranslate2 Whisper model, a hub's model name, or "scripted"
    and "scripted:/folder" for tests. Nothing is loaded before the first recording is transcribed.
    """
    agent_channel = AGENT_CHANNELS.index(settings.CALLCOV_ENGINE_AGENT_CHANNEL)
    return _recogniser(settings.CALLCOV_ENGINE_MODEL, Path(settings.CALLCOV_DATA_DIR), agent_channel)


@lru_cache(maxsize=4)
def _recogniser(model: str, data_dir: Path, agent_channel: int) -> Recogniser:
    name, _, folder = model.partition(":")
    if name == "scripted":
        return ScriptedRecogniser(Path(folder) if folder else None)
    return WhisperRecogniser(model, data_dir, agent_channel=agent_channel)
