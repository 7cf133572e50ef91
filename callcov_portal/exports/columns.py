"""What a column is: one definition for every format."""

from dataclasses import dataclass
from enum import Enum

from django.db.models.expressions import Combinable


class Kind(Enum):
    """What a column holds, by which each format writes it."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"
    ID = "id"  # a UUID


@dataclass(frozen=True)
class Column:
    """One column. `key` never changes: it is what readers of a file rely on; `heading` is for people.

    `source` is a path of the ORM from the table's rows, or an expression over them. Where words of the call stand in
    it, `masked` is the source without sensitive data, or `is_spoken` says that secrets of the call must be hidden.
    """

    key: str
    heading: str
    source: str | Combinable
    kind: Kind = Kind.TEXT
    masked: Combinable | None = None
    is_spoken: bool = False
