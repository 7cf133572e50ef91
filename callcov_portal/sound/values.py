"""What a look at a recording gives, and why it may fail. Plain values."""

import struct
from dataclasses import dataclass

FORMATS: tuple[str, ...] = ("flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "wav", "webm")
"""The container formats that the CallCov API accepts, by the names its documentation uses."""


class SoundError(Exception):
    """A recording could not be read. `str()` is a sentence for people; `code` is for programs.

    SoundError        "unreadable": our own trouble (the reader could not start, no disk space, no such file)
    ├── NotAudio      "not_audio": nothing in it can be heard, and trying again will not help
    └── TooLong       "too_long": more seconds than allowed
    """

    code = "unreadable"


class NotAudio(SoundError):
    """The file holds no audio, is in a format that is not supported, is empty, cut off or damaged beyond use."""

    code = "not_audio"


class TooLong(SoundError):
    """The recording lasts longer than allowed."""

    code = "too_long"


@dataclass(frozen=True)
class Probe:
    """What a file is, by its content. The file's name plays no part."""

    format: str
    """One of FORMATS."""
    mime: str
    codec: str
    """FFmpeg's name of the audio codec, such as `pcm_mulaw`."""
    duration_seconds: float
    """Counted from the packets that are really there, not the length that the header claims."""
    channels: int
    sample_rate: int


@dataclass(frozen=True)
class Pcm:
    """Where decoded samples lie: a file of interleaved native float32, `samples` per channel."""

    channels: int
    samples: int
    sample_rate: int


@dataclass(frozen=True)
class Loudness:
    """How loud a recording is: a byte for each moment of `step_seconds`, channel after channel; 255 is its loudest."""

    channels: int
    step_seconds: float
    values: bytes


MOMENT = 0.024
"""Seconds from one word of a fingerprint to the next."""


@dataclass(frozen=True)
class Fingerprint:
    """What a recording sounds like (see `child/fingerprinting.py`): a word of 32 bits for each MOMENT."""

    rows: bytes
    """The words of all moments, each in 4 bytes, the lowest first."""
    spoken: bytes
    """A bit for each moment, the highest of a byte first: whether somebody seems to speak."""
    places: tuple[int, ...]
    """The moments that are kept to compare with."""
    sure: tuple[int, ...]
    """The moments by whose words the recording is found."""
    asked: tuple[int, ...]
    """The moments by whose words others are looked for; more, as not all survive an encoding."""

    @property
    def seconds(self) -> float:
        """How long somebody speaks."""
        return MOMENT * sum(byte.bit_count() for byte in self.spoken)

    @property
    def kept(self) -> bytes:
        """All that has to be kept to compare another recording with this one; at most 3 kB."""
        return b"".join(struct.pack("<I", place) + self.rows[4 * place : 4 * place + 4] for place in self.places)

    def words(self, moments: tuple[int, ...]) -> list[int]:
        """Return what of the words of some moments it is found by, 20 bits in the middle of each; each once."""
        whole = (struct.unpack_from("<I", self.rows, 4 * moment)[0] for moment in moments)
        return list(dict.fromkeys(word >> 4 & 0xFFFFF for word in whole))


@dataclass(frozen=True)
class Heard:
    """What is made of a recording that is heard once."""

    loudness: Loudness
    fingerprint: Fingerprint | None
    """None where too little speech is in it to compare."""


@dataclass(frozen=True)
class Likeness:
    """How far two recordings are the same: the share of the bits that agree, over so many seconds of speech."""

    agreement: float
    seconds: float


@dataclass(frozen=True)
class Muted:
    """What a muted copy is; `format` is a key of MUTED_MIMES."""

    format: str
    duration_seconds: float
    channels: int
    sample_rate: int


MUTED_MIMES = {"flac": "audio/flac", "mp3": "audio/mpeg"}
"""The formats of muted copies with their media types: FLAC where the recording lost nothing so far, else MP3."""
