"""A recording heard once, for all that is made of its sound: what is drawn, and its fingerprint."""

from typing import Any

from .decoding import packed, refuse_if_mostly_damaged, too_long
from .drawing import RATE, Moments
from .examining import examine
from .fingerprinting import Listener
from .opening import Opened
from .resampling import Resampler


def hear(path: str, out: str, max_seconds: float) -> dict[str, Any]:
    """Return Loudness's fields and the fingerprint's; write the words of all moments to `out`."""
    facts = examine(path)
    with open(path, "rb") as source:
        opened = Opened(source)
        resampler = Resampler(facts["channels"], RATE)
        moments = Moments(resampler.channels)  # first: it sees to it that numpy has one thread
        listener = Listener(resampler)
        for frame in opened.frames():
            raw = packed(resampler.take(frame), resampler.channels)
            moments.take(raw)
            listener.take(raw)
            if moments.seconds > max_seconds + 1:
                raise too_long(max_seconds)
        raw = packed(resampler.rest(), resampler.channels)
        moments.take(raw)
        listener.take(raw)
    refuse_if_mostly_damaged(moments.seconds, facts["duration_seconds"])
    found = listener.fingerprint()
    with open(out, "wb") as sink:
        sink.write(found.pop("rows"))
        sink.write(found.pop("spoken"))
    return {**moments.told(), **found}
