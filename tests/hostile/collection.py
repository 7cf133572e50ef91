"""All of them together."""

import random
from collections.abc import Mapping
from pathlib import Path

from tests.hostile import boxes, damage, flac, heads, openers
from tests.sound import samples

COUNT = 500
CALLS = Path(__file__).parent.parent / "calls"


def good_recordings(folder: Path) -> dict[str, bytes]:
    """A short recording of each kind, and the beginnings of two real ones; the keys are the names' endings."""
    made = {kind: samples.write(folder / kind, samples.tone(1.5), kind).read_bytes() for kind in samples.MAKERS}
    return {**made, "call.mp3": (CALLS / "call1_payment.mono.mp3").read_bytes()[:20_000]}


def hostile_files(good: Mapping[str, bytes], path: str, port: int) -> list[tuple[str, bytes]]:
    """Return 500 names and contents, no two alike and always the same.

    `path` and `port` are what none of them may make anybody open.
    """
    dice = random.Random(20)
    crafted = [
        *openers.openers(good["m4a"], path, port),
        *boxes.lying_movies(good["m4a"]),
        *flac.bombs(),
        *heads.lying_heads(dict(good)),
        *damage.misnamed(good),
        *damage.cut(good),
        *damage.blanked(good, dice),
    ]
    different = {content: name for name, content in [*crafted, *damage.flipped(good, dice, each=25)]}
    return [(name, content) for content, name in different.items()][:COUNT]
