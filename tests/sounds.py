"""Small real recordings for tests."""

import hashlib
import io
import math
import struct
import wave
from functools import lru_cache
from pathlib import Path


def wav_of(frames: bytes, *, channels: int = 1, rate: int = 8000) -> bytes:
    """Return a WAV file of frames of 16 bits."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(frames)
    return buffer.getvalue()


@lru_cache(maxsize=16)
def tone(seconds: float, channels: int, rate: int, hertz: float) -> bytes:
    """Return the frames of a sine, the same on every channel."""
    samples = (int(8000 * math.sin(2 * math.pi * hertz * n / rate)) for n in range(int(seconds * rate)))
    return b"".join(struct.pack("<h", sample) * channels for sample in samples)


def wav(seconds: float = 1.0, *, channels: int = 1, rate: int = 8000, hertz: float = 440.0, seed: int = 0) -> bytes:
    """Return a WAV file with a tone; `seed` makes its bytes differ from another's."""
    return wav_of(tone(seconds, channels, rate, hertz + seed), channels=channels, rate=rate)


def wav_file(folder: Path, name: str = "call.wav", **kwargs: float) -> tuple[Path, str, int]:
    """Write a WAV file; return its path, SHA-256 and size in bytes."""
    content = wav(**kwargs)  # type: ignore[arg-type]
    path = folder / name
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest(), len(content)
