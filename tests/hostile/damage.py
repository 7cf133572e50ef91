"""Good recordings that something befell: cut, flipped, blanked, renamed, glued to something else."""

import gzip
import io
import random
import zipfile
from collections.abc import Iterator, Mapping

CUTS = (0.01, 0.1, 0.35, 0.6, 0.85, 0.99)


def cut(good: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """The first part only, as a connection that breaks leaves it; and the last part only."""
    for kind, content in good.items():
        for share in CUTS:
            yield f"the first {share:.0%}.{kind}", content[: max(1, int(len(content) * share))]
        yield f"the second half.{kind}", content[len(content) // 2 :]
    for size in (0, 1, 3, 4, 11, 12, 43, 44):
        yield f"{size} bytes.wav", good["wav"][:size]


def flipped(good: Mapping[str, bytes], dice: random.Random, each: int) -> Iterator[tuple[str, bytes]]:
    """Bits turned over: a few anywhere, many anywhere, many in the head."""
    for kind, content in good.items():
        for number in range(each):
            bits, reach = ((1, 2**30), (40, 2**30), (8, 200), (400, 2**30), (3, 64))[number % 5]
            body = bytearray(content)
            for _ in range(bits):
                body[dice.randrange(min(reach, len(body)))] ^= 1 << dice.randrange(8)
            yield f"bits turned {number}.{kind}", bytes(body)


def blanked(good: Mapping[str, bytes], dice: random.Random) -> Iterator[tuple[str, bytes]]:
    """A stretch lost, doubled, or overwritten with zeros or noise."""
    for kind, content in good.items():
        size = len(content) // 4
        at = dice.randrange(len(content) - size)
        yield f"a stretch lost.{kind}", content[:at] + content[at + size :]
        yield f"a stretch doubled.{kind}", content[: at + size] + content[at:]
        yield f"a stretch of zeros.{kind}", content[:at] + bytes(size) + content[at + size :]
        yield f"a stretch of noise.{kind}", content[:at] + dice.randbytes(size) + content[at + size :]
        yield f"noise after its mark.{kind}", content[:16] + dice.randbytes(6000)


def misnamed(good: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Good recordings under another's name, and what is no recording under the name of one."""
    kinds = list(good)
    for number, kind in enumerate(kinds):
        yield f"{kind} by another's name.{kinds[(number + 1) % len(kinds)] if number % 2 else 'pdf'}", good[kind]
    for number, (title, content) in enumerate(others(good["mp3"]).items()):
        yield f"{title}.{('wav', 'mp3', 'm4a')[number % 3]}", content


def others(mp3: bytes) -> dict[str, bytes]:
    """Files of other kinds, and some that are two kinds at once."""
    html = b"<!DOCTYPE html><html><body>Sign in to hear the recording</body></html>"
    return {
        "a document": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n" * 20,
        "a picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06" + bytes(200),
        "a photo": b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01" + bytes(2000),
        "an animation": b"GIF89a" + b"\xff" * 2000,
        "an archive": zipped(mp3),
        "a packed recording": gzip.compress(mp3, mtime=0),
        "zeros packed a thousandfold": gzip.compress(bytes(10_000_000), mtime=0),
        "a page": html * 20,
        "a page before a recording": html + mp3,
        "an archive before a recording": zipped(b"hello") + mp3,
        "a program": b"\x7fELF\x02\x01\x01" + bytes(4000),
        "a windows program": b"MZ\x90\0\x03" + bytes(4000),
        "a database": b"SQLite format 3\0" + bytes(4080),
        "a pickle": b"cos\nsystem\n(S'touch /tmp/owned'\ntR.",
        "json": b'{"audio": "none"}' * 100,
        "zeros": bytes(20_000),
        "ones": b"\xff" * 20_000,
        "noise": random.Random(7).randbytes(20_000),
    }


def zipped(content: bytes) -> bytes:
    """An archive that holds one file."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("call.mp3"), content)
    return held.getvalue()
