"""How loud a recording is from moment to moment, so that it can be drawn."""

import base64
import os
from typing import Any

from .decoding import samples_of
from .examining import examine
from .resampling import Resampler

RATE = 8000
FINEST = 160  # samples in a moment: 20 ms
MOST = 2000  # moments; when there are so many, two become one,
COARSEST = 10240  # but first, as long as a moment of 1.28 s can still be told to be one speaker's,
MOST_OF_ALL = 8000  # there may be so many
QUIETEST = 0.05  # what is never louder than this is drawn small: it may be silence with a little noise
WORTH = 4 * RATE  # bytes that are gathered before they are looked at: about a second


def draw(path: str, max_seconds: float) -> dict[str, Any]:
    """Return Loudness's fields, the loudness as base64. Memory is constant."""
    facts = examine(path)
    resampler = Resampler(facts["channels"], RATE)
    moments = Moments(resampler.channels)
    for raw in samples_of(path, resampler, facts["duration_seconds"], max_seconds):
        moments.take(raw)
    return moments.told()


class Moments:
    """The loudest sample of every moment and channel; moments grow so that there are never too many."""

    def __init__(self, channels: int) -> None:
        # One thread: each has a stack, and the address space is limited.
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        import numpy as np  # noqa: PLC0415 - 80 ms that only some verbs need

        self.np = np
        self.channels = channels
        self.step = FINEST
        self.peaks = np.zeros((0, channels), np.float32)
        self.waiting = b""  # samples of a moment that is not complete
        self.taken = 0  # bytes

    @property
    def seconds(self) -> float:
        return self.taken / (4 * self.channels * RATE)

    @property
    def most(self) -> int:
        return MOST if self.step < COARSEST else MOST_OF_ALL

    def take(self, raw: bytes) -> None:
        """Take in more interleaved float32 samples."""
        self.taken += len(raw)
        self.waiting += raw
        if len(self.waiting) >= max(WORTH, 4 * self.channels * self.step):
            self._measure()

    def told(self) -> dict[str, Any]:
        """Return Loudness's fields, the loudness as base64."""
        loudness = base64.b64encode(self.drawn()).decode()
        return {"channels": self.channels, "step_seconds": self.step / RATE, "loudness": loudness}

    def drawn(self) -> bytes:
        """Return a byte for each moment, channel after channel; 255 is the loudest of all."""
        np = self.np
        missing = -len(self.waiting) % (4 * self.channels * self.step)
        self.waiting += bytes(missing)
        self._measure()
        loudest = max(float(self.peaks.max(initial=0.0)), QUIETEST)
        return bytes(np.round(self.peaks * (255 / loudest)).astype(np.uint8).T.tobytes())

    def _measure(self) -> None:
        """Make moments of the samples that wait."""
        np, width = self.np, 4 * self.channels
        while count := min(len(self.waiting) // (width * self.step), self.most - len(self.peaks)):
            size = count * width * self.step
            samples = np.frombuffer(self.waiting[:size], np.float32).reshape(count, self.step, self.channels)
            loud = np.nan_to_num(np.abs(samples), nan=0.0, posinf=1.0).max(axis=1)
            self.peaks = np.concatenate([self.peaks, np.minimum(loud, 1.0)])
            self.waiting = self.waiting[size:]
            if len(self.peaks) == self.most:
                self.peaks = self.peaks.reshape(-1, 2, self.channels).max(axis=1)
                self.step *= 2
