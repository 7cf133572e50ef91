"""What a file is: judged by its content, counted by what is really there."""

import math
import re
import time
from typing import Any

import puremagic

from .failures import clock, refuse
from .opening import Opened, format_of

DECLARES_LENGTH = {"wav", "flac", "mp4", "m4a"}  # whose header states a length that can be relied on
COUNTED_FRAMES = re.compile(
    rb"\xff[\xe0-\xff]..(?:.{9}|.{17}|.{32})(?:Xing|Info)", re.DOTALL
)  # in the first frame of an MP3
COUNT_SECONDS = 8.0  # time given to counting packets, after which the header is believed
TRIAL_PACKETS = 400  # packets in which at least one frame must be decodable


def first_look(path: str) -> None:
    """Refuse what is plainly something else (a PDF, a picture, a ZIP) with its name; leave doubts to FFmpeg."""
    try:
        guesses = [g for g in puremagic.magic_file(path) if len(g.byte_match) >= 4]
    except Exception:  # noqa: BLE001 - only a first look: what it cannot name, FFmpeg judges
        return
    kinds = [g.mime_type for g in guesses if g.mime_type]
    if kinds and not any(k.startswith(("audio/", "video/")) or "ogg" in k for k in kinds):
        zipped = guesses[0].byte_match.startswith(b"PK")
        refuse(
            f"This is not a recording: it is {'a ZIP archive or an Office document' if zipped else guesses[0].name}."
        )


def counted_seconds(opened: Opened) -> float | None:
    """Add up the packets' lengths: what is really there. None if they carry no lengths or time runs out."""
    ticks, stop = 0, time.monotonic() + COUNT_SECONDS
    for packet in opened.packets():
        ticks += packet.duration or 0
        if time.monotonic() > stop:
            return None
    return float(ticks * opened.stream.time_base) if ticks and opened.stream.time_base else None


def announced_by_wav(head: bytes, size: int, seconds: float) -> float:
    """The length that a WAV header states; FFmpeg reports only what the file has room for."""
    at = head.find(b"data", 12)
    stated = int.from_bytes(head[at + 4 : at + 8], "little") if at > 0 else 0
    if stated >= 0x7FFFF000:  # recorders that write while they listen claim the largest size there is
        return seconds
    return seconds * stated / max(1, size - at - 8)


def check_not_cut_off(name: str, head: bytes, declared: float, counted: float) -> None:
    """A cut recording would give false results (a disclosure that seems missing), so it is refused."""
    reliable = name in DECLARES_LENGTH or (name == "mp3" and COUNTED_FRAMES.search(head))
    if reliable and counted < declared * 0.95 - 1:
        refuse(f"The file is cut off: it announces {clock(declared)} of sound but holds only {clock(counted)}.")


def examine(path: str) -> dict[str, Any]:
    """Look at the file. Returns Probe's fields; raises Failure when there is nothing to hear."""
    with open(path, "rb") as file:
        head = file.read(65536)
        file.seek(0)
        if not head:
            refuse("The file is empty.")
        first_look(path)
        opened = Opened(file)
        name, mime = format_of(opened, head)
        if not any(frame.samples for frame in opened.frames(TRIAL_PACKETS)):
            refuse("There is no sound in this file that can be decoded: it is damaged or cut off.")
        context = opened.context
        facts = {
            "codec": context.codec.canonical_name,
            "channels": context.channels,
            "sample_rate": context.sample_rate,
        }
    with open(path, "rb") as file:  # from the start again: not every container can be rewound
        opened = Opened(file)
        declared, counted = opened.declared_seconds(), counted_seconds(opened)
        size = file.seek(0, 2)
    if counted is not None:
        check_not_cut_off(name, head, announced_by_wav(head, size, counted) if name == "wav" else declared, counted)
    seconds = counted if counted is not None else declared
    if not 0 < seconds < math.inf:
        refuse("There is no sound in this file.")
    return {"format": name, "mime": mime, "duration_seconds": seconds, **facts}
