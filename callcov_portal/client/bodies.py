"""The multipart body of an upload: streamed from the file, never held in memory."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from requests_toolbelt import MultipartEncoder, MultipartEncoderMonitor

REPORT_EVERY = 1024 * 1024
MEDIA_TYPES = {
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpeg": "audio/mpeg",
    "mpga": "audio/mpeg",
    "m4a": "audio/mp4",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "webm": "audio/webm",
}


@contextmanager
def opened(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    """The file to read: opened and closed here if a path was given, left open if it came open."""
    if not isinstance(source, Path):
        yield source
        return
    with source.open("rb") as file:
        yield file


def multipart(
    fields: Mapping[str, str], file: BinaryIO, file_name: str, on_progress: Callable[[int], None] | None
) -> MultipartEncoderMonitor:
    """The body of an upload, read from the file's present position as it is sent.

    `on_progress` gets the number of bytes handed to the network, about once per MiB and once at the end.
    """
    name = safe_file_name(file_name)
    media_type = MEDIA_TYPES.get(PurePosixPath(name).suffix.lower().lstrip("."), "application/octet-stream")
    encoder = MultipartEncoder({**fields, "audio_file": (name, file, media_type)})
    return MultipartEncoderMonitor(encoder, _reporter(encoder.len, on_progress))


def safe_file_name(name: str) -> str:
    """The last part of the name, without controls and lone surrogates, at most 200 characters; never empty."""
    last = re.split(r"[/\\]", name)[-1]
    clean = re.sub(r'[\x00-\x1f\x7f"]', "_", last).encode("utf-8", "replace").decode()
    return clean[-200:].strip() or "recording"


def _reporter(total: int, on_progress: Callable[[int], None] | None) -> Callable[[MultipartEncoderMonitor], None]:
    reported = 0

    def report(monitor: MultipartEncoderMonitor) -> None:
        nonlocal reported
        done = monitor.bytes_read
        if on_progress and done > reported and (done - reported >= REPORT_EVERY or done >= total):
            reported = done
            on_progress(done)

    return report
