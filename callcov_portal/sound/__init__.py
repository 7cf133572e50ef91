"""What is heard: probe, decode, draw and mute recordings, always in a limited child process."""

from callcov_portal.sound.comparing import compare
from callcov_portal.sound.drawing import loudness
from callcov_portal.sound.heads import seconds_in, why_no_recording
from callcov_portal.sound.hearing import LEAST_SECONDS, hear
from callcov_portal.sound.muting import mute_to
from callcov_portal.sound.reading import decode, decode_to, load_pcm, probe
from callcov_portal.sound.values import (
    FORMATS,
    MUTED_MIMES,
    Fingerprint,
    Heard,
    Likeness,
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
    "LEAST_SECONDS",
    "MUTED_MIMES",
    "Fingerprint",
    "Heard",
    "Likeness",
    "Loudness",
    "Muted",
    "NotAudio",
    "Pcm",
    "Probe",
    "SoundError",
    "TooLong",
    "compare",
    "decode",
    "decode_to",
    "hear",
    "load_pcm",
    "loudness",
    "mute_to",
    "probe",
    "seconds_in",
    "why_no_recording",
]
