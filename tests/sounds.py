"""Small real recordings for tests."""

import hashlib
import io
import math
import struct
import wave
from pathlib import Path


def wav(seconds: float = 1.0, *, channels: int = 1, rate: int = 8000, hertz: float = 440.0, seed: int = 0) -> bytes:
    """Return a WAV file with a tone; `seed` makes its bytes differ from another's."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        samples = (int(8000 * math.sin(2 * math.pi * (hertz + seed) * n / rate)) for n in range(int(seconds * rate)))
        file.writeframes(b"".join(struct.pack("<h", sample) * channels for sample in samples))
    return buffer.getvalue()


def wav_file(folder: Path, name: str = "call.wav", **kwargs: float) -> tuple[Path, str, int]:
    """Write a WAV file; return its path, SHA-256 and size in bytes."""
    content = wav(**kwargs)  # type: ignore[arg-type]
    path = folder / name
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest(), len(content)
