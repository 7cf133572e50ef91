"""A recording as plain samples in a file."""

from collections.abc import Iterable, Iterator
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
    if facts["duration_seconds"] > max_seconds + 1:
        raise too_long(max_seconds)
    resampler = Resampler(facts["channels"], rate)
    with open(out, "wb") as sink:
        written = sum(map(sink.write, samples_of(path, resampler, facts["duration_seconds"], max_seconds)))
    return {"channels": resampler.channels, "samples": written // (4 * resampler.channels), "sample_rate": rate}


def samples_of(path: str, resampler: Resampler, counted: float, max_seconds: float) -> Iterator[bytes]:
    """Yield the samples of `path` as they are decoded, in interleaved float32.

    Raises Failure as soon as the limit is passed, and at the end if less than half of the `counted` seconds could be decoded.
    """
    second, taken = 4 * resampler.channels * resampler.rate, 0
    with open(path, "rb") as source:
        for frame in Opened(source).frames():
            raw = packed(resampler.take(frame), resampler.channels)
            taken += len(raw)
            if taken / second > max_seconds + 1:
                raise too_long(max_seconds)
            yield raw
        raw = packed(resampler.rest(), resampler.channels)
    yield raw
    refuse_if_mostly_damaged((taken + len(raw)) / second, counted)


def refuse_if_mostly_damaged(decoded: float, counted: float) -> None:
    """Half of the seconds that were counted must have been decodable."""
    if not decoded or decoded < counted * 0.5:
        refuse("Most of the sound in this file is damaged and cannot be decoded.")
