"""One recording heard by the engine and by its peer, and what is counted of it."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

from benchmarks.engine import gates
from benchmarks.engine.masking import KINDS, Hiding, hidings, instances, needless, words_heard
from benchmarks.engine.peer import Peer
from benchmarks.engine.places import REPORTED, Tally, tallies
from benchmarks.engine.serving import Engine
from benchmarks.engine.truth import MONO, Recording
from benchmarks.engine.words import Fit, fit


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one recording. CPU in seconds, memory in megabytes."""

    recording: Recording
    fit: Fit
    peer_fit: Fit
    cpu: float
    peer_cpu: float
    memory: float
    peer_memory: float
    events: dict[str, Tally]
    hidden: dict[str, Hiding]
    needless: tuple[int, int]
    """Words masked needlessly, of how many."""

    @property
    def notes(self) -> list[str]:
        """Lines about all that was missed or made up."""
        return [
            *(note for tally in self.events.values() for note in tally.notes),
            *(note for hiding in self.hidden.values() for note in hiding.notes),
        ]


def measure(recordings: Iterable[Recording], engine: Engine, peer: Peer) -> Iterator[Measured]:
    """Hear every recording twice, engine and peer taking turns at being first."""
    for number, recording in enumerate(recordings):
        print(f"{recording.path.name} …", file=sys.stderr, flush=True)
        if number % 2:
            heard = peer.hear(recording.path)
            yield compared(recording, *heard_by(engine, recording), heard, engine)
        else:
            analysis, cpu = heard_by(engine, recording)
            yield compared(recording, analysis, cpu, peer.hear(recording.path), engine)


def heard_by(engine: Engine, recording: Recording) -> tuple[dict[str, Any], float]:
    """The engine's analysis, and the CPU seconds that its worker took for it."""
    before = engine.usage().cpu
    analysis = engine.analyse(recording.path, recording.seconds)
    return analysis, engine.usage().cpu - before


def compared(
    recording: Recording, analysis: dict[str, Any], cpu: float, plain: dict[str, Any], engine: Engine
) -> Measured:
    """Count what came of one recording."""
    call, results = recording.call, analysis["results"]
    said = [(segment["speaker"], segment["text"]) for segment in analysis["transcript"]["segments"]]
    words, spans = words_heard(analysis["transcript"]), instances(results)
    return Measured(
        recording=recording,
        fit=fit(call.said, said),
        peer_fit=fit(call.said, [("", text) for text in plain["texts"]]),
        cpu=cpu,
        peer_cpu=plain["cpu"],
        memory=engine.usage().peak_mb,
        peer_memory=plain["peak_mb"],
        events=tallies(call.events, results, overlaps=recording.condition != MONO),
        hidden=hidings(call.events, words, spans),
        needless=needless(call.events, words, spans),
    )


def warm_up(engine: Engine, peer: Peer, path: Path, seconds: float) -> None:
    """Have both load their models, which is measured for neither."""
    engine.analyse(path, seconds)
    peer.hear(path)


def engine_figures(measured: Sequence[Measured]) -> dict[str, float | None]:
    """The engine's values over all recordings of one condition."""
    whole = pooled_events(measured)
    hidden = pooled_hiding(measured)
    masked, others = (sum(each.needless[at] for each in measured) for at in (0, 1))
    fits = reduce(add, (each.fit for each in measured))
    cpu, peer_cpu = sum(each.cpu for each in measured), sum(each.peer_cpu for each in measured)
    return {
        gates.ERRORS: percent(fits.error_rate),
        gates.SPEAKERS: percent(fits.speakers),
        **({gates.RECALL: whole.recall, gates.PRECISION: whole.precision} if whole.planted else {}),
        **{gates.masked(kind): hidden[kind].recall for kind in KINDS if kind in hidden},
        gates.OTHERS: percent(masked / others if others else 0.0),
        gates.CPU: cpu / seconds_of(measured),
        gates.RATIO: cpu / peer_cpu,
        gates.MEMORY: max(each.memory for each in measured),
    }


def peer_figures(measured: Sequence[Measured]) -> dict[str, float | None]:
    """The peer's values; it knows words only."""
    return {
        gates.ERRORS: percent(reduce(add, (each.peer_fit for each in measured)).error_rate),
        gates.CPU: sum(each.peer_cpu for each in measured) / seconds_of(measured),
        gates.MEMORY: max(each.peer_memory for each in measured),
    }


def pooled_events(measured: Sequence[Measured]) -> Tally:
    """All that is gated."""
    gated = (tally for each in measured for kind, tally in each.events.items() if kind not in REPORTED)
    return reduce(add, gated, Tally())


def pooled_hiding(measured: Sequence[Measured]) -> dict[str, Hiding]:
    """By kind of event."""
    pooled: dict[str, Hiding] = {}
    for each in measured:
        for kind, hiding in each.hidden.items():
            pooled[kind] = pooled.get(kind, Hiding()) + hiding
    return pooled


def seconds_of(measured: Iterable[Measured]) -> float:
    """Of audio."""
    return sum(each.recording.seconds for each in measured)


def percent(share: float | None) -> float | None:
    """A share of 1 as one of 100."""
    return None if share is None else round(100 * share, 6)
