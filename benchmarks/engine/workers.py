"""`python -m benchmarks.engine.workers`: two workers with one thread each against one worker with two.

Each worker is the product's recogniser with its child, and hears every recording once; both arrangements take turns, several
rounds in one run. Printed is the audio heard per second of wall time; the exit status is 1 when the gate is missed.
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
from functools import partial
from pathlib import Path

from benchmarks.engine import gates
from benchmarks.engine.__main__ import EXAMPLES, about_machine, conclusion
from benchmarks.engine.serving import ROOT
from benchmarks.engine.truth import Recording, recordings
from callcov_portal.engine.speech.ear import Ear
from callcov_portal.engine.speech.whisper import WhisperRecogniser

ARRANGEMENTS = {"two workers, one thread each": [1, 1], "one worker, two threads": [2]}
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
    """The recogniser's child with so many threads."""
    count = str(threads)
    environment = {**os.environ, "OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count, "PYTHONPATH": str(ROOT)}
    offline = {"HF_HUB_OFFLINE": "1"} if local else {}
    command = [sys.executable, "-m", "benchmarks.engine.threads", target, count]
    return Ear(command, {**environment, **offline})


def hear_all(recogniser: WhisperRecogniser, calls: Sequence[Recording]) -> None:
    """One after the other."""
    for call in calls:
        recogniser.transcribe(call.path, progress=lambda *_: None, cancelled=lambda: False)


def pace(workers: Sequence[WhisperRecogniser], calls: Sequence[Recording]) -> float:
    """Seconds of audio that the workers hear per second while each hears every call."""
    began = time.monotonic()
    with ThreadPoolExecutor(len(workers)) as pool:
        list(pool.map(lambda worker: hear_all(worker, calls), workers))
    return len(workers) * sum(call.seconds for call in calls) / (time.monotonic() - began)


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
        print(
            f"{name}: {statistics.median(found):.1f} s of audio per second ({', '.join(f'{each:.1f}' for each in found)})"
        )
    two, one = (statistics.median(paces[name]) for name in ARRANGEMENTS)
    verdicts = gates.judge({"": {gates.WORKERS: two / one}}, further=False)
    print(f"{gates.WORKERS}: {two / one:.2f} (asked for: ≥ {verdicts[0].limit:g}).\n{about_machine()}")
    return conclusion(verdicts, gated=not asked.no_gate)


def measured(
    arranged: dict[str, list[WhisperRecogniser]], calls: Sequence[Recording], rounds: int
) -> dict[str, list[float]]:
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


if __name__ == "__main__":
    sys.exit(main())
