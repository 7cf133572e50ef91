"""MP4 boxes: taken apart and put together again, with tables that lie."""

import struct
from collections.abc import Callable, Iterator, Mapping

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"edts", b"udta"}
MOST = 0xFFFFFFFF


def box(kind: bytes, content: bytes) -> bytes:
    """One box."""
    return struct.pack(">I4s", len(content) + 8, kind) + content


def rebuilt(file: bytes, replaced: Mapping[bytes, bytes]) -> bytes:
    """The file with the contents of some boxes replaced, and the sizes of those around them right again."""
    return b"".join(
        box(kind, replaced[kind] if kind in replaced else rebuilt(content, replaced) if kind in CONTAINERS else content)
        for kind, content in boxes(file)
    )


def boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of one level."""
    at = 0
    while at + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        yield kind, content[at + 8 : at + size]
        at += size


def written(file: bytes, kind: bytes, offset: int, value: bytes) -> bytes:
    """The file with bytes overwritten, `offset` after the name of the first box of that kind."""
    at = file.index(kind) + 4 + offset
    return file[:at] + value + file[at + len(value) :]


def number(value: int) -> bytes:
    return struct.pack(">I", value)


# name: box, offset after its name, bytes
LIES: dict[str, tuple[bytes, int, bytes]] = {
    "four billion samples of a size each": (b"stsz", 8, number(MOST)),
    "four billion samples of one byte": (b"stsz", 4, number(1) + number(MOST)),
    "a billion samples of one byte": (b"stsz", 4, number(1) + number(2**30)),
    "a hundred million samples of one byte": (b"stsz", 4, number(1) + number(10**8)),
    "samples of four gigabytes": (b"stsz", 4, number(MOST)),
    "no samples": (b"stsz", 8, number(0)),
    "four billion durations": (b"stts", 4, number(MOST)),
    "samples that last for ever": (b"stts", 8, number(1) + number(MOST)),
    "samples that last no time": (b"stts", 8, number(MOST) + number(0)),
    "a billion samples in the time table": (b"stts", 8, number(2**30)),
    "four billion chunks": (b"stsc", 4, number(MOST)),
    "chunks of four billion samples": (b"stsc", 8, number(1) + number(MOST)),
    "chunk zero": (b"stsc", 8, number(0)),
    "four billion offsets": (b"stco", 4, number(MOST)),
    "an offset beyond the end": (b"stco", 8, number(MOST - 8)),
    "an offset into the tables": (b"stco", 8, number(0)),
    "no time scale": (b"mdhd", 12, number(0)),
    "one tick a second": (b"mdhd", 12, number(1)),
    "four billion ticks a second": (b"mdhd", 12, number(MOST)),
    "a negative duration": (b"mdhd", 16, number(MOST)),
    "a movie of a century": (b"mvhd", 16, number(MOST)),
    "no movie time scale": (b"mvhd", 12, number(0)),
    "a box without end": (b"moov", -8, number(0)),
    "a box of a size that follows": (b"moov", -8, number(1)),
    "a box smaller than its head": (b"moov", -8, number(4)),
    "a box of four gigabytes": (b"moov", -8, number(MOST)),
    "a track of four gigabytes": (b"trak", -8, number(MOST)),
    "a sample table of no size": (b"stbl", -8, number(8)),
    "four billion descriptions": (b"stsd", 4, number(MOST)),
    "an unknown codec": (b"stsd", 12, b"xxxx"),
    "another codec": (b"stsd", 12, b"alac"),
    "raw samples": (b"stsd", 12, b"twos"),
    "64 thousand channels": (b"stsd", 32, b"\xff\xff"),
    "no channels": (b"stsd", 32, b"\0\0"),
    "a rate of zero": (b"stsd", 40, number(0)),
    "a codec description of four gigabytes": (b"esds", -8, number(MOST)),
    "a codec description that never ends": (b"esds", 4, b"\x03\xff\xff\xff\xff\xff\xff\xff"),
    "an edit list of four billion": (b"stss", 4, number(MOST)),
    "a version nobody knows": (b"mdhd", 0, b"\xff"),
}


def lying_movies(m4a: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents."""
    for title, (kind, offset, value) in LIES.items():
        if kind in m4a:
            yield f"{title}.m4a", written(m4a, kind, offset, value)
    yield "boxes in boxes.mp4", nested(b"moov", 20_000)
    yield "tracks in tracks.mp4", box(b"ftyp", b"isom\0\0\0\0isom") + box(b"moov", nested(b"trak", 5_000))
    yield "a hundred tracks.mp4", rebuilt(m4a, {b"moov": moov_with(m4a, lambda track: track * 100)})
    yield "tables before the sound.mp4", reordered(m4a)
    yield (
        "fragments of nothing.mp4",
        m4a[:40] + box(b"moof", box(b"traf", box(b"trun", number(0xF01) + number(MOST)))) * 200,
    )


def nested(kind: bytes, depth: int) -> bytes:
    """A box in a box in a box."""
    whole = b"".join(struct.pack(">I4s", 8 * (depth - level), kind) for level in range(depth))
    return box(b"ftyp", b"isom\0\0\0\0isom") + whole


def moov_with(m4a: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The content of the movie box, its track changed."""
    content = dict(boxes(m4a))[b"moov"]
    return b"".join(change(box(kind, each)) if kind == b"trak" else box(kind, each) for kind, each in boxes(content))


def reordered(m4a: bytes) -> bytes:
    """The boxes the other way round: every offset is wrong."""
    return b"".join(box(kind, content) for kind, content in reversed(list(boxes(m4a))))
