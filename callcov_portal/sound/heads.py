"""What the first bytes of a file tell of it. Nothing is decoded, so no child is needed; the last word has `probe`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import puremagic

TEXT = bytes(range(0x20, 0x7F)) + b"\t\n\r\f"
LONGEST = 24 * 3600  # seconds; what is longer was announced by a recorder that did not know the end


def why_no_recording(head: bytes) -> str:
    """Say why a file that begins like this is plainly no recording, naming what it is; "" where it may be one."""
    if not head:
        return "The file is empty."
    kinds = [guess for guess in guesses_of(head) if guess.mime_type]
    if any(guess.mime_type.startswith(("audio/", "video/")) or "ogg" in guess.mime_type for guess in kinds):
        return ""
    clear = [guess for guess in kinds if len(guess.byte_match) >= 4]
    if clear:
        zipped = clear[0].byte_match.startswith(b"PK")
        return f"This is not a recording: it is {'a ZIP archive or an Office document' if zipped else clear[0].name}."
    if not head[:1024].translate(None, TEXT):
        return "This is not a recording: it is a text."
    return ""


def guesses_of(head: bytes) -> "list[puremagic.PureMagicWithConfidence]":
    """Return what a file may be by its first bytes."""
    import puremagic  # noqa: PLC0415 - heavy, and most processes never look at a head

    try:
        return list(puremagic.magic_string(head))
    except puremagic.PureError:  # it knows nothing that begins like that
        return []


def seconds_in(head: bytes) -> float | None:
    """Return the length that the head of a WAV or FLAC file announces; None where it does not, or of another kind."""
    seconds = in_wav(head) if head[:4] == b"RIFF" else in_flac(head) if head[:4] == b"fLaC" else 0.0
    return seconds if 0 < seconds <= LONGEST else None


def in_wav(head: bytes) -> float:
    """Return the seconds of a WAV file: the bytes of its sound by those of a second; 0.0 if it does not say."""
    form, data = head.find(b"fmt ", 12), head.find(b"data", 12)
    if form < 0 or data < 0 or len(head) < max(form + 20, data + 8):
        return 0.0
    a_second = int.from_bytes(head[form + 16 : form + 20], "little")
    size = int.from_bytes(head[data + 4 : data + 8], "little")
    return size / a_second if a_second and size < 0x7FFFF000 else 0.0


def in_flac(head: bytes) -> float:
    """Return the seconds of a FLAC file: its samples by those of a second; 0.0 if it does not say."""
    facts = int.from_bytes(head[18:26], "big")
    rate, samples = facts >> 44, facts & 0xFFFFFFFFF
    return samples / rate if rate and len(head) >= 26 else 0.0
