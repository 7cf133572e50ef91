"""A recording heard once: how loud it is from moment to moment, and its fingerprint."""

import tempfile
from pathlib import Path
from typing import Any

from callcov_portal.sound.asking import ANSWER_BYTES, BEYOND_LIMITS, ask
from callcov_portal.sound.drawing import loudness_in
from callcov_portal.sound.values import MOMENT, Fingerprint, Heard, NotAudio

LEAST_SECONDS = 10.0  # of speech, below which a recording is not compared
MOST_PLACES = 1000
MOMENT_BYTES = 5  # more than a moment takes in the file that the child writes


def hear(path: Path, *, max_seconds: float = 12 * 3600, timeout: float = 1800) -> Heard:
    """Return what `sound.loudness` does, and the fingerprint: None where there is too little speech to compare.

    It is decoded once, in a limited child process. Raises NotAudio, TooLong or SoundError.
    """
    most = int((max_seconds + 2) / MOMENT * MOMENT_BYTES) + ANSWER_BYTES
    with tempfile.TemporaryDirectory(prefix="callcov-sound-") as folder:
        out = Path(folder) / "words"
        said = ask("hear", path, str(out), str(max_seconds), timeout=timeout, file_bytes=most)
        words = out.read_bytes()
    try:
        fingerprint = fingerprint_in(said, words)
    except (KeyError, TypeError, ValueError):
        raise NotAudio(BEYOND_LIMITS) from None
    return Heard(loudness_in(said), fingerprint)


def fingerprint_in(said: dict[str, Any], written: bytes) -> Fingerprint | None:
    """Return the fingerprint that the child found; raises an error of Python for what is nothing of the kind."""
    count = int(said["moments"])
    places, words, asked = (tuple(int(moment) for moment in said[name]) for name in ("places", "words", "asked"))
    if len(written) != 4 * count + (count + 7) // 8 or max(len(places), len(words), len(asked)) > MOST_PLACES:
        raise ValueError
    if not all(0 <= moment < count for moment in (*places, *words, *asked)) or list(places) != sorted(set(places)):
        raise ValueError
    found = Fingerprint(written[: 4 * count], written[4 * count :], places, words, asked)
    return found if found.seconds >= LEAST_SECONDS else None
