"""Which calls are meant, and how they are read newest first without sorting or scanning, however many there are.

A selection is asked in two ways. `queryset()` is all of its conditions in one query. `branches()` are several queries
that together find the same calls, each read in order out of one index: whoever shows a page takes a few rows of each
and merges them. One condition, or one value of it, drives a branch; the others are tested row by row, in a way that no
planner takes for an invitation to begin with them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import product
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from callcov_portal.models.lookup import Found, find
from callcov_portal.models.recording import Recording, band_of
from callcov_portal.models.tally import CallCheck, Check

CAP = 1000  # where counting stops
MOST_AGENTS = 30  # of more, the newest calls of all are looked through: some of them will be theirs

# How the values of a column are compared, by their type, and what stands for NULL among them.
KINDS: dict[type, tuple[Any, Any]] = {
    bool: (models.BooleanField, 0),
    str: (models.CharField, ""),
    UUID: (models.UUIDField, UUID(int=0)),
}

Key = tuple[datetime, int]  # a call's place in the list: its time and its number


@dataclass(frozen=True)
class Choice:
    """One column with the values it may have; None is for NULL. The column leads an index that goes on by time."""

    column: str
    values: tuple[Any, ...]

    def plainly(self) -> Q:
        """Return the condition as any query asks it."""
        return condition_on(self.column, self.values)

    def tested(self, rows: QuerySet[Any], way: str = "") -> QuerySet[Any]:
        """Return the rows for whose calls, reached by `way`, it holds; each is looked at, and no index is begun with."""
        kind, nothing = KINDS.get(type(self.values[0]), (models.BigIntegerField, 0))
        column = Coalesce(F(f"{way}{self.column}"), Value(nothing, output_field=kind()), output_field=kind())
        alias = f"tested_{self.column}_{len(rows.query.annotations)}"
        values = [nothing if value is None else value for value in self.values]
        found: QuerySet[Any] = rows.alias(**{alias: column}).filter(**{f"{alias}__in": values})
        return found


@dataclass(frozen=True)
class Branch:
    """Calls, or rows of a table about them, that come in order out of one index; `number` names the column of the call.

    One that `is_small` holds at most a thousand, found by their numbers: these are sorted here.
    """

    calls: QuerySet[Any]
    number: str = "pk"
    is_small: bool = False

    def rows(self, *, before: Key | None = None, after: Key | None = None) -> QuerySet[Any, Key]:
        """Return the places of the calls older than `before`, newest first; with `after`, of the newer ones, oldest first."""
        rows, time, number = self.calls, "called_at", self.number
        if before:
            older = Q(**{f"{time}__lt": before[0]}) | Q(**{f"{number}__lt": before[1]})
            rows = rows.filter(Q(**{f"{time}__lte": before[0]}) & older)
        if after:
            newer = Q(**{f"{time}__gt": after[0]}) | Q(**{f"{number}__gt": after[1]})
            rows = rows.filter(Q(**{f"{time}__gte": after[0]}) & newer)
        order = () if self.is_small else (time, number) if after else (f"-{time}", f"-{number}")
        return rows.order_by(*order).values_list(time, number)

    def keys(self, most: int, *, before: Key | None = None, after: Key | None = None) -> list[Key]:
        """Return the first of these places."""
        rows = self.rows(before=before, after=after)
        if self.is_small:
            return sorted(rows, reverse=after is None)[:most]
        return list(rows[:most])

    def numbers(self, most: int) -> list[int]:
        """Return the numbers of that many of the calls, whichever are read first."""
        return list(self.calls.order_by().values_list(self.number, flat=True)[:most])

    def count(self, cap: int) -> int:
        """Return how many calls there are; counting stops after `cap`."""
        return self.calls.order_by()[: cap + 1].count()


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
        for choice in self.choices:
            calls = calls.filter(choice.plainly())
        if self.numbers is not None:
            calls = calls.filter(pk__in=self.numbers)
        if self.text:
            found = self.found
            calls = calls.filter(Q(pk__in=found.numbers) | Q(agent__in=found.agents) | Q(contact__in=found.contacts))
        return self.with_rest(calls.filter(self.came_out) if self.outcomes else calls)

    def branches(self) -> list[Branch]:
        """Return what together finds the calls that are meant, each in order; none may be shown twice."""
        if self.nothing:
            return []
        if self.numbers is not None:
            return [Branch(self.queryset(Recording.objects.all()), is_small=True)]
        if self.text:
            return list(self.by_text())
        if self.check:
            return [self.by_check(outcome) for outcome in self.outcomes]
        drivers = self.drivers()
        columns = [choice.column for choice in drivers]
        alternatives = product(*(choice.values for choice in drivers))
        return [self.branch(dict(zip(columns, values, strict=True)), columns) for values in alternatives]

    def branch(self, by: Mapping[str, Any], columns: Sequence[str], *, is_small: bool = False) -> Branch:
        """Return the calls whose columns have these values; every condition on another column is tested row by row."""
        calls = Recording.objects.filter(*(condition_on(column, many_of(value)) for column, value in by.items()))
        tested = self.tested(calls, columns)
        rest = self.with_rest(tested.filter(self.came_out) if self.outcomes else tested)
        return Branch(rest, is_small=is_small)

    def tested(self, rows: QuerySet[Any], besides: Sequence[str], way: str = "") -> QuerySet[Any]:
        """Return the rows for whose calls all choices hold but those that drive."""
        for choice in self.choices:
            if choice.column not in besides:
                rows = choice.tested(rows, way)
        return rows

    def with_rest(self, rows: QuerySet[Any], way: str = "") -> QuerySet[Any]:
        """Return the rows for whose calls also hold the times and the lengths."""
        limits = {
            "called_at__gte": self.since,
            "called_at__lt": self.until,
            f"{way}duration_seconds__gte": self.shortest,
            f"{way}duration_seconds__lte": self.longest,
        }
        rows = rows.none() if self.nothing else rows
        return rows.filter(**{name: limit for name, limit in limits.items() if limit is not None})

    @cached_property
    def came_out(self) -> Q:
        """The condition that the check, or any, came out as is asked; for a query that begins elsewhere."""
        checks = CallCheck.objects.filter(recording=OuterRef("pk"), outcome__in=self.outcomes)
        return Q(Exists(checks.filter(check_ref=self.check_row) if self.check else checks))

    @cached_property
    def check_row(self) -> int | None:
        """The check's row, None if no call was ever checked by it."""
        return Check.objects.filter(check_id=self.check).values_list("pk", flat=True).first()

    def by_check(self, outcome: str) -> Branch:
        """Return the calls in which the check came out in one way, in the order of what was counted."""
        rows = CallCheck.objects.filter(check_ref=self.check_row, outcome=outcome)
        driving = [choice for choice in self.choices if choice.column == "agent" and len(choice.values) == 1]
        for choice in driving:
            rows = rows.filter(agent=choice.values[0])
        rows = self.tested(rows, ["agent"] if driving else [], "recording__")
        return Branch(self.with_rest(rows, "recording__"), "recording_id")

    def drivers(self) -> tuple[Choice, ...]:
        """Return the choices by whose index the calls are read: of several those that leave fewest calls.

        Counting stops early, so this is quick; where all leave many, the first, and some of each will be shown soon.
        """
        candidates = self.candidates()
        if len(candidates) < 2:
            return candidates[0] if candidates else ()
        return min(candidates, key=self.left_by)

    def candidates(self) -> list[tuple[Choice, ...]]:
        """Return the choices that have an index: each alone, agent and state together; of many agents none is read alone."""
        by_column = {choice.column: choice for choice in self.choices}
        agents, states = by_column.pop("agent", None), by_column.get("state")
        alone: list[tuple[Choice, ...]] = [(choice,) for choice in by_column.values()]
        if agents is None or len(agents.values) > MOST_AGENTS:
            return alone
        if states is None or len(agents.values) * len(states.values) > MOST_AGENTS:
            return [(agents,), *alone]
        return [(agents, states), *(others for others in alone if others != (states,))]

    def left_by(self, drivers: tuple[Choice, ...]) -> int:
        """Return how many calls these choices alone leave, at most one more than `CAP`."""
        alone = replace(Selection(since=self.since, until=self.until), choices=drivers)
        calls = alone.queryset(Recording.objects.all())
        return calls.order_by()[: CAP + 1].count()

    @cached_property
    def found(self) -> Found:
        """What the text finds."""
        return find(self.text)

    def by_text(self) -> Iterator[Branch]:
        """Yield the calls that the text finds: by number, by agent, by contact."""
        if self.found.numbers:
            yield self.branch({"pk": self.found.numbers}, (), is_small=True)
        if len(self.found.agents) > MOST_AGENTS:
            yield replace(self, text="", choices=(*self.choices, Choice("agent", self.found.agents))).branch({}, ())
        else:
            yield from (self.branch({"agent": agent}, ()) for agent in self.found.agents)
        yield from (self.branch({"contact": contact}, ()) for contact in self.found.contacts)


def condition_on(column: str, values: Collection[Any]) -> Q:
    """Return the condition that a column has one of these values; None is for NULL.

    With IN also for one: what is true Django asks for without a comparison, and SQLite then sees nothing to look up.
    """
    some = [value for value in values if value is not None]
    is_null = Q(**{f"{column}__isnull": True}) if None in values else Q()
    return Q(**{f"{column}__in": some}) | is_null if some else is_null


def many_of(value: Any) -> Collection[Any]:
    """Return one value, or several, as several."""
    return value if isinstance(value, tuple | frozenset) else (value,)


def capped_counts(choices: Sequence[Choice]) -> list[int]:
    """Return how many calls there are of each choice, each at most one more than `CAP`; one query, each from an index."""
    sql, values = counting(tuple(choices), CAP)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchone())


@lru_cache(maxsize=8)
def counting(choices: tuple[Choice, ...], cap: int) -> tuple[str, list[Any]]:
    """Return the statement that counts, with its parameters: put together once, as the choices are always the same."""
    parts: list[str] = []
    values: list[Any] = []
    for at, choice in enumerate(choices):
        some = Recording.objects.filter(choice.plainly()).order_by().values_list("pk")[: cap + 1]
        sql, parameters = some.query.sql_with_params()
        parts.append(f"(SELECT COUNT(*) FROM ({sql}) some{at})")  # noqa: S608
        values += parameters
    return f"SELECT {', '.join(parts)}", values


def of_length(shortest: float | None, longest: float | None) -> Choice | None:
    """Return the bands of length in which calls of that many seconds lie, None if no length is between the two."""
    bands = tuple(range(band_of(shortest or 0), band_of(longest) + 1))
    return Choice("length_band", bands) if bands else None
