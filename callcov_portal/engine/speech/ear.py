"""The parent's end of the recogniser child: start it, ask it one thing at a time, kill it when it must stop."""

import json
import logging
import math
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from callcov_portal.engine.speech.transcript import Cancelled, ModelUnusable, SpeechError

log = logging.getLogger(__name__)
PACKAGE_ROOT = Path(__file__).resolve().parents[3]
LARGE = str(8 * 1024 * 1024)  # bytes
FRUGAL = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": LARGE,
    "MALLOC_MMAP_THRESHOLD_": LARGE,
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""glibc keeps what was freed once; told so it gives large pieces back, and a child takes 400 MB at most, not 510.

Fetching them again page by page would cost a third of the recognition's time; in huge pages, where the system has them, it costs a tenth.
"""
PATIENCE = 0.2  # seconds between two questions whether to stop


class Stopped(SpeechError):
    """The child died or was given up."""


class Ear:
    """One child process that has a model loaded. Not thread-safe: its owner takes turns.

    The last word of `command` names the model. The child ends when its standard input closes, so it never outlives this process, however that dies.
    After any trouble it is killed, and the next question starts a new one.
    """

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.command, self.environment = command, environment
        self.process: subprocess.Popen[bytes] | None = None
        self.ready = False
        self.lines: queue.Queue[bytes | None] = queue.Queue()
        self.complaints: IO[bytes] | None = None

    def ask(
        self,
        question: dict[str, Any],
        *,
        told: Callable[[dict[str, Any]], None],
        cancelled: Callable[[], bool],
        seconds: float,
        quiet: float = math.inf,
    ) -> dict[str, Any]:
        """Send `question`, pass on what the child tells meanwhile, return its answer.

        Raises SpeechError when `seconds` pass in all or `quiet` seconds without a word, the child dies or says that
        it failed; ModelUnusable if that happens before the model was loaded; Cancelled when `cancelled()`.
        """
        stop_at = time.monotonic() + seconds
        try:
            return self._listen(self._asked(question), told, cancelled, stop_at, quiet)
        except Stopped as trouble:
            self.close()
            if self.ready:
                raise
            raise ModelUnusable(self.command[-1], str(trouble)) from trouble
        except BaseException:
            self.close()
            raise

    @property
    def is_up(self) -> bool:
        """Whether the child runs."""
        return self.process is not None and self.process.poll() is None

    def _asked(self, question: dict[str, Any]) -> "subprocess.Popen[bytes]":
        try:
            child = self._running()
            mouth = cast("IO[bytes]", child.stdin)
            mouth.write(json.dumps(question).encode() + b"\n")
            mouth.flush()
        except OSError as trouble:
            raise SpeechError(f"The speech recogniser could not be started: {trouble}.") from trouble
        return child

    def _listen(
        self,
        child: subprocess.Popen[bytes],
        told: Callable[[dict[str, Any]], None],
        cancelled: Callable[[], bool],
        stop_at: float,
        quiet: float,
    ) -> dict[str, Any]:
        while True:
            said = json.loads(self._line(child, cancelled, stop_at, quiet))
            if "answer" in said:
                return dict(said["answer"])
            if "failed" in said:
                raise SpeechError(str(said["failed"]))
            if "unusable" in said:
                raise ModelUnusable(*said["unusable"])
            if "ready" in said:
                self.ready = True
            else:
                told(said)

    def _line(
        self, child: subprocess.Popen[bytes], cancelled: Callable[[], bool], stop_at: float, quiet: float
    ) -> bytes:
        give_up_at = time.monotonic() + quiet
        while True:
            if cancelled():
                raise Cancelled("The analysis was cancelled.")
            if time.monotonic() > stop_at:
                raise Stopped("Speech recognition took longer than allowed and was stopped.")
            if time.monotonic() > give_up_at:
                raise Stopped("The speech recogniser hung and was stopped.")
            try:
                line = self.lines.get(timeout=PATIENCE)
            except queue.Empty:
                continue
            if line is None:
                raise Stopped(self._obituary(child))
            return line

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None or not self.is_up:
            self.close()
            self.ready = False
            self.complaints = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
            self.lines = queue.Queue()
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.complaints,
                env=self.environment,
            )
            threading.Thread(target=relay, args=(self.process.stdout, self.lines), daemon=True).start()
        return self.process

    def _obituary(self, child: "subprocess.Popen[bytes]") -> str:
        status = child.wait()
        last = tail(self.complaints)
        log.error("The recogniser child ended with status %s. %s", status, last)
        if status < 0 or "MemoryError" in last or "bad_alloc" in last:
            return "The speech recogniser crashed or ran out of memory."
        return f"The speech recogniser ended unexpectedly: {last.splitlines()[-1] if last else f'status {status}'}."

    def close(self) -> None:
        """Kill the child, if there is one, and wait until it is gone."""
        child, self.process = self.process, None
        complaints, self.complaints = self.complaints, None
        if child is not None:
            child.kill()
            child.wait()
            with suppress(OSError):  # what was written and never read
                cast("IO[bytes]", child.stdin).close()
        if complaints is not None:
            complaints.close()


def relay(source: IO[bytes], lines: "queue.Queue[bytes | None]") -> None:
    """Hand on the child's lines; None is the end."""
    with source:
        for line in source:
            lines.put(line)
    lines.put(None)


def tail(complaints: IO[bytes] | None, size: int = 2000) -> str:
    """The end of what the child wrote to its standard error."""
    if complaints is None:
        return ""
    end = complaints.seek(0, os.SEEK_END)
    complaints.seek(max(0, end - size))
    return complaints.read().decode(errors="replace").strip()


def listener(target: str, *, local: bool) -> Ear:
    """An Ear whose child has the model `target` loaded."""
    return Ear([sys.executable, "-m", "callcov_portal.engine.speech.listener", target], surroundings(local=local))


def surroundings(*, local: bool, threads: int = 1) -> dict[str, str]:
    """The environment of a child: no secrets, little memory; no network where the model is `local`."""
    secretless = {name: value for name, value in os.environ.items() if not name.startswith(("CALLCOV_", "DJANGO_"))}
    search = os.pathsep.join(filter(None, [str(PACKAGE_ROOT), os.environ.get("PYTHONPATH", "")]))
    counted = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    offline = {"HF_HUB_OFFLINE": "1"} if local else {}
    return {**secretless, **counted, **FRUGAL, **offline, "PYTHONPATH": search}
