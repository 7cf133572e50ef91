"""Which calls are meant, and how they are read newest first without sorting or scanning, however many there are.

A selection is asked in two ways. `queryset()` is all of its conditions in one query. `branches()` are several queries
that together find the same calls, each read in order out of one index: whoever shows a page takes a few rows of each
and merges them. One condition, or one value of it, drives a branch; the others are tested row by row.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import product
from typing import Any

from django.db.models import Q, QuerySet

from callcov_portal.models.branches import Branch, Condition, among, any_came_out, came_out, equal, fits, holds, known
from callcov_portal.models.lookup import Found, find
from callcov_portal.models.prepared import asked
from callcov_portal.models.recording import Recording, band_of
from callcov_portal.models.tally import CallCheck, Check

CAP = 1000  # where counting stops
MOST_AGENTS = 30  # of more, the newest calls of all are looked through: some of them will be theirs
BEFORE_STATE = ("agent", "verdict")  # columns that stand before the state in an index
# What must be said with these columns, so that an index is seen to be meant that holds some rows only.
ON_PART: dict[tuple[str, ...], tuple[Condition, ...]] = {("verdict", "state"): (Condition(known, "reviewed_at", ()),)}


@dataclass(frozen=True)
class Choice:
    """One column with the values it may have; None is for NULL. The column leads an index that goes on by time."""

    column: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Selection:
    """Conditions that all hold. Times are from `since` on and before `until`; lengths in seconds, both ends included.

    `check` came out in one of `outcomes`; without `check` any check did. `numbers` are the only calls that are meant.
    """

    choices: tuple[Choice, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    shortest: float | None = None
    longest: float | None = None
    check: str = ""
    outcomes: tuple[str, ...] = ()
    text: str = ""
    numbers: tuple[int, ...] | None = None
    nothing: bool = field(default=False)  # a condition names what is not there

    def queryset(self, calls: QuerySet[Recording]) -> QuerySet[Recording]:
        """Return those of these calls that are meant, in one query."""
        if self.nothing:
            return calls.none()
        if self.numbers is not None:
            calls = calls.filter(pk__in=self.numbers)
        if self.text:
            found = self.found
            calls = calls.filter(Q(pk__in=found.numbers) | Q(agent__in=found.agents) | Q(contact__in=found.contacts))
        for how, column, values in (*map(one_of, self.choices), *self.came_out, *self.limits()):
            calls = how(calls, column, values)
        return calls

    def branches(self) -> list[Branch]:
        """Return what together finds the calls that are meant, each in order; none may be shown twice."""
        if self.nothing:
            return []
        if self.text:
            return list(self.by_text())
        if self.numbers is not None:
            return [self.branch()]
        if self.check:
            return [self.by_check(outcome) for outcome in self.outcomes]
        drivers = self.drivers()
        columns = [choice.column for choice in drivers]
        partly = ON_PART.get(tuple(columns), ())
        return [
            self.branch(*map(equal, columns, values), *partly, besides=columns)
            for values in product(*(choice.values for choice in drivers))
        ]

    def branch(self, *driving: Condition, besides: Collection[str] = (), is_small: bool = False) -> Branch:
        """Return the calls for which these conditions hold; every choice `besides` some columns is tested row by row."""
        named = () if self.numbers is None else (Condition(among, "id", self.numbers),)
        conditions = (*named, *driving, *self.tested(besides), *self.came_out, *self.limits())
        return Branch(conditions, is_small=is_small or bool(named))

    def tested(self, besides: Collection[str], way: str = "") -> Iterator[Condition]:
        """Yield the choices besides some columns, as conditions on the call that is reached by `way`."""
        for choice in self.choices:
            if choice.column not in besides:
                yield Condition(fits, f"{way}{choice.column}", choice.values)

    def limits(self, way: str = "") -> Iterator[Condition]:
        """Yield the conditions on the times and the lengths."""
        limits = {
            "called_at__gte": self.since,
            "called_at__lt": self.until,
            f"{way}duration_seconds__gte": self.shortest,
            f"{way}duration_seconds__lte": self.longest,
        }
        return (Condition(holds, name, (limit,)) for name, limit in limits.items() if limit is not None)

    @cached_property
    def came_out(self) -> tuple[Condition, ...]:
        """The condition that the check, or any, came out as is asked; for a query that begins elsewhere."""
        if not self.outcomes:
            return ()
        if self.check:
            return (Condition(came_out, "", (self.check_row, *self.outcomes)),)
        return (Condition(any_came_out, "", self.outcomes),)

    @cached_property
    def check_row(self) -> int | None:
        """The check's row, None if no call was ever checked by it."""
        return Check.objects.filter(check_id=self.check).values_list("pk", flat=True).first()

    def by_check(self, outcome: str) -> Branch:
        """Return the calls in which the check came out in one way, in the order of what was counted."""
        driving = [equal("check_ref", self.check_row), equal("outcome", outcome)]
        agents = [choice.values[0] for choice in self.choices if choice.column == "agent" and len(choice.values) == 1]
        driving += [equal("agent", agent) for agent in agents]
        way = "recording__"
        rest = (*self.tested(["agent"] if agents else [], way), *self.limits(way))
        return Branch((*driving, *rest), CallCheck)

    def drivers(self) -> tuple[Choice, ...]:
        """Return the choices by whose index the calls are read: of several those that leave fewest calls.

        Counting stops early, so this is quick; where all leave many, the first, and some of each will be shown soon.
        """
        candidates = self.candidates()
        if len(candidates) < 2:
            return candidates[0] if candidates else ()
        return min(candidates, key=self.left_by)

    def candidates(self) -> list[tuple[Choice, ...]]:
        """Return the choices that have an index: each alone, or together with the state; of many agents none is read alone."""
        by_column = {choice.column: choice for choice in self.choices}
        if "agent" in by_column and len(by_column["agent"].values) > MOST_AGENTS:
            del by_column["agent"]
        state = by_column.get("state")
        firsts = (choice for column, choice in by_column.items() if column in BEFORE_STATE and "" not in choice.values)
        pairs = [(first, state) for first in firsts if state and len(first.values) * len(state.values) <= MOST_AGENTS]
        paired = {choice.column for pair in pairs for choice in pair}
        return [*pairs, *((choice,) for column, choice in by_column.items() if column not in paired)]

    def left_by(self, drivers: tuple[Choice, ...]) -> int:
        """Return how many calls these choices alone leave, at most one more than `CAP`."""
        partly = ON_PART.get(tuple(choice.column for choice in drivers), ())
        within = Selection(since=self.since, until=self.until).limits()
        return Branch((*map(one_of, drivers), *partly, *within)).count(CAP)

    @cached_property
    def found(self) -> Found:
        """What the text finds."""
        return find(self.text)

    def by_text(self) -> Iterator[Branch]:
        """Yield the calls that the text finds: by number, by agent, by contact."""
        if self.found.numbers:
            yield self.branch(Condition(among, "id", tuple(self.found.numbers)), is_small=True)
        if len(self.found.agents) > MOST_AGENTS:
            yield replace(self, text="", choices=(*self.choices, Choice("agent", self.found.agents))).branch()
        else:
            yield from (self.branch(equal("agent", agent)) for agent in self.found.agents)
        yield from (self.branch(equal("contact", contact)) for contact in self.found.contacts)


def one_of(choice: Choice) -> Condition:
    """Return a choice as a query asks it that begins wherever it likes."""
    return Condition(among, choice.column, choice.values)


def capped_counts(choices: Sequence[Choice]) -> list[int]:
    """Return how many calls there are of each choice, each at most one more than `CAP`; one query, each from an index."""
    if not choices:
        return []
    sql, values = counting(tuple(choices), CAP)
    return list(asked(sql, values)[0])


@lru_cache(maxsize=64)
def counting(choices: tuple[Choice, ...], cap: int) -> tuple[str, list[Any]]:
    """Return the statement that counts, with its parameters: put together once, as the choices are mostly the same."""
    parts: list[str] = []
    values: list[Any] = []
    for at, choice in enumerate(choices):
        some = among(Recording.objects.order_by(), choice.column, choice.values).values_list("pk")[: cap + 1]
        sql, parameters = some.query.sql_with_params()
        parts.append(f"(SELECT COUNT(*) FROM ({sql}) some{at})")  # noqa: S608
        values += parameters
    return f"SELECT {', '.join(parts)}", values


def of_length(shortest: float | None, longest: float | None) -> Choice | None:
    """Return the bands of length in which calls of that many seconds lie, None if no length is between the two."""
    bands = tuple(range(band_of(shortest or 0), band_of(longest) + 1))
    return Choice("length_band", bands) if bands else None
