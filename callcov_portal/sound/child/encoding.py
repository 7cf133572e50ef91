"""In which form a copy of a recording is written: as good as the original, and playable in every browser."""

from dataclasses import dataclass
from typing import Any

from .opening import Opened

LOSSLESS = {"wav", "flac"}
DEEP = {"s32", "s32p", "flt", "fltp", "dbl", "dblp", "s64", "s64p"}  # more than 16 bits a sample
# What an MP3 of a sampling rate can have, in kbit/s (MPEG-2.5, MPEG-2, MPEG-1).
MP3_RATES = {
    **dict.fromkeys((8000, 11025, 12000), (8, 16, 24, 32, 40, 48, 56, 64)),
    **dict.fromkeys((16000, 22050, 24000), (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128)),
    **dict.fromkeys((32000, 44100, 48000), (32, 40, 48, 56, 64, 80, 96, 112, 128)),
}
ENOUGH = 128  # kbit/s, above which nobody hears a difference in speech


@dataclass(frozen=True)
class Form:
    """Name of the format, codec, sample format and rate of a copy; `bit_rate` in bit/s, None where nothing is lost."""

    name: str
    codec: str
    sample_format: str
    rate: int
    bit_rate: int | None = None

    def stream(self, box: Any, layout: str) -> Any:
        """Add the stream to a container that is being written."""
        stream = box.add_stream(self.codec, rate=self.rate)
        stream.layout = layout
        stream.codec_context.format = self.sample_format
        if self.bit_rate:
            stream.bit_rate = self.bit_rate
        return stream


def form_of(facts: dict[str, Any], opened: Opened) -> Form:
    """Choose the form: FLAC for what lost nothing so far, else MP3, at the recording's rate where it can be kept."""
    rate, channels = facts["sample_rate"], min(2, facts["channels"])
    if facts["format"] in LOSSLESS:
        deep = opened.context.format.name in DEEP
        return Form("flac", "flac", "s32" if deep else "s16", rate if flac_takes(rate) else 48000)
    rate = min((known for known in MP3_RATES if known >= rate), default=48000)
    return Form("mp3", "libmp3lame", "fltp", rate, 1000 * kilobits(rate, channels, given_kilobits(opened)))


def flac_takes(rate: int) -> bool:
    """Whether FLAC can say this rate."""
    return rate < 65536 or (rate % 10 == 0 and rate < 655_350)


def given_kilobits(opened: Opened) -> float:
    """What the recording spends on a second of sound."""
    return float(opened.stream.bit_rate or opened.container.bit_rate or 0) / 1000


def kilobits(rate: int, channels: int, given: float) -> int:
    """The bit rate of the copy: never below what was given (up to 128), nor below what speech needs a second time."""
    needed = channels * (64 if rate > 24000 else 32)
    target = min(ENOUGH, max(given, needed))
    return next((known for known in MP3_RATES[rate] if known >= target), MP3_RATES[rate][-1])
