"""A copy of a recording in which some seconds are silent."""

import json
from collections.abc import Sequence
from pathlib import Path

from callcov_portal.sound.asking import ask
from callcov_portal.sound.values import MUTED_MIMES, Muted, SoundError

FILE_BYTES = 4 * 1024**3


def mute_to(
    path: Path,
    out: Path,
    spans: Sequence[tuple[float, float]],
    *,
    max_seconds: float = 12 * 3600,
    timeout: float = 1800,
) -> Muted:
    """Write a copy of `path` to `out` in which the spans (start and end in seconds) and 0.15 s around each are zeros.

    It is as long as the recording, sample for sample; one or two channels are kept, more are mixed to one. WAV and
    FLAC become FLAC; all else becomes MP3. Memory is constant. An existing `out` is replaced; after an error it
    may be incomplete and is the caller's to remove. Raises NotAudio, TooLong or SoundError.
    """
    tell = json.dumps([[round(start, 3), round(end, 3)] for start, end in spans]).encode()
    said = ask("mute", path, str(out.absolute()), str(max_seconds), timeout=timeout, file_bytes=FILE_BYTES, tell=tell)
    made = Muted(
        format=str(said["format"]),
        duration_seconds=float(said["duration_seconds"]),
        channels=int(said["channels"]),
        sample_rate=int(said["sample_rate"]),
    )
    if made.format not in MUTED_MIMES or not out.stat().st_size:
        raise SoundError("The muted copy could not be written. Try again.")
    return made
