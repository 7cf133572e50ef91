"""A recording as plain samples in a file."""

from collections.abc import Iterable
from typing import Any

from .examining import examine
from .failures import Failure, clock, refuse
from .opening import Opened
from .resampling import Resampler


def too_long(max_seconds: float) -> Failure:
    """What ends the work on a recording beyond the limit."""
    return Failure("too_long", f"The recording lasts longer than {clock(max_seconds)}, the most that can be analysed.")


def packed(frames: Iterable[Any], channels: int) -> bytes:
    """The samples of interleaved float32 frames, without the padding at their ends."""
    return b"".join(bytes(frame.planes[0])[: frame.samples * channels * 4] for frame in frames)


def decode(path: str, out: str, rate: int, max_seconds: float) -> dict[str, Any]:
    """Write the samples of `path` to `out`. Returns Pcm's fields; stops as soon as the limit is passed."""
    facts = examine(path)
    limit = int(max_seconds * rate)
    if facts["duration_seconds"] > max_seconds + 1:
        raise too_long(max_seconds)
    with open(path, "rb") as source, open(out, "wb") as sink:
        opened = Opened(source)
        resampler = Resampler(facts["channels"], rate)
        width, written = 4 * resampler.channels, 0
        for frame in opened.frames():
            written += sink.write(packed(resampler.take(frame), resampler.channels))
            if written // width > limit + rate:
                raise too_long(max_seconds)
        written += sink.write(packed(resampler.rest(), resampler.channels))
    samples = written // width
    refuse_if_mostly_damaged(samples / rate, facts["duration_seconds"])
    return {"channels": resampler.channels, "samples": samples, "sample_rate": rate}


def refuse_if_mostly_damaged(decoded: float, counted: float) -> None:
    """Half of the seconds that were counted must have been decodable."""
    if not decoded or decoded < counted * 0.5:
        refuse("Most of the sound in this file is damaged and cannot be decoded.")
