"""A recording heard once, for all that is made of its sound: what is drawn, and its fingerprint."""

from typing import Any

from .decoding import samples_of
from .drawing import RATE, Moments
from .examining import examine
from .fingerprinting import Listener
from .resampling import Resampler


def hear(path: str, out: str, max_seconds: float) -> dict[str, Any]:
    """Return Loudness's fields and the fingerprint's; write the words of all moments to `out`."""
    facts = examine(path)
    resampler = Resampler(facts["channels"], RATE)
    moments = Moments(resampler.channels)  # first: it sees to it that numpy has one thread
    listener = Listener(resampler)
    for raw in samples_of(path, resampler, facts["duration_seconds"], max_seconds):
        moments.take(raw)
        listener.take(raw)
    found = listener.fingerprint()
    with open(out, "wb") as sink:
        sink.write(found.pop("rows"))
        sink.write(found.pop("spoken"))
    return {**moments.told(), **found}
