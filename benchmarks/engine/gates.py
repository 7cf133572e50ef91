"""What the engine must show, as data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmarks.engine.masking import KINDS
from benchmarks.engine.truth import MONO, NOISE, STEREO

Figures = Mapping[str, float | None]
"""Values by measure; None is what could not be measured."""

ERRORS, SPEAKERS = "word errors %", "right speakers %"
RECALL, PRECISION = "events, recall", "events, precision"
OTHERS = "other words masked %"
CPU, RATIO, MEMORY = "CPU s per audio s", "CPU, times the peer's", "peak memory MB"
WORDLESS = "words in minutes without any"
WORKERS = "two workers, times one with two threads"

FURTHER = 1.5
"""Points by which word errors and speakers may be worse on other calls than the examples."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A bound on one measure under one condition; of FURTHER calls less is asked where `eased`."""

    measure: str
    condition: str
    bound: float
    at_most: bool
    eased: float = 0.0

    def limit(self, *, further: bool) -> float:
        """The bound that applies."""
        ease = self.eased if further else 0.0
        return self.bound + (ease if self.at_most else -ease)

    def met(self, value: float | None, *, further: bool) -> bool:
        """Whether the value is good enough; None never is."""
        limit = self.limit(further=further)
        return value is not None and (value <= limit if self.at_most else value >= limit)


def masked(kind: str) -> str:
    """The measure's name for a kind of sensitive data."""
    return f"masked: {KINDS[kind].replace('_', ' ')}"


GATES = (
    Gate(ERRORS, STEREO, 2.5, at_most=True, eased=FURTHER),
    Gate(ERRORS, MONO, 4.5, at_most=True, eased=FURTHER),
    Gate(ERRORS, NOISE, 7.0, at_most=True, eased=FURTHER),
    Gate(SPEAKERS, STEREO, 99.5, at_most=False, eased=FURTHER),
    Gate(SPEAKERS, MONO, 98.0, at_most=False, eased=FURTHER),
    Gate(RECALL, STEREO, 0.95, at_most=False),
    Gate(RECALL, MONO, 0.90, at_most=False),
    Gate(PRECISION, STEREO, 0.95, at_most=False),
    Gate(PRECISION, MONO, 0.90, at_most=False),
    *(
        Gate(masked(kind), condition, 0.8 if kind == "pii_email" else 1.0, at_most=False)
        for kind in KINDS
        for condition in (STEREO, MONO)
    ),
    *(Gate(OTHERS, condition, 5.0, at_most=True) for condition in (STEREO, MONO)),
    *(Gate(RATIO, condition, 1.35, at_most=True) for condition in (STEREO, MONO, NOISE)),
    *(Gate(MEMORY, condition, 700.0, at_most=True) for condition in (STEREO, MONO, NOISE)),
    Gate(WORDLESS, "", 0.0, at_most=True),
    Gate(WORKERS, "", 1.6, at_most=False),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A gate with the value that came to it."""

    measure: str
    condition: str
    limit: float
    at_most: bool
    value: float | None
    met: bool


def judge(figures: Mapping[str, Figures], *, further: bool, gates: Iterable[Gate] = GATES) -> list[Verdict]:
    """Judge what was measured, by condition. A measure that is not there at all is not judged."""
    return [
        Verdict(
            measure=gate.measure,
            condition=gate.condition,
            limit=gate.limit(further=further),
            at_most=gate.at_most,
            value=(value := figures[gate.condition][gate.measure]),
            met=gate.met(value, further=further),
        )
        for gate in gates
        if gate.measure in figures.get(gate.condition, {})
    ]
