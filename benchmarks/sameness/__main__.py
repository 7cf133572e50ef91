"""`python -m benchmarks.sameness`: every call in every encoding is compared with every other; wrong answers are an error."""

import itertools
import statistics
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import NamedTuple

from benchmarks.engine.serving import ROOT
from benchmarks.sameness.encodings import written
from callcov_portal import sound

FOLDERS = ("tests/calls", "benchmarks/calls")


class One(NamedTuple):
    """One file of a call."""

    call: str
    encoding: str
    heard: sound.Fingerprint


def main() -> int:
    """Return the exit status."""
    parser = ArgumentParser(prog="benchmarks.sameness")
    parser.add_argument("folders", nargs="*", default=[str(ROOT / name) for name in FOLDERS])
    files = [path for name in parser.parse_args().folders for path in sorted(Path(name).glob("*.stereo.*"))]
    ones: list[One] = []
    with tempfile.TemporaryDirectory(prefix="callcov-bench-") as place:
        for path in files:
            ones += heard(path, Path(place))
            sys.stderr.write(f"{path.name} is heard in all encodings\n")
    return report(ones)


def heard(path: Path, place: Path) -> list[One]:
    """Hear a call as it is, as the MP3 that lies beside it, and in every encoding."""
    call = path.name.partition(".")[0]
    found = [one(call, "as it is", path), one(call, "its mp3", path.with_name(f"{call}.mono.mp3"))]
    return found + [one(call, encoding.name, encoded) for encoding, encoded in written(path, place)]


def one(call: str, encoding: str, path: Path) -> One:
    """Hear one file."""
    found = sound.hear(path).fingerprint
    if found is None:
        sys.exit(f"{call}, {encoding}: nobody is heard to speak")
    return One(call, encoding, found)


def report(ones: list[One]) -> int:
    """Compare each with each, in both directions, and say what came out."""
    same: list[tuple[One, One, int, float | None]] = []
    others, taken = 0, []
    for new, old in itertools.permutations(ones, 2):
        likeness = sound.compare(new.heard, old.heard.kept)
        if new.call == old.call:
            shared = set(new.heard.words(new.heard.asked)) & set(old.heard.words(old.heard.sure))
            same.append((new, old, len(shared), likeness.agreement if likeness else None))
        else:
            others += 1
            taken += [(new, old)] if likeness else []
    found = [pair for pair in same if pair[2] and pair[3]]
    missed = [pair for pair in same if not (pair[2] and pair[3])]
    print(f"{len({each.call for each in ones})} calls, {len(ones)} files")
    print(f"the same call: {len(found)} of {len(same)} pairs recognised, {len(missed)} missed")
    for new, old, words, agreement in missed[:40]:
        print(f"  missed: {new.call}: {new.encoding} | {old.encoding}: words {words}, agreement {agreement}")
    print(f"two calls: {len(taken)} of {others} pairs taken for one")
    agreements = sorted(pair[3] for pair in found if pair[3])
    print(f"agreement: least {agreements[0]:.3f}, median {statistics.median(agreements):.3f}")
    print(f"words in common: least {min(pair[2] for pair in found)}, median {statistics.median(p[2] for p in found)}")
    return 1 if taken or len(found) < 0.99 * len(same) else 0


if __name__ == "__main__":
    sys.exit(main())
