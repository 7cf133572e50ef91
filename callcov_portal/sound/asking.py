"""Starts the limited child, waits for it, and checks what it says: the parent trusts no word of it."""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from callcov_portal.sound.values import NotAudio, SoundError, TooLong

CHILD = Path(__file__).with_name("child")
MEMORY = 768 * 1024 * 1024
"""Address space of the child in bytes. FFmpeg needs about 100 MB of it, whatever the recording's length."""
ANSWER_BYTES = 65536
THE_FILES_FAULT = {signal.SIGXCPU, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
"""Signals by which a child ends that has read too much. Any other came from somebody who wanted it to end."""
ERRORS: dict[str, type[SoundError]] = {error.code: error for error in (SoundError, NotAudio, TooLong)}
BEYOND_LIMITS = "The file could not be read within the limits of time and memory: it is damaged or made to do harm."
CPU_SHARE = 0.5
"""Of the time limit, as processor time: a file that keeps the decoder busy is to blame, a busy machine is not."""


def ask(
    verb: str, path: Path, *more: str, timeout: float, file_bytes: int = ANSWER_BYTES, tell: bytes = b""
) -> dict[str, Any]:
    """Run the child once, `tell` on its standard input. Returns what it found, or raises the SoundError that it named."""
    limits = [str(MEMORY), str(math.ceil(timeout * CPU_SHARE)), str(file_bytes)]
    # -I: no user site, no PYTHON* variables, no current folder. The environment is emptied of our secrets.
    command = [sys.executable, "-I", str(CHILD), *limits, verb, str(path.absolute()), *more]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaint:
        try:
            status = subprocess.run(  # noqa: S603 - our own interpreter and file; the path is one argument
                command,
                input=tell,
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
