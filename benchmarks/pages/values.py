"""What is measured, what is asked of it, and what came of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

SMALL, MIDDLE, LARGE = "1000", "100000", "largest"
"""The databases, by how many calls they hold; how many the largest has is asked for."""
MILLION = "1000000"
ADMIN, DATASETTE, SERVERS = "admin", "datasette", "servers"
"""The peers; admin and Datasette work on the largest database there is."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is done in a place: a database's process, or a peer's."""

    place: str
    name: str


@dataclass(frozen=True, slots=True)
class Line:
    """A bound on how many times `one` costs what `other` costs; with `at_most` off, how many times at least."""

    name: str
    one: Measure
    other: Measure
    bound: float
    at_most: bool = True


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that must simply hold."""

    name: str
    holds: Measure


Costs = Mapping[Measure, list[float]]
"""CPU seconds of each round."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a line; None is what could not be measured, with the reason in `note`."""

    name: str
    bound: str
    ratio: float | None
    one: float | None
    other: float | None
    met: bool | None
    note: str = ""


def judge(line: Line, costs: Costs) -> Verdict:
    """Compare the medians. What could not be measured is neither met nor missed."""
    bound = f"{'≤' if line.at_most else '≥'} {line.bound:g}"
    missing = [each for each in (line.one, line.other) if not costs.get(each)]
    if missing:
        return Verdict(line.name, bound, None, None, None, None, f"not measured: {missing[0].place} {missing[0].name}")
    one, other = median(costs[line.one]), median(costs[line.other])
    ratio = one / other if line.at_most else other / one
    return Verdict(line.name, bound, ratio, one, other, ratio <= line.bound if line.at_most else ratio >= line.bound)


def needed(lines: Iterable[Line | Fact]) -> dict[str, list[str]]:
    """Return what has to be done in each place, each thing once, in the order in which it is first named."""
    found: dict[str, list[str]] = {}
    for line in lines:
        for each in (line.one, line.other) if isinstance(line, Line) else (line.holds,):
            names = found.setdefault(each.place, [])
            if each.name not in names:
                names.append(each.name)
    return found
