"""Starts the limited child, waits for it, and checks what it says: the parent trusts no word of it."""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callcov_portal.sound.values import FORMATS, NotAudio, Pcm, Probe, SoundError, TooLong

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CHILD = Path(__file__).with_name("child.py")
MEMORY = 768 * 1024 * 1024
"""Address space of the child in bytes. FFmpeg needs about 100 MB of it, whatever the recording's length."""
ANSWER_BYTES = 65536
THE_FILES_FAULT = {signal.SIGXCPU, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
"""Signals by which a child ends that has read too much. Any other came from somebody who wanted it to end."""
ERRORS: dict[str, type[SoundError]] = {error.code: error for error in (SoundError, NotAudio, TooLong)}
BEYOND_LIMITS = "The file could not be read within the limits of time and memory: it is damaged or made to do harm."
CPU_SHARE = 0.5
"""Of the time limit, as processor time: a file that keeps the decoder busy is to blame, a busy machine is not."""


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


def ask(verb: str, path: Path, *more: str, timeout: float, file_bytes: int = ANSWER_BYTES) -> dict[str, Any]:
    """Run the child once. Returns what it found, or raises the SoundError that it named."""
    limits = [str(MEMORY), str(math.ceil(timeout * CPU_SHARE)), str(file_bytes)]
    # -I: no user site, no PYTHON* variables, no current folder. The environment is emptied of our secrets.
    command = [sys.executable, "-I", str(CHILD), *limits, verb, str(path.absolute()), *more]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaint:
        try:
            status = subprocess.run(  # noqa: S603 - our own interpreter and file; the path is one argument
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=complaint,
                timeout=timeout,
                env=_environment(),
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            raise SoundError("The recording could not be read in time: the machine is too busy. Try again.") from None
        except OSError as trouble:
            raise SoundError(f"The audio reader could not be started: {trouble}.") from trouble
        said.seek(0)
        complaint.seek(0)
        return _read_answer(said.read(ANSWER_BYTES), status, complaint.read(ANSWER_BYTES))


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}


def _read_answer(said: bytes, status: int, complaint: bytes) -> dict[str, Any]:
    if -status in THE_FILES_FAULT:
        raise NotAudio(BEYOND_LIMITS)
    if status < 0:
        raise SoundError("Reading the recording was interrupted. Try again.")
    try:
        answer = json.loads(said)
        if "ok" in answer:
            return dict(answer["ok"])
        raise ERRORS[answer["error"]](str(answer["sentence"])[:500])
    except (ValueError, KeyError, TypeError):
        lines = complaint.decode(errors="replace").strip().splitlines()
        raise SoundError(
            f"The audio reader failed: {lines[-1] if lines else f'it ended with status {status}'}."
        ) from None
