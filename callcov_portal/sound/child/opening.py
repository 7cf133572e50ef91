"""A hostile file as an open container with one stream of sound."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

import av

from .failures import Failure, refuse

# FFmpeg's demuxers for the nine formats. Everything else is refused before it can parse: among the others are
# demuxers that open other files or addresses (concat, HLS, DASH) or listen on the network (SDP).
DEMUXERS = "wav,mp3,flac,ogg,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpeg"
MAX_CHANNELS = 8  # beyond, FFmpeg keeps planes elsewhere, where PyAV 18 does not look (it crashed on a mutated file)
RATES = range(2000, 768_001)  # samples a second; a lie of 1 would make hours out of a packet


class Opened:
    """An open container and its first audio stream. Raises Failure when there is none."""

    def __init__(self, file: BinaryIO) -> None:
        # A file object, never a path: so FFmpeg needs no protocol and can open nothing else.
        options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "none"}
        try:
            self.container = av.open(file, mode="r", options=options, metadata_errors="ignore")
        except MemoryError:
            raise
        except Exception as trouble:  # PyAV leaks UnicodeDecodeError, IndexError and others
            raise Failure("not_audio", "This is not an audio file in a supported format.") from trouble
        if not self.container.streams.audio:
            refuse("There is no sound in this file, only pictures or data.")
        self.stream = self.container.streams.audio[0]
        context: Any = self.stream.codec_context
        if context is None or context.sample_rate not in RATES or not 1 <= context.channels <= MAX_CHANNELS:
            refuse("The sound in this file is of a kind that cannot be decoded.")
        context.thread_count = 1
        self.context = context

    def declared_seconds(self) -> float:
        """The length that the header claims, 0.0 if it says nothing."""
        ticks, base = self.stream.duration, self.stream.time_base
        if ticks and base and ticks > 0:
            return float(ticks * base)
        return max(0.0, (self.container.duration or 0) / 1_000_000)

    def packets(self) -> Iterator[Any]:
        """Demux packet by packet; damage ends the stream instead of raising."""
        try:
            yield from self.container.demux(self.stream)
        except (av.FFmpegError, ValueError, IndexError):
            return

    def frames(self, packets: int | None = None) -> Iterator[Any]:
        """Decode packet by packet (at most so many), skipping damaged ones."""
        for packet in islice(self.packets(), packets):
            try:
                yield from packet.decode()
            except (av.FFmpegError, ValueError, IndexError):
                continue


def format_of(opened: Opened, head: bytes) -> tuple[str, str]:
    """Return the API's name of the format and the media type."""
    demuxer = opened.container.format.name
    video = any(not s.disposition & s.disposition.attached_pic for s in opened.container.streams.video)
    if demuxer.startswith("mov"):
        apple = head[4:8] == b"ftyp" and head[8:11] in {b"M4A", b"M4B"}
        return ("m4a", "audio/mp4") if apple else ("mp4", "video/mp4" if video else "audio/mp4")
    if demuxer.startswith("matroska"):
        if not re.search(rb"\x42\x82.{1,8}webm", head[:256], re.DOTALL):
            refuse("Matroska (.mkv) files are not supported: save the sound as WebM, MP3 or WAV.")
        return "webm", "video/webm" if video else "audio/webm"
    if demuxer == "mp3":
        layer3 = str(opened.context.name).startswith("mp3")
        return ("mp3" if layer3 else "mpga"), "audio/mpeg"
    mimes = {"wav": "audio/wav", "flac": "audio/flac", "ogg": "audio/ogg", "mpeg": "video/mpeg"}
    return demuxer, mimes[demuxer]
