"""`python -m benchmarks.engine.workers`: two workers with one thread each against one worker with two.

Each worker is the product's recogniser with its child, and hears every recording once; the arrangements take turns, several
rounds in one run. Printed is the audio heard per second of wall time; the exit status is 1 when the gate is missed. One
worker with one thread alone tells why: how much the second thread is worth here, and how much two workers hinder each other.
"""

import os
import re
import statistics
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.engine import gates
from benchmarks.engine.__main__ import EXAMPLES, about_machine, conclusion
from benchmarks.engine.truth import Recording, recordings
from benchmarks.engine.usage import busy_seconds, tree_usage
from callcov_portal.engine.speech.ear import Ear, surroundings
from callcov_portal.engine.speech.whisper import WhisperRecogniser

TWO, BROAD, LONE = "two workers, one thread each", "one worker, two threads", "one worker, one thread"
ARRANGEMENTS = {TWO: [1, 1], BROAD: [2], LONE: [1]}
"""The threads of each worker."""


def arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(prog="benchmarks.engine.workers", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", default=str(EXAMPLES), help="folders, separated by commas or spaces")
    parser.add_argument(
        "--model", default=os.environ.get("CALLCOV_ENGINE_MODEL") or "base", help="as CALLCOV_ENGINE_MODEL"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-gate", action="store_true", help="end with status 0 whatever was measured")
    return parser.parse_args()


def ear(threads: int, target: str, *, local: bool) -> Ear:
    """The product's child of the recogniser, but with so many threads."""
    command = [sys.executable, "-m", "benchmarks.engine.threads", target, str(threads)]
    return Ear(command, surroundings(local=local, threads=threads))


def hear_all(recogniser: WhisperRecogniser, calls: Sequence[Recording]) -> None:
    """One after the other."""
    for call in calls:
        recogniser.transcribe(call.path, progress=lambda *_: None, cancelled=lambda: False)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast an arrangement heard every call with each of its workers."""

    audio: float
    """Seconds of audio per second of wall time."""
    others: float
    """Processors that something else on this machine used meanwhile: what is left of them is what was measured."""

    def __str__(self) -> str:
        return f"{self.audio:.1f} ({self.others:.1f})"


def pace(workers: Sequence[WhisperRecogniser], calls: Sequence[Recording]) -> Pace:
    """Let each worker hear every call."""
    began, busy, own = time.monotonic(), busy_seconds(), tree_usage(os.getpid()).cpu
    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(lambda worker: hear_all(worker, calls), workers))
    wall = time.monotonic() - began
    others = (busy_seconds() - busy) - (tree_usage(os.getpid()).cpu - own)
    return Pace(len(workers) * sum(call.seconds for call in calls) / wall, max(0.0, others) / wall)


def main() -> int:
    """Return the exit status."""
    asked = arguments()
    calls = recordings([Path(name) for name in re.split(r"[,\s]+", asked.calls) if name])
    with tempfile.TemporaryDirectory(prefix="callcov-bench-") as place:
        arranged = {
            name: [WhisperRecogniser(asked.model, Path(place), make_ear=partial(ear, each)) for each in threads]
            for name, threads in ARRANGEMENTS.items()
        }
        paces = measured(arranged, calls, asked.rounds)
    for name, found in paces.items():
        print(f"{name}: {middle(found):.1f} s of audio per second; {', '.join(map(str, found))}")
    print("In brackets: processors that others used meanwhile.")
    two, broad, lone = (middle(paces[name]) for name in (TWO, BROAD, LONE))
    verdicts = gates.judge({"": {gates.WORKERS: two / broad}}, further=False)
    print(f"{gates.WORKERS}: {two / broad:.2f} (asked for: ≥ {verdicts[0].limit:g}).")
    print(
        f"Here a second thread makes a worker {broad / lone:.2f} times as fast, a second worker all {two / lone:.2f} times."
    )
    print(about_machine())
    return conclusion(verdicts, gated=not asked.no_gate)


def measured(
    arranged: dict[str, list[WhisperRecogniser]], calls: Sequence[Recording], rounds: int
) -> dict[str, list[Pace]]:
    """The pace of every round; before the first, every worker hears one call that is not counted."""
    try:
        for workers in arranged.values():
            for worker in workers:
                hear_all(worker, calls[:1])
        found = [{name: pace(workers, calls) for name, workers in arranged.items()} for _ in range(rounds)]
    finally:
        for workers in arranged.values():
            for worker in workers:
                worker.close()
    return {name: [each[name] for each in found] for name in arranged}


def middle(paces: Sequence[Pace]) -> float:
    """The median."""
    return statistics.median(each.audio for each in paces)


if __name__ == "__main__":
    sys.exit(main())
