"""FLAC written by hand: hours of silence in a few kilobytes, and headers that lie."""

from collections.abc import Iterator

BLOCK = 65535  # samples of a frame, the most there can be


def silence(seconds: float, rate: int = 8000, channels: int = 1) -> bytes:
    """A sound file in which every sample is zero; about 15 bytes for each 65,535 of them."""
    samples = int(seconds * rate)
    frames = b"".join(frame(number, channels) for number in range(max(1, samples // BLOCK)))
    return head(rate, channels, samples) + frames


def head(rate: int, channels: int, samples: int, smallest: int = BLOCK, largest: int = BLOCK) -> bytes:
    """The mark and the one block that must be there."""
    packed = (rate << 44) | (channels - 1 << 41) | (15 << 36) | samples
    info = smallest.to_bytes(2, "big") + largest.to_bytes(2, "big") + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    return b"fLaC" + block(0, info, last=True)


def block(kind: int, content: bytes, *, last: bool = False, claimed: int | None = None) -> bytes:
    """A block of metadata; `claimed` is the size it says it has."""
    size = len(content) if claimed is None else claimed
    return bytes([kind | (0x80 if last else 0)]) + size.to_bytes(3, "big") + content


def frame(number: int, channels: int) -> bytes:
    """A frame whose channels are all constantly zero."""
    start = b"\xff\xf8\x70" + bytes([(channels - 1) << 4 | 0x08]) + coded(number) + (BLOCK - 1).to_bytes(2, "big")
    start += bytes([checksum(start, 0x07, 8)])
    whole = start + bytes(3) * channels
    return whole + checksum(whole, 0x8005, 16).to_bytes(2, "big")


def coded(number: int) -> bytes:
    """A frame's number, in UTF-8's way."""
    return chr(number).encode("utf-8", "surrogatepass")


def checksum(content: bytes, polynomial: int, width: int) -> int:
    """The cyclic redundancy check, most significant bit first."""
    register, top, mask = 0, 1 << (width - 1), (1 << width) - 1
    for byte in content:
        register ^= byte << (width - 8)
        for _ in range(8):
            register = ((register << 1) ^ polynomial if register & top else register << 1) & mask
    return register


def bombs() -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of files that are small and long."""
    yield "five hours of silence.flac", silence(5 * 3600)
    yield "ten hours of silence.mp3", silence(10 * 3600)
    yield "five hours of silence in eight channels.flac", silence(5 * 3600, 8000, 8)
    yield "a minute of silence.flac", silence(60)
    yield "two minutes of silence in eight channels.flac", silence(120, 8000, 8)
    yield "three minutes of silence at a very high rate.flac", silence(180, 655_350)
    yield "nine minutes that say they are a second.flac", head(8000, 1, 8000) + silence(9 * 60)[42:]
    yield "a second that says it is two days.flac", head(8000, 1, 48 * 3600 * 8000) + silence(9)[42:]
    yield "a length of nothing.flac", head(8000, 1, 0) + silence(9)[42:]
    yield "the longest length there is.flac", head(8000, 1, 2**36 - 1) + silence(9)[42:]
    yield "a rate of one.flac", head(1, 1, 8000) + silence(9)[42:]
    yield "a rate of nothing.flac", head(0, 1, 8000) + silence(9)[42:]
    yield "blocks of nothing.flac", head(8000, 1, 72000, 0, 0) + silence(9)[42:]
    yield "blocks smaller than they are.flac", head(8000, 1, 72000, 16, 16) + silence(9)[42:]
    yield "only a head.flac", head(8000, 1, 72000)
    yield "a picture of 16 MB that is not there.flac", b"fLaC" + block(6, bytes(32), last=True, claimed=2**24 - 1)
    yield "a picture that claims four gigabytes.flac", with_block(6, b"\xff" * 400)
    yield "comments without end.flac", with_block(4, b"\xff\xff\xff\xff" * 100)
    yield "a million seek points.flac", with_block(3, bytes(18) * 50_000)
    yield (
        "ten thousand empty blocks.flac",
        head(8000, 1, 72000).replace(b"fLaC\x80", b"fLaC\0") + block(1, b"") * 10_000,
    )
    yield "a cue sheet of noise.flac", with_block(5, bytes(range(256)) * 20)
    yield "the head twice.flac", head(8000, 1, 72000) * 2 + silence(9)[42:]


def with_block(kind: int, content: bytes) -> bytes:
    """Nine seconds of silence after one more block of metadata."""
    return silence(9)[:42].replace(b"fLaC\x80", b"fLaC\0") + block(kind, content, last=True) + silence(9)[42:]
