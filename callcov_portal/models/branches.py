"""Calls in the order of one index, however many there are: conditions that all hold.

Two branches of one shape differ in values alone, so the statement is put together once for a shape. One condition drives a
branch: its index goes on by time. The others are tested row by row, in a way that no planner takes for an invitation to
begin with them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import chain, count
from typing import Any, NamedTuple
from uuid import UUID

from django.db import models
from django.db.models import Exists, Expression, F, Model, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from callcov_portal.models.prepared import Prepared, key, moment, prepared
from callcov_portal.models.recording import Recording
from callcov_portal.models.tally import CallCheck

Key = tuple[datetime, int]  # a call's place in the list: its time and its number
Rows = QuerySet[Any, Any]
How = Callable[[Rows, str, Sequence[Any]], Rows]


class Condition(NamedTuple):
    """What must hold: `how` it is asked, of which column, with which values."""

    how: How
    column: str
    values: tuple[Any, ...]


class Shape(NamedTuple):
    """Everything about a branch but its values: its table, and its conditions with which of their values are NULL."""

    table: type[Model]
    conditions: tuple[tuple[How, str, tuple[bool, ...]], ...]


class Place(Expression):
    """Where the value `at` this position stands in a statement, once or several times: it comes when it is asked."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def resolve_expression(self, *_args: Any, **_options: Any) -> "Place":
        """Return itself: it is the same in every query."""
        return self

    def as_sql(self, _compiler: Any, _connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Stand among the parameters."""
        return "%s", (self,)


@lru_cache(maxsize=4096)
def place(at: int) -> Place:
    """Return the place of the value at this position."""
    return Place(at)


@dataclass(frozen=True)
class Asked:
    """A statement, and the values for its places."""

    statement: Prepared
    values: Sequence[Any]

    @property
    def parameters(self) -> list[Any]:
        """The values where they stand, as the database takes them, between what was written into the statement."""
        return [taken(self.values[each.at]) if isinstance(each, Place) else each for each in self.statement.parameters]

    def rows(self) -> list[Any]:
        """Ask it."""
        return self.statement.rows(self.parameters)


def taken(value: Any) -> Any:
    """Return a value as the driver takes it."""
    if isinstance(value, datetime):
        return moment(value)
    return key(value) if isinstance(value, UUID) else value


# --- How conditions are asked ------------------------------------------------------------------------------------------


def holds(rows: Rows, column: str, values: Sequence[Any]) -> Rows:
    """Return the rows in which a column is as is asked; it may be what an index begins with."""
    return rows.filter(**{column: values[0]})


def known(rows: Rows, column: str, _values: Sequence[Any]) -> Rows:
    """Return the rows in which there is something in a column."""
    return rows.filter(**{f"{column}__isnull": False})


def among(rows: Rows, column: str, values: Sequence[Any]) -> Rows:
    """Return the rows in which a column has one of these values."""
    some = [value for value in values if value is not None]
    name = f"{column}__pk" if rows.model._meta.get_field(column).is_relation else column
    is_null = Q(**{f"{column}__isnull": True}) if len(some) < len(values) else Q()
    return rows.filter(Q(**{f"{name}__in": some}) | is_null if some else is_null)


def fits(rows: Rows, column: str, values: Sequence[Any]) -> Rows:
    """Return the rows in which a column of the call has one of these values; each is looked at, no index is begun with."""
    field: Any = Recording._meta.get_field(column.rpartition("__")[2])
    kind, nothing = KINDS.get(type(getattr(field, "target_field", field)), (models.BigIntegerField, 0))
    tried = Coalesce(F(column), Value(nothing, output_field=kind()), output_field=kind())
    name = f"tested_{len(rows.query.annotations)}"
    found: Rows = rows.alias(**{name: tried})
    return found.filter(**{f"{name}__in": [nothing if value is None else value for value in values]})


# How values of a kind of column are compared, and what stands for NULL among them; the others are whole numbers.
KINDS: dict[type[Any], tuple[type[Any], object]] = {
    models.BooleanField: (models.BooleanField, False),
    models.CharField: (models.CharField, ""),
    models.UUIDField: (models.UUIDField, UUID(int=0)),
}


def any_came_out(rows: Rows, _column: str, outcomes: Sequence[Any]) -> Rows:
    """Return the calls in which any check came out like that."""
    return rows.filter(Exists(CallCheck.objects.filter(recording=OuterRef("pk"), outcome__in=outcomes)))


def came_out(rows: Rows, _column: str, values: Sequence[Any]) -> Rows:
    """Return the calls in which a check, the first of the values, came out like one of the others."""
    check, *outcomes = values
    checks = CallCheck.objects.filter(recording=OuterRef("pk"), check_ref=check, outcome__in=outcomes)
    return rows.filter(Exists(checks))


def older(rows: Rows, number: str, place: Sequence[Any]) -> Rows:
    """Return the rows that come after a place in the list."""
    time, least = place
    return rows.filter(Q(called_at__lte=time) & (Q(called_at__lt=time) | Q(**{f"{number}__lt": least})))


def newer(rows: Rows, number: str, place: Sequence[Any]) -> Rows:
    """Return the rows that come before a place in the list."""
    time, most = place
    return rows.filter(Q(called_at__gte=time) & (Q(called_at__gt=time) | Q(**{f"{number}__gt": most})))


def equal(column: str, value: Any) -> Condition:
    """Return the condition by which a branch is driven: the column's index begins with this value."""
    return Condition(holds, column, (value,))


# --- Branches ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Branch:
    """Calls, or rows of a table about them, in the order of one index.

    One that `is_small` holds at most a thousand, found by their numbers: these are sorted here.
    """

    conditions: tuple[Condition, ...] = ()
    table: type[Model] = Recording
    is_small: bool = False

    def keys(self, most: int, *, before: Key | None = None, after: Key | None = None) -> list[Key]:
        """Return the first places of the calls older than `before`, newest first; with `after`, of the newer ones, oldest first."""
        rows = self.reading(most, before=before, after=after).rows()
        return sorted(rows, reverse=after is None)[:most] if self.is_small else rows

    def reading(self, most: int, *, before: Key | None = None, after: Key | None = None) -> Asked:
        """Return what `keys` asks."""
        shown, number = self, number_in(self.table)
        for how, place_in_list in ((older, before), (newer, after)):
            if place_in_list:
                shown = replace(shown, conditions=(*shown.conditions, Condition(how, number, place_in_list)))
        sign = "" if after else "-"
        order = () if self.is_small else (f"{sign}called_at", f"{sign}{number}")
        return Asked(in_order(shown.shape, order, None if self.is_small else most), shown.values)

    def numbers(self, most: int) -> list[int]:
        """Return the numbers of that many of the calls, whichever are read first."""
        return [number for (number,) in Asked(some_of(self.shape, most), self.values).rows()]

    def count(self, cap: int) -> int:
        """Return how many calls there are; counting stops after `cap`."""
        ((found,),) = Asked(count_of(self.shape, cap + 1), self.values).rows()
        return int(found)

    @property
    def shape(self) -> Shape:
        """What its statements depend on."""
        nulls = ((how, column, tuple([each is None for each in values])) for how, column, values in self.conditions)
        return Shape(self.table, tuple(nulls))

    @property
    def values(self) -> list[Any]:
        """The values of all conditions, one after the other."""
        return list(chain.from_iterable(condition.values for condition in self.conditions))


def number_in(table: type[Model]) -> str:
    """Return the column with the number of the call."""
    return "pk" if table is Recording else "recording_id"


def rows_of(shape: Shape) -> Rows:
    """Return the rows for which all conditions hold, with places for the values."""
    rows: Rows = shape.table._default_manager.order_by()
    at = count()
    for how, column, nulls in shape.conditions:
        rows = how(rows, column, [None if is_null else place(n) for is_null, n in zip(nulls, at, strict=False)])
    return rows


@lru_cache(maxsize=512)
def in_order(shape: Shape, order: tuple[str, ...], most: int | None) -> Prepared:
    """Return the statement that asks for the first keys."""
    return prepared(rows_of(shape).order_by(*order).values_list("called_at", number_in(shape.table))[:most])


@lru_cache(maxsize=512)
def some_of(shape: Shape, most: int) -> Prepared:
    """Return the statement that asks for so many numbers."""
    return prepared(rows_of(shape).values_list(number_in(shape.table))[:most])


@lru_cache(maxsize=512)
def count_of(shape: Shape, most: int) -> Prepared:
    """Return the statement that counts up to so many."""
    some = some_of(shape, most)
    return replace(some, sql=f"SELECT COUNT(*) FROM ({some.sql}) counted", converters=())  # noqa: S608
