"""`python -m benchmarks.engine`: measure, print the table, and say by the exit status whether every gate was met."""

import json
import os
import re
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import benchmarks.engine as about
from benchmarks.engine import gates, sounds, table
from benchmarks.engine.gates import Figures, Verdict, judge
from benchmarks.engine.measuring import Measured, engine_figures, measure, peer_figures, warm_up
from benchmarks.engine.peer import Peer
from benchmarks.engine.serving import ROOT, Engine
from benchmarks.engine.truth import MONO, NOISE, STEREO, Recording, recordings
from callcov_portal.engine.speech.weights import find_model

EXAMPLES = ROOT / "tests" / "calls"


def arguments() -> Namespace:
    """Read the command line."""
    parser = ArgumentParser(prog="benchmarks.engine", description=(about.__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", default=str(EXAMPLES), help="folders, separated by commas or spaces")
    parser.add_argument("--noise", type=float, default=8.0, metavar="DB", help="noise to add; 0 for none")
    parser.add_argument(
        "--model", default=os.environ.get("CALLCOV_ENGINE_MODEL") or "base", help="as CALLCOV_ENGINE_MODEL"
    )
    parser.add_argument("--details", action="store_true", help="list what was missed and made up")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--no-gate", action="store_true", help="end with status 0 whatever was measured")
    return parser.parse_args()


def main() -> int:
    """Return the exit status."""
    asked = arguments()
    folders = [Path(name) for name in re.split(r"[,\s]+", asked.calls) if name]
    further = any(folder.resolve() != EXAMPLES for folder in folders)
    with tempfile.TemporaryDirectory(prefix="callcov-bench-") as place:
        calls = recordings(folders)
        calls += sounds.noisy(calls, asked.noise, Path(place)) if asked.noise else []
        measured, wordless = run(calls, Path(place), asked.model)
    return report(measured, wordless, asked, further=further)


def run(calls: list[Recording], place: Path, model: str) -> tuple[list[Measured], dict[str, list[int]]]:
    """Hear everything; return what came of it, and the words in each minute without any: the engine's and the peer's."""
    with Engine(place, model) as engine, Peer(find_model(model, engine.data).target) as peer:
        warm_up(engine, peer, calls[0].path, calls[0].seconds)
        measured = list(measure(calls, engine, peer))
        wordless = {
            name: [words_in(engine.analyse(path, sounds.MINUTE)), peer.hear(path)["words"]]
            for name, path in sounds.wordless(place)
        }
    return measured, wordless


def words_in(analysis: dict[str, Any]) -> int:
    """How many words were recognised."""
    return sum(len(segment["text"].split()) for segment in analysis["transcript"]["segments"])


def report(measured: list[Measured], wordless: dict[str, list[int]], asked: Namespace, *, further: bool) -> int:
    """Print and write everything; return the exit status."""
    grouped = {name: [m for m in measured if m.recording.condition == name] for name in (STEREO, MONO, NOISE)}
    grouped = {name: group for name, group in grouped.items() if group}
    engine: dict[str, Figures] = {name: engine_figures(group) for name, group in grouped.items()}
    peer: dict[str, Figures] = {name: peer_figures(group) for name, group in grouped.items()}
    engine[""] = {gates.WORDLESS: sum(counts[0] for counts in wordless.values())}
    verdicts = judge(engine, further=further)
    print(table.table(grouped, {name: engine[name] for name in grouped}, peer, verdicts))
    print(f"\n{about_wordless(wordless)}\n{about_machine()}")
    if asked.details:
        print_details(measured)
    if asked.json:
        asked.json.write_text(json.dumps(document(measured, engine, peer, wordless, verdicts), indent=1))
    return conclusion(verdicts, gated=not asked.no_gate)


def about_wordless(wordless: dict[str, list[int]]) -> str:
    """Words recognised where there are none, in one line."""
    found = "; ".join(f"{name} {ours} (plain {plain})" for name, (ours, plain) in wordless.items())
    return f"Words in a minute of: {found}."


def about_machine() -> str:
    """How busy the machine was: CPU seconds grow with it."""
    return f"{os.cpu_count()} processors, load {', '.join(f'{load:.1f}' for load in os.getloadavg())}."


def print_details(measured: Iterable[Measured]) -> None:
    """Every miss and false alarm."""
    for each in measured:
        for note in each.notes:
            print(f"{each.recording.path.name}: {note}")


def document(
    measured: Iterable[Measured],
    engine: dict[str, Figures],
    peer: dict[str, Figures],
    wordless: dict[str, list[int]],
    verdicts: Iterable[Verdict],
) -> dict[str, Any]:
    """Everything, for programs."""
    each = [
        {**{name: value for name, value in asdict(one).items() if name != "recording"}, "file": one.recording.path.name}
        for one in measured
    ]
    judged = [asdict(verdict) for verdict in verdicts]
    return {"engine": engine, "plain": peer, "recordings": each, "wordless": wordless, "gates": judged}


def conclusion(verdicts: Iterable[Verdict], *, gated: bool) -> int:
    """Name the gates that were missed; return the exit status."""
    missed = [f"{verdict.measure} {verdict.condition}".strip() for verdict in verdicts if not verdict.met]
    print(f"Missed: {'; '.join(missed)}." if missed else "Every gate is met.")
    return 1 if missed and gated else 0


if __name__ == "__main__":
    sys.exit(main())
