"""A copy of a recording in which some seconds are silent."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import av

from .decoding import refuse_if_mostly_damaged, too_long
from .encoding import Form, form_of
from .examining import examine
from .opening import Opened
from .resampling import Resampler

MARGIN = 0.15  # seconds of silence on both sides of what must not be heard: times of words are not that exact
FADE = 0.005  # seconds in which the sound goes away and comes back, so that it does not click
TYPES: dict[str, Any] = {"s16": "h", "s32": "i", "fltp": "f"}  # of a sample in memory


def mute(path: str, out: str, spans: Sequence[Sequence[float]], max_seconds: float) -> dict[str, Any]:
    """Write `path` to `out` with the spans (seconds) silent. Returns Muted's fields.

    Everything goes through frame by frame. Samples are laid end to end, as for the recogniser that named the spans.
    """
    facts = examine(path)
    with open(path, "rb") as source, open(out, "w+b") as sink:
        opened = Opened(source)
        form = form_of(facts, opened)
        resampler = Resampler(facts["channels"], form.rate, form.sample_format)
        silencer = Silencer(spans, form)
        with av.open(sink, "w", format=form.name) as box:
            stream = form.stream(box, resampler.layout)
            for frame in silenced(opened, resampler, silencer):
                box.mux(stream.encode(frame))
                if silencer.at > (max_seconds + 1) * form.rate:
                    raise too_long(max_seconds)
            box.mux(stream.encode(None))
    seconds = silencer.at / form.rate
    refuse_if_mostly_damaged(seconds, facts["duration_seconds"])
    return {
        "format": form.name,
        "duration_seconds": seconds,
        "channels": resampler.channels,
        "sample_rate": form.rate,
    }


def silenced(opened: Opened, resampler: Resampler, silencer: "Silencer") -> Iterator[Any]:
    """The frames of a recording as the encoder takes them, silent where they must be."""
    for frame in opened.frames():
        yield from map(silencer.apply, resampler.take(frame))
    yield from map(silencer.apply, resampler.rest())


def stretches_of(spans: Iterable[Sequence[float]], rate: int) -> list[tuple[int, int]]:
    """The samples to silence (first included, last not), in order; what lies close together is one stretch."""
    gap = 2 * round(FADE * rate)
    found: list[tuple[int, int]] = []
    for start, end in sorted((float(span[0]), float(span[1])) for span in spans):
        first, last = max(0, int((start - MARGIN) * rate)), int((end + MARGIN) * rate) + 1
        if found and first <= found[-1][1] + gap:
            first, last = found[-1][0], max(last, found.pop()[1])
        found.append((first, last))
    return found


class Silencer:
    """Silences frames in place as they come by; `at` counts the samples so far."""

    def __init__(self, spans: Iterable[Sequence[float]], form: Form) -> None:
        self.ahead = deque(stretches_of(spans, form.rate))
        self.fade = round(FADE * form.rate)
        self.rate = form.rate
        self.at = 0

    def apply(self, frame: Any) -> Any:
        begin, end = self.at, self.at + frame.samples
        frame.pts, self.at = begin, end
        while self.ahead and self.ahead[0][1] + self.fade <= begin:
            self.ahead.popleft()
        for first, last in self.ahead:
            if first - self.fade >= end:
                break
            for plane in frame.planes:
                self._silence(plane, frame, first - begin, last - begin)
        return frame

    def _silence(self, plane: Any, frame: Any, first: int, last: int) -> None:
        """Silence samples `first` to `last` of this frame, which may lie beyond both its ends."""
        width = 1 if frame.format.is_planar else frame.layout.nb_channels
        raw = memoryview(plane).cast("B")
        size = frame.format.bytes * width
        low, high = max(0, first), min(frame.samples, last)
        if low < high:
            raw[low * size : high * size] = bytes((high - low) * size)
        samples = raw.cast(TYPES[frame.format.name])
        for distance in range(1, self.fade + 1):
            for place in (first - distance, last - 1 + distance):
                if 0 <= place < frame.samples:
                    soften(samples, place * width, width, distance / (self.fade + 1))


def soften(samples: Any, at: int, width: int, gain: float) -> None:
    """Make one moment of sound quieter, in all its channels."""
    for index in range(at, at + width):
        value = samples[index]
        samples[index] = type(value)(value * gain)
