"""Statements that are put together once: Django takes longer to write one than a database to obey it.

They are for what every page asks and every result writes; all else is better said in Django's own words.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.sqlite3.base import FORMAT_QMARK_REGEX
from django.db.models import Model, QuerySet

Converter = Callable[[Any], Any]
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Prepared:
    """A statement, the values it was made with, and how columns, by their places, come to be what the models say."""

    sql: str
    parameters: tuple[Any, ...] = ()
    converters: tuple[tuple[int, Converter], ...] = ()
    columns: int = 0  # of one that was put together here

    def rows(self, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Ask it, with these values in the places of the others; there must be as many."""
        found = asked(self.sql, self.parameters if parameters is None else parameters)
        return [self.converted(row) for row in found] if self.converters else found

    def converted(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return a row as the models say."""
        values = list(row)
        for at, convert in self.converters:
            values[at] = convert(values[at])
        return tuple(values)


@dataclass(frozen=True)
class PreparedModels(Generic[M]):
    """A statement whose rows are instances of a model; its columns, by the names of attributes. What is not named is read later."""

    model: type[M]
    names: tuple[str, ...]
    statement: Prepared

    def rows(self, parameters: Sequence[Any]) -> list[M]:
        """Ask it with these values; there must be as many as it was made with, in the order of the statement."""
        return [self.made(row) for row in self.statement.rows(parameters)]

    def made(self, row: tuple[Any, ...]) -> M:
        """Return the instance that a row is."""
        return self.model.from_db(DEFAULT_DB_ALIAS, self.names, row)


class AtOnce:
    """Statements that find a row at most each, asked as one; their columns stand side by side in its only row."""

    def __init__(self, *statements: Prepared) -> None:
        self.statements = statements
        parts = ", ".join(f"({each.sql}) AS part{at}" for at, each in enumerate(statements))
        self.sql = f"SELECT * FROM {parts}"  # noqa: S608

    def found(self, *parameters: Any) -> list[tuple[Any, ...]] | None:
        """Return the row of each, in their order; None where one of them finds nothing. The values are those of all, in order."""
        rows = asked(self.sql, parameters)
        if not rows:
            return None
        left = iter(rows[0])
        return [each.converted(tuple(islice(left, each.columns))) for each in self.statements]


def prepared_models(rows: QuerySet[M], *names: str) -> PreparedModels[M]:
    """Put a query for instances with these columns together, all of them if none is named."""
    fields = [field.attname for field in rows.model._meta.concrete_fields]
    chosen = tuple(name for name in fields if name in names or not names)  # in the order in which a model takes them
    return PreparedModels(rows.model, chosen, prepared(rows.values_list(*chosen)))


def prepared(rows: QuerySet[Any, Any]) -> Prepared:
    """Put a query by `values_list` together, for every connection to come: there is one database."""
    compiler = rows.query.get_compiler(connection=connection)
    sql, parameters = compiler.as_sql()
    converters = compiler.get_converters([column[0] for column in compiler.select])
    return Prepared(
        sql,
        tuple(parameters),
        tuple((at, bound(one, expression)) for at, (some, expression) in converters.items() for one in some),
        len(compiler.select),
    )


class Update:
    """An UPDATE of some columns (`names`, as attributes) of a model where a condition in SQL holds."""

    def __init__(self, model: type[Model], names: Iterable[str], where: str) -> None:
        self.fields = [model._meta.get_field(name) for name in names]
        columns = ", ".join(f"{field.column} = %s" for field in self.fields)  # type: ignore[union-attr]
        self.sql = f"UPDATE {model._meta.db_table} SET {columns} WHERE {where}"  # noqa: S608

    def made(self, values: Iterable[Any], *parameters: Any) -> int:
        """Set the columns to these values, in their order, and return in how many rows; `parameters` are the condition's."""
        plain = (value.pk if isinstance(value, Model) else value for value in values)
        pairs = zip(self.fields, plain, strict=True)
        written = [field.get_db_prep_save(value, connection) for field, value in pairs]  # type: ignore[union-attr]
        return done(self.sql, [*written, *parameters])


def asked(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a query: from SQLite's driver itself where nobody listens, because Django's cursor costs as much as the answer."""
    database = connections[DEFAULT_DB_ALIAS]  # each attribute of `connection` finds its thread's own anew
    driver = database.connection
    if driver is None or database.vendor != "sqlite" or database.execute_wrappers or database.queries_logged:
        with database.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())
    database.validate_no_broken_transaction()
    with database.wrap_database_errors:
        return driver.execute(for_sqlite(sql), parameters).fetchall()  # type: ignore[no-any-return]


@lru_cache(maxsize=256)
def for_sqlite(sql: str) -> str:
    """Return a statement with its places named as SQLite names them."""
    return FORMAT_QMARK_REGEX.sub("?", sql).replace("%%", "%")  # as Django does


def done(sql: str, parameters: Sequence[Any]) -> int:
    """Run a statement, and return how many rows it wrote or removed."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def moment(at: datetime) -> Any:
    """Return a moment as the driver takes it; Django keeps it in SQLite as text in UTC."""
    return at if connection.vendor == "postgresql" else str(at.astimezone(UTC).replace(tzinfo=None))


def moment_in(value: Any) -> datetime | None:
    """Return the moment that SQLite keeps as a text in UTC, which its driver has read already where it is a column's."""
    if value is None:
        return None
    return (value if isinstance(value, datetime) else datetime.fromisoformat(value)).replace(tzinfo=UTC)


def key(one: UUID) -> Any:
    """Return a UUID as the driver takes it."""
    return one if connection.vendor == "postgresql" else one.hex


def bound(convert: Callable[[Any, Any, Any], Any], expression: Any) -> Converter:
    """Return a converter of Django's that needs nothing but the value; of moments, of which a list has a hundred, ours."""
    if convert == getattr(connection.ops, "convert_datetimefield_value", None):
        return moment_in
    return lambda value: convert(value, expression, connection)
