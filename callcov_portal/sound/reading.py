"""What a recording is, and its samples."""

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from callcov_portal.sound.asking import ANSWER_BYTES, BEYOND_LIMITS, ask
from callcov_portal.sound.values import FORMATS, NotAudio, Pcm, Probe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def probe(path: Path, *, timeout: float = 20) -> Probe:
    """Say what `path` is, judged by its content in a limited child process; about 0.2 s.

    Raises NotAudio when it is no recording we can use (the sentence says why), SoundError when it could not be
    looked at. A second of silence is a recording.
    """
    answer = ask("probe", path, timeout=timeout)
    found = Probe(
        format=str(answer["format"]),
        mime=str(answer["mime"]),
        codec=str(answer["codec"]),
        duration_seconds=round(float(answer["duration_seconds"]), 3),
        channels=int(answer["channels"]),
        sample_rate=int(answer["sample_rate"]),
    )
    if found.format not in FORMATS or not math.isfinite(found.duration_seconds):
        raise NotAudio(BEYOND_LIMITS)
    return found


def decode_to(
    path: Path, out: Path, *, sample_rate: int = 16000, max_seconds: float = 4 * 3600, timeout: float = 900
) -> Pcm:
    """Decode `path` into the file `out` (interleaved native float32) in a limited child process.

    One or two channels are kept; more are mixed to one. An existing `out` is replaced; after an error it may
    be incomplete and is the caller's to remove. Raises NotAudio, TooLong (as soon as the limit is passed) or SoundError.
    """
    file_bytes = int(max_seconds + 2) * sample_rate * 2 * 4 + ANSWER_BYTES
    answer = ask("decode", path, str(out), str(sample_rate), str(max_seconds), timeout=timeout, file_bytes=file_bytes)
    pcm = Pcm(int(answer["channels"]), int(answer["samples"]), int(answer["sample_rate"]))
    if pcm.channels not in {1, 2} or pcm.samples * pcm.channels * 4 > out.stat().st_size:
        raise NotAudio(BEYOND_LIMITS)
    return pcm


def decode(
    path: Path, *, sample_rate: int = 16000, max_seconds: float = 4 * 3600, timeout: float = 900
) -> "NDArray[np.float32]":
    """Return the samples of `path` as float32 of shape (channels, samples), channels being 1 or 2, about -1 to 1.

    The array is a map of a deleted temporary file, not memory: four hours cost disk space (1.8 GB), not RAM.
    It can be written to; nobody else sees that. Raises as `decode_to`.
    """
    with tempfile.TemporaryDirectory(prefix="callcov-sound-") as folder:
        out = Path(folder) / "samples.f32"
        pcm = decode_to(path, out, sample_rate=sample_rate, max_seconds=max_seconds, timeout=timeout)
        return load_pcm(out, pcm)


def load_pcm(out: Path, pcm: Pcm) -> "NDArray[np.float32]":
    """Map a file written by `decode_to` as float32 of shape (channels, samples)."""
    import numpy as np  # noqa: PLC0415 - the web process, which only probes, needs none

    flat = np.memmap(out, dtype=np.float32, mode="c", shape=(pcm.samples, pcm.channels))
    return np.asarray(flat).T
