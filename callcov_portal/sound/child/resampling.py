"""Frames of any kind made into frames of one kind."""

from typing import Any

import av

from .failures import refuse
from .opening import MAX_CHANNELS, RATES

MIXED_ABOVE = 2


class Resampler:
    """Frames of any kind in, frames of one sample format and rate out, always with the same number of channels.

    FFmpeg's resampler fixes its input at the first frame; streams may change theirs, so a new one is made then.
    """

    def __init__(self, channels: int, rate: int, sample_format: str = "flt") -> None:
        self.channels = 1 if channels > MIXED_ABOVE else channels
        self.rate = rate
        self.sample_format = sample_format
        self.kind: tuple[Any, ...] = ()
        self.engine: Any = None

    @property
    def layout(self) -> str:
        return "stereo" if self.channels == 2 else "mono"

    def take(self, frame: Any) -> list[Any]:
        if frame.sample_rate not in RATES or frame.layout.nb_channels > MAX_CHANNELS:
            refuse("The sound in this file is damaged: its speed or its number of channels makes no sense.")
        if frame.layout.nb_channels > MIXED_ABOVE:
            frame = mixed(frame)
        frame.pts = None  # samples are laid end to end: wild time stamps must not stretch them
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        flushed: list[Any] = []
        if kind != self.kind:
            flushed, self.engine, self.kind = self.rest(), self._fresh(), kind
        return [*flushed, *self.engine.resample(frame)]

    def rest(self) -> list[Any]:
        return list(self.engine.resample(None)) if self.engine else []

    def _fresh(self) -> Any:
        return av.AudioResampler(format=self.sample_format, layout=self.layout, rate=self.rate)


def mixed(frame: Any) -> Any:
    """The plain mean of more than two channels, as one: no layout tells which of them is the speaker's."""
    import numpy as np  # noqa: PLC0415 - 80 ms that few recordings need

    packed = av.AudioResampler(format="flt").resample(frame)[0]
    count = packed.layout.nb_channels
    flat = np.frombuffer(bytes(packed.planes[0]), np.float32, packed.samples * count)
    samples = flat.reshape(-1, count).mean(axis=1, dtype=np.float32)[None]
    mono = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
    mono.sample_rate = frame.sample_rate
    return mono
