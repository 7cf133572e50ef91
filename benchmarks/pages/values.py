"""What is measured, what is asked of it, and what came of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

SMALL, MIDDLE, LARGE = "1000", "100000", "largest"
"""The databases, by how many calls they hold; how many the largest has is asked for."""
MILLION = "1000000"
MS, MIB = "", "MiB"
"""Units of a line: CPU milliseconds, or memory."""
ADMIN, DATASETTE, SERVERS = "admin", "datasette", "servers"
"""The peers; admin (with django-import-export) and Datasette work on the largest database there is."""
SEARCH, SEARCH_POSTGRES = "search", "search on PostgreSQL"
"""Databases of their own, with words of which is known where they are."""


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
    unit: str = MS

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What has to be measured."""
        return self.one, self.other


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound in milliseconds on what the dearest of some things costs by itself."""

    name: str
    measures: tuple[Measure, ...]
    bound: float


@dataclass(frozen=True, slots=True)
class Spread:
    """A bound on how many times the dearest of some things costs what the cheapest costs."""

    name: str
    measures: tuple[Measure, ...]
    bound: float


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that must simply hold."""

    name: str
    holds: Measure

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What has to be looked at."""
        return (self.holds,)


Asked = Line | Limit | Spread | Fact
Costs = Mapping[Measure, list[float]]
"""CPU seconds of each round; of a line with another unit, that."""


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
    unit: str = MS


def judge(line: Line | Limit | Spread, costs: Costs) -> Verdict:
    """Take the median of what its rounds say: of a line the ratios of each round, else the costs.

    What could not be measured is neither met nor missed.
    """
    missing = [each for each in line.measures if not costs.get(each)]
    if missing:
        note = f"not measured: {missing[0].place} {missing[0].name}"
        return Verdict(line.name, bound_of(line), None, None, None, None, note)
    found = [median(costs[each]) for each in line.measures]
    if isinstance(line, Limit):
        return Verdict(line.name, bound_of(line), None, max(found), None, 1000 * max(found) <= line.bound)
    if isinstance(line, Spread):
        ratio = max(found) / min(found)
        return Verdict(line.name, bound_of(line), ratio, max(found), min(found), ratio <= line.bound)
    pairs = zip(costs[line.one], costs[line.other], strict=False)
    ratio = median(one / other if line.at_most else other / one for one, other in pairs)
    is_met = ratio <= line.bound if line.at_most else ratio >= line.bound
    return Verdict(line.name, bound_of(line), ratio, found[0], found[1], is_met, unit=line.unit)


def bound_of(line: Line | Limit | Spread) -> str:
    """Return what is asked of a line."""
    sign = "≥" if isinstance(line, Line) and not line.at_most else "≤"
    return f"{sign} {line.bound:g}{' ms' if isinstance(line, Limit) else ''}"


def needed(lines: Iterable[Asked]) -> dict[str, list[str]]:
    """Return what has to be done in each place, each thing once, in the order in which it is first named."""
    found: dict[str, list[str]] = {}
    for line in lines:
        for each in line.measures:
            names = found.setdefault(each.place, [])
            if each.name not in names:
                names.append(each.name)
    return found
