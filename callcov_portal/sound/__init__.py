"""What is heard: probe, decode, draw and mute recordings, always in a limited child process."""

from callcov_portal.sound.drawing import loudness
from callcov_portal.sound.heads import seconds_in, why_no_recording
from callcov_portal.sound.muting import mute_to
from callcov_portal.sound.reading import decode, decode_to, load_pcm, probe
from callcov_portal.sound.values import (
    FORMATS,
    MUTED_MIMES,
    Loudness,
    Muted,
    NotAudio,
    Pcm,
    Probe,
    SoundError,
    TooLong,
)

__all__ = [
    "FORMATS",
    "MUTED_MIMES",
    "Loudness",
    "Muted",
    "NotAudio",
    "Pcm",
    "Probe",
    "SoundError",
    "TooLong",
    "decode",
    "decode_to",
    "load_pcm",
    "loudness",
    "mute_to",
    "probe",
    "seconds_in",
    "why_no_recording",
]
