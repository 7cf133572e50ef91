"""Heads that lie, in WAV, MP3, Ogg, WebM and MPEG."""

import random
import struct
from collections.abc import Iterator

MOST = 0xFFFFFFFF


def wav(
    samples: bytes = bytes(16_000),
    *,
    tag: int = 1,
    channels: int = 1,
    rate: int = 8000,
    byte_rate: int = 16_000,
    align: int = 2,
    bits: int = 16,
    riff: int | None = None,
    data: int | None = None,
    fmt: int = 16,
    mark: bytes = b"RIFF",
    before: bytes = b"",
) -> bytes:
    """A WAV file of a second of silence in which every number can be another."""
    head = b"fmt " + struct.pack("<IHHIIHH", fmt, tag, channels, rate, byte_rate, align, bits)
    body = b"WAVE" + before + head + b"data" + struct.pack("<I", len(samples) if data is None else data) + samples
    return mark + struct.pack("<I", len(body) if riff is None else riff) + body


WAVS = {
    "four gigabytes of data": wav(data=MOST),
    "two gigabytes of data": wav(data=0x7FFFFFF0),
    "two gigabytes of data less a little": wav(data=0x7FFF0000),
    "no data": wav(b""),
    "one byte of data": wav(b"\0"),
    "data of an odd size": wav(bytes(15_999)),
    "nothing said to be in it": wav(riff=0),
    "four gigabytes said to be in it": wav(riff=MOST),
    "a format of four gigabytes": wav(fmt=MOST),
    "a format of nothing": wav(fmt=0),
    "no channels": wav(channels=0),
    "64 thousand channels": wav(channels=65535, align=65535),
    "nine channels": wav(channels=9, align=18),
    "a rate of nothing": wav(rate=0, byte_rate=0),
    "a rate of one": wav(rate=1, byte_rate=2),
    "a rate of four billion": wav(rate=MOST, byte_rate=MOST),
    "no bits": wav(bits=0),
    "one bit": wav(bits=1),
    "64 thousand bits": wav(bits=65535),
    "no alignment": wav(align=0),
    "an alignment of 64 thousand": wav(align=65535),
    "a format that is none": wav(tag=0x1234),
    "no format": wav(tag=0),
    "the extensible format without its extension": wav(tag=0xFFFE),
    "MP3 inside that is none": wav(tag=0x55),
    "AAC inside that is none": wav(tag=0xFF),
    "Vorbis inside that is none": wav(tag=0x674F),
    "ADPCM of nothing": wav(tag=2, bits=4, align=0),
    "ADPCM of blocks of one": wav(tag=17, bits=4, align=1),
    "GSM that is none": wav(tag=0x31, align=65, bits=0),
    "G.729 that is none": wav(tag=0x83, align=10, bits=0),
    "an RF64 without its sizes": wav(mark=b"RF64", riff=MOST, data=MOST),
    "an RF64 of exabytes": wav(
        mark=b"RF64", riff=MOST, data=MOST, before=b"ds64" + struct.pack("<I4Q", 32, *[2**63] * 4)
    ),
    "the other byte order": wav(mark=b"RIFX"),
    "a list of four gigabytes first": wav(before=b"LIST" + struct.pack("<I", MOST)),
    "a hundred thousand empty chunks first": wav(before=b"junk\0\0\0\0" * 100_000),
    "megabytes of chunk first": wav(before=b"junk" + struct.pack("<I", 2_000_000) + bytes(2_000_000)),
    "a broadcast chunk of noise": wav(before=b"bext" + struct.pack("<I", 700) + b"\xff" * 700),
    "an ID3 chunk that claims gigabytes": wav(before=b"id3 \x20\0\0\0ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(22)),
    "only its head": wav()[:44],
    "half its head": wav()[:20],
    "twice": wav() * 2,
}


def tag(size: int, content: bytes, version: int = 4, flags: int = 0) -> bytes:
    """An ID3 tag that says it has so many bytes."""
    coded = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, flags]) + coded + content


def mp3s(mp3: bytes) -> dict[str, bytes]:
    """Tags and first frames that lie; `mp3` is a good recording without a tag of its own."""
    first = bytearray(mp3)
    counted = mp3.find(b"Xing") if b"Xing" in mp3 else mp3.find(b"Info")
    first[counted + 8 : counted + 12] = struct.pack(">I", MOST)
    return {
        "a tag of 256 megabytes": tag(2**28 - 1, b"") + mp3,
        "a tag of megabytes": tag(3_000_000, bytes(3_000_000)) + mp3,
        "a picture that claims gigabytes": tag(500, b"APIC\x7f\x7f\x7f\x7f\0\0" + bytes(490)) + mp3,
        "a hundred tags": tag(50, bytes(50)) * 100 + mp3,
        "ten thousand tags": tag(0, b"") * 10_000 + mp3,
        "a tag in a tag": tag(2000, tag(1000, tag(500, bytes(500)))) + mp3,
        "an extended head that never ends": tag(200, b"\x7f\x7f\x7f\x7f" * 50, flags=0x40) + mp3,
        "a compressed frame": tag(200, b"TIT2\0\0\0\x60\0\x09" + b"\xff" * 190) + mp3,
        "a version nobody knows": tag(100, bytes(100), version=99) + mp3,
        "a title that is no text": tag(100, b"TIT2\0\0\0\x40\0\0\x01\xff\xfe\xd8" + b"\xff" * 87) + mp3,
        "four billion frames announced": bytes(first),
        "only tags": tag(1000, bytes(1000)) * 5,
        "frames that change their kind": b"".join(
            bytes([0xFF, kind]) + mp3[at + 2 : at + 400] for at, kind in enumerate((0xFB, 0xF3, 0xE3, 0xFD) * 20)
        ),
        "only marks of frames": b"\xff\xfb\x90\x00" * 5000,
        "marks with a rate that is none": b"\xff\xfb\x9c\x00" + bytes(400) + mp3[:300],
        "silence between its frames": mp3[:2000] + bytes(300_000) + mp3[2000:],
        "noise between its frames": mp3[:2000] + random.Random(3).randbytes(300_000) + mp3[2000:],
        "an APE tag of gigabytes": mp3 + b"APETAGEX" + struct.pack("<IIII", 2000, MOST, MOST, 0) + bytes(8),
    }


def oggs(ogg: bytes) -> dict[str, bytes]:
    """Pages that lie. FFmpeg does not insist on their checksums."""
    second = ogg.index(b"OggS", 4)

    def on_page(at: int, offset: int, value: bytes) -> bytes:
        return ogg[: at + offset] + value + ogg[at + offset + len(value) :]

    return {
        "fifty chained": ogg * 50,
        "heads only, fifty times": ogg[:second] * 50,
        "a moment far in the future": on_page(ogg.rindex(b"OggS"), 6, b"\xff" * 7 + b"\x7f"),
        "a moment before all time": on_page(ogg.rindex(b"OggS"), 6, b"\xfe" + b"\xff" * 7),
        "another serial number": on_page(second, 14, b"ABCD"),
        "pages out of order": on_page(second, 18, b"\xff\xff\xff\xff"),
        "a version nobody knows": on_page(0, 4, b"\x09"),
        "255 segments that are not there": on_page(second, 26, b"\xff"),
        "255 channels": ogg.replace(b"OpusHead\x01\x01", b"OpusHead\x01\xff"),
        "no channels": ogg.replace(b"OpusHead\x01\x01", b"OpusHead\x01\x00"),
        "a head of the future": ogg.replace(b"OpusHead\x01", b"OpusHead\xff"),
        "all of it skipped": ogg[: ogg.index(b"OpusHead") + 10] + b"\xff\xff" + ogg[ogg.index(b"OpusHead") + 12 :],
        "comments of four gigabytes": ogg.replace(b"OpusTags", b"OpusTags" + struct.pack("<I", MOST)),
        "a codec nobody knows": ogg.replace(b"OpusHead", b"HeadOpus"),
        "two streams at once": ogg[:second] + on_page(0, 14, b"WXYZ")[:second] + ogg[second:],
    }


def webms(webm: bytes) -> dict[str, bytes]:
    """Elements that lie."""
    segment, cluster = webm.index(b"\x18\x53\x80\x67"), webm.index(b"\x1f\x43\xb6\x75")

    def sized(at: int, size: bytes) -> bytes:
        return webm[: at + 4] + size + webm[at + 4 + len(size) :]

    return {
        "a segment of exabytes": sized(segment, b"\x01\xff\xff\xff\xff\xff\xff\xfe"),
        "a segment of unknown size": sized(segment, b"\x01\xff\xff\xff\xff\xff\xff\xff"),
        "a segment of nothing": sized(segment, b"\x01\0\0\0\0\0\0\0"),
        "a cluster of exabytes": sized(cluster, b"\x01\xff\xff\xff\xff\xff\xff\xfe"),
        "clusters in clusters": webm[: cluster + 4]
        + (b"\x01\xff\xff\xff\xff\xff\xff\xff" + webm[cluster : cluster + 4]) * 3000,
        "a thousand clusters": webm + webm[cluster:] * 200,
        "a kind nobody knows": webm.replace(b"webm", b"webx"),
        "Matroska": webm.replace(b"\x42\x82\x84webm", b"\x42\x82\x84matr"),
        "a head of exabytes": b"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xfe" + webm[12:],
        "only heads": webm[:cluster],
        "a codec nobody knows": webm.replace(b"A_OPUS", b"A_OOPS"),
        "another codec": webm.replace(b"A_OPUS", b"A_AAC\0"),
        "a picture instead of sound": webm.replace(b"\x83\x81\x02", b"\x83\x81\x01", 1),
        "64 thousand channels": webm.replace(b"\x9f\x81\x01", b"\x9f\x81\xff", 1),
        "a time scale of nothing": webm.replace(b"\x2a\xd7\xb1\x83\x0f\x42\x40", b"\x2a\xd7\xb1\x83\0\0\0", 1),
    }


def lying_heads(good: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents; `good` has a recording of each kind."""
    kinds = {"wav": WAVS, "mp3": mp3s(good["mp3"]), "ogg": oggs(good["ogg"]), "webm": webms(good["webm"])}
    for ending, files in kinds.items():
        for title, content in files.items():
            yield f"{title}.{ending}", content
    pack = good["mpeg"][:14]
    yield "packs of nothing.mpeg", pack * 5000
    yield "a packet of 64 kB that is not there.mpeg", pack + b"\0\0\x01\xc0\xff\xff" + bytes(100)
    yield (
        "packets of every stream.mpeg",
        pack + b"".join(b"\0\0\x01" + bytes([n, 0, 9]) + bytes(9) for n in range(0xBC, 256)) * 20,
    )
