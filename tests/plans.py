"""How SQLite means to answer a question."""

from collections.abc import Sequence
from typing import Any

from django.db import connection


def plan_of(sql: str, parameters: Sequence[Any] | None = None) -> list[str]:
    """Return the steps that SQLite would take; `sql` without parameters is one with its values written out."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
        return [step for *_, step in cursor.fetchall()]
