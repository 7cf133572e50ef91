"""Small recordings made on the spot, in any format, and the tones that fill them."""

from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

RATE = 16000
# name of the format at the API -> FFmpeg's muxer, codec, with pictures?
MAKERS: dict[str, tuple[str, str, bool]] = {
    "wav": ("wav", "pcm_s16le", False),
    "flac": ("flac", "flac", False),
    "mp3": ("mp3", "libmp3lame", False),
    "mpga": ("mp2", "mp2", False),
    "m4a": ("ipod", "aac", False),
    "mp4": ("mp4", "aac", True),
    "ogg": ("ogg", "libopus", False),
    "webm": ("webm", "libopus", False),
    "mpeg": ("mpeg", "mp2", True),
}


def tone(seconds: float, hertz: float = 220.0, loudness: float = 0.3, rate: int = RATE) -> NDArray[np.float32]:
    """A sine, mono."""
    return (loudness * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def silence(seconds: float, rate: int = RATE) -> NDArray[np.float32]:
    return np.zeros(int(seconds * rate), np.float32)


def write(
    path: Path,
    samples: NDArray[np.float32],
    kind: str = "wav",
    *,
    codec: str = "",
    muxer: str = "",
    layout: str = "",
    rate: int = RATE,
) -> Path:
    """Encode samples of shape (n,) or (channels, n) as `kind` into `path`, whatever its name says. Returns `path`."""
    made_by, usual, pictures = MAKERS.get(kind, (kind, codec, False))
    channels = np.atleast_2d(samples)
    layout = layout or {1: "mono", 2: "stereo"}[len(channels)]
    with av.open(str(path), "w", format=muxer or made_by) as box:
        video = picture_stream(box) if pictures else None  # every stream before the first packet: FFmpeg crashes else
        stream: Any = box.add_stream(codec or usual, rate=rate)
        stream.layout = layout
        if video:
            box.mux(black_pictures(video))
        box.mux(list(encoded(stream, channels, layout, rate)))
    return path


def encoded(stream: Any, channels: NDArray[np.float32], layout: str, rate: int) -> Any:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels), format="fltp", layout=layout)
    frame.sample_rate, frame.pts = rate, 0
    resampler = av.AudioResampler(format=stream.codec_context.format.name, layout=layout, rate=rate)
    fifo = av.AudioFifo()
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        fifo.write(piece)
    size = stream.codec_context.frame_size or 1024
    while (packed := fifo.read(size, partial=True)) is not None:
        yield from stream.encode(packed)
    yield from stream.encode(None)


def picture_stream(box: Any) -> Any:
    video = box.add_stream("mpeg1video" if box.format.name == "mpeg" else "mpeg4", rate=25)
    video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
    return video


def black_pictures(video: Any) -> list[Any]:
    """Ten black pictures as packets."""
    packets: list[Any] = []
    for number in range(10):
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        picture.pts = number
        packets += video.encode(picture)
    return packets + list(video.encode(None))


def silent_film(path: Path) -> Path:
    """A video without a sound track."""
    with av.open(str(path), "w", format="mp4") as box:
        box.mux(black_pictures(picture_stream(box)))
    return path
