"""A call in the files in which it may come once more."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from callcov_portal import sound

Samples = NDArray[np.float32]  # channels, samples


@dataclass(frozen=True)
class Encoding:
    """One way to write a call; seconds of silence may come before, or some of its own be cut off there or behind."""

    name: str
    muxer: str
    codec: str
    rate: int = 16000
    kilobits: int = 0
    mono: bool = True
    before: float = 0.0
    behind: float = 0.0
    gain: float = 1.0
    noise: float = 0.0  # of the loudness of the call


ENCODINGS = (
    Encoding("wav 8 kHz stereo", "wav", "pcm_s16le", 8000, mono=False),
    Encoding("wav 16 kHz mono", "wav", "pcm_s16le"),
    Encoding("flac 44.1 kHz stereo", "flac", "flac", 44100, mono=False),
    Encoding("mu-law 8 kHz mono", "wav", "pcm_mulaw", 8000),
    Encoding("a-law 8 kHz stereo", "wav", "pcm_alaw", 8000, mono=False),
    *(Encoding(f"mp3 {rate} kbit/s", "mp3", "libmp3lame", 16000, rate) for rate in (8, 16, 32, 64)),
    Encoding("mp3 8 kHz 8 kbit/s", "mp3", "libmp3lame", 8000, 8),
    Encoding("mp3 44.1 kHz 128 kbit/s stereo", "mp3", "libmp3lame", 44100, 128, mono=False),
    *(Encoding(f"opus {rate} kbit/s", "ogg", "libopus", 48000, rate) for rate in (8, 12, 24)),
    Encoding("opus in webm, 32 kbit/s stereo", "webm", "libopus", 48000, 32, mono=False),
    Encoding("aac 32 kbit/s", "ipod", "aac", 16000, 32),
    Encoding("0.7 s of silence before, mp3", "mp3", "libmp3lame", 16000, 16, before=0.7),
    Encoding("1.234 s of silence before, mu-law", "wav", "pcm_mulaw", 8000, before=1.234),
    Encoding("first second cut off, opus", "ogg", "libopus", 48000, 12, before=-1.0),
    Encoding("last second cut off, mp3", "mp3", "libmp3lame", 16000, 16, behind=-1.0),
    Encoding("20 dB quieter, mp3", "mp3", "libmp3lame", 16000, 16, gain=0.1),
    Encoding("noise at -20 dB", "wav", "pcm_s16le", noise=0.1),
)


def written(call: Path, folder: Path) -> Iterator[tuple[Encoding, Path]]:
    """Yield a call in each encoding; what is yielded is overwritten by the next."""
    by_rate: dict[int, Samples] = {}
    for encoding in ENCODINGS:
        if encoding.rate not in by_rate:
            by_rate = {encoding.rate: np.array(sound.decode(call, sample_rate=encoding.rate))}
        path = folder / "encoded"
        write(path, encoding, changed(by_rate[encoding.rate], encoding))
        yield encoding, path


def changed(samples: Samples, encoding: Encoding) -> Samples:
    """Return the samples as they are to be written."""
    made = samples.mean(axis=0, keepdims=True) if encoding.mono else samples
    for seconds, is_before in ((encoding.before, True), (encoding.behind, False)):
        count = round(abs(seconds) * encoding.rate)
        if seconds > 0:
            made = np.pad(made, ((0, 0), (count, 0) if is_before else (0, count)))
        elif count:
            made = made[:, count:] if is_before else made[:, :-count]
    noise = np.random.default_rng(1).normal(0, encoding.noise * float(np.sqrt((made**2).mean())) + 1e-9, made.shape)
    return np.clip(encoding.gain * made + noise, -1, 1).astype(np.float32)


def write(path: Path, encoding: Encoding, samples: Samples) -> None:
    """Encode samples into a file."""
    layout = "mono" if len(samples) == 1 else "stereo"
    with av.open(str(path), "w", format=encoding.muxer) as box:
        stream: Any = box.add_stream(encoding.codec, rate=encoding.rate)
        stream.layout = layout
        if encoding.kilobits:
            stream.bit_rate = encoding.kilobits * 1000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
        frame.sample_rate, frame.pts = encoding.rate, 0
        resampler = av.AudioResampler(format=stream.codec_context.format.name, layout=layout, rate=encoding.rate)
        fifo = av.AudioFifo()
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            fifo.write(piece)
        while (some := fifo.read(stream.codec_context.frame_size or 1024, partial=True)) is not None:
            box.mux(stream.encode(some))
        box.mux(stream.encode(None))
