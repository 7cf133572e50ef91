"""Queries that are put together once: for what every page asks Django writes the statement longer than a database answers it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

Converter = Callable[[Any], Any]


@dataclass(frozen=True)
class Prepared:
    """A statement, the values it was made with, and how the columns come to be what the models say, by their places."""

    sql: str
    parameters: tuple[Any, ...]
    converters: Mapping[int, Sequence[Converter]]

    def rows(self, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Ask it, with these values in the places of the others; there must be as many."""
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self.parameters if parameters is None else parameters)
            found = cursor.fetchall()
        return [self.converted(row) for row in found] if self.converters else found

    def converted(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return a row as the models say."""
        values = list(row)
        for at, converters in self.converters.items():
            for convert in converters:
                values[at] = convert(values[at])
        return tuple(values)


def prepared(rows: QuerySet[Any, Any]) -> Prepared:
    """Put a query by `values_list` together, for every connection to come: there is one database."""
    compiler = rows.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    converters = compiler.get_converters([column[0] for column in compiler.select])
    return Prepared(
        sql,
        tuple(parameters),
        {at: [bound(convert, expression) for convert in some] for at, (some, expression) in converters.items()},
    )


def bound(convert: Callable[[Any, Any, Any], Any], expression: Any) -> Converter:
    """Return a converter of Django's that needs nothing but the value."""
    return lambda value: convert(value, expression, connection)
