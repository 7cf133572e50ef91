"""Writing very many rows: executemany on SQLite, COPY on PostgreSQL, with the values as the database takes them."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection, models
from django.utils import timezone

from callcov_portal.models.prepared import moment

Row = Sequence[Any]
ROOM_KIB = 65_536


class Table:
    """A table of which rows are written by some columns (`names`, as attributes); the others get their defaults.

    So a column that is added to a model needs no word here; one that the database makes itself is left to it.
    """

    def __init__(self, model: type[models.Model], *names: str) -> None:
        given = [model._meta.get_field(name) for name in names]
        others = [
            field
            for field in model._meta.concrete_fields
            if field not in given and not field.generated and not isinstance(field, models.AutoField)
        ]
        self.name = model._meta.db_table
        self.columns = [str(field.column) for field in (*given, *others)]  # type: ignore[union-attr]
        self.defaults = tuple(default_of(field) for field in others)

    def write(self, rows: Iterable[Row]) -> None:
        """Write the rows, in the caller's transaction; values are those of the columns named, in their order."""
        defaults = self.defaults
        whole = (tuple(row) + defaults for row in rows) if defaults else rows
        WRITERS[connection.vendor](self.name, self.columns, whole)


def default_of(field: "models.Field[Any, Any]") -> Any:
    """Return what a column holds of which nothing is said; times that are set by themselves are now."""
    if getattr(field, "auto_now_add", False) or getattr(field, "auto_now", False):
        return moment(timezone.now())
    return field.get_db_prep_save(field.get_default(), connection)


def write_sqlite(table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows by one prepared statement."""
    places = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        statement = f"INSERT INTO {table} ({', '.join(quoted(columns))}) VALUES ({places})"  # noqa: S608
        cursor.executemany(statement, rows)  # type: ignore[arg-type]  # SQLite takes an iterator


def write_postgresql(table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows by COPY."""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(quoted(columns))}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


WRITERS: dict[str, Callable[[str, Sequence[str], Iterable[Row]], None]] = {
    "sqlite": write_sqlite,
    "postgresql": write_postgresql,
}


def quoted(columns: Iterable[str]) -> list[str]:
    """Return the names of columns as SQL takes them: `end` is a word of its own there."""
    return [connection.ops.quote_name(column) for column in columns]


def make_room() -> None:
    """Let SQLite hold the pages of a large transaction in memory; else it writes many of them more than once."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size = -{ROOM_KIB}")


def numbers(model: type[models.Model], count: int) -> list[int]:
    """Take so many numbers for new rows, in the caller's transaction; nobody else gets them, before or after."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
            )
            return [number for (number,) in cursor.fetchall()]
        # The transaction is IMMEDIATE: nobody else writes until the rows are there.
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
    first = (row[0] if row else 0) + 1
    return list(range(first, first + count))


def batches(items: Iterable[Any], size: int) -> Iterable[list[Any]]:
    """Yield the items in lists of a size; the last may be shorter."""
    source = iter(items)
    while batch := list(itertools.islice(source, size)):
        yield batch
