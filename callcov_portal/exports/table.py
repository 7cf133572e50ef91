"""A table is a name and columns, and a way to read its rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from callcov_portal.exports.cells import plain
from callcov_portal.exports.columns import Column, Kind
from callcov_portal.exports.reading import (
    Batch,
    Columns,
    Scan,
    batches,
    columns_of,
    hide,
    moments,
    pages,
    raw,
    selected,
)
from callcov_portal.models import Recording, State

OF_FINDING = {"_analysis": "analysis", "_check": "check_id"}  # what hiding wants to know
OF_CALL: dict[str, Any] = {"_called_at": "called_at", "_pk": "pk"}  # the first two, as `pages` wants them
OF_ANALYSIS = {"_state": "state", "_rules": "current_analysis__rules"}


@dataclass
class Tally:
    """What went by: how many rows, and by which rules their calls were checked. `told` hears of each batch."""

    rows: int = 0
    rules: set[str] = field(default_factory=set)
    told: Callable[["Tally"], None] | None = None

    def add(self, rows: int, rules: set[str]) -> None:
        """Count a batch."""
        self.rows += rows
        self.rules |= rules - {""}
        if self.told:
            self.told(self)


@dataclass(frozen=True)
class Table:
    """Rows that can be downloaded.

    `of` gives the rows that belong to a batch of calls, in the order of the calls; without it the rows are the calls.
    `batch` is for how many calls rows are held in memory at a time. `counted` says how many rows some calls make.
    """

    name: str
    heading: str
    columns: tuple[Column, ...]
    of: Callable[[Batch], QuerySet[Any]] | None
    batch: int
    counted: Callable[[QuerySet[Recording]], int]
    scan: Scan = batches
    has_agent: bool = True  # whether its rows can be told apart by agent into files

    def named(self, keys: list[str] | tuple[str, ...]) -> tuple[Column, ...]:
        """Return the columns of these keys in their order, each once, all for none; raises `KeyError` for another key."""
        by_key = {column.key: column for column in self.columns}
        return tuple(by_key[key] for key in dict.fromkeys(keys)) or self.columns

    def rows(
        self, recordings: QuerySet[Recording], columns: tuple[Column, ...] = (), *, unmasked: bool = False
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of these recordings, newest call first, as plain values of the columns' kinds."""
        for block in self.blocks(recordings, columns, Tally(), unmasked=unmasked):
            yield from zip(*block, strict=True)

    def blocks(
        self, recordings: QuerySet[Recording], columns: tuple[Column, ...], tally: Tally, *, unmasked: bool = False
    ) -> Iterator[Columns]:
        """Yield what `rows` yields, in batches, each as the sequences of its columns' values; memory is constant.

        Texts and numbers are as they are, times ISO 8601 with their zone, None where there is nothing. Sensitive data
        is hidden unless `unmasked`.
        """
        columns = columns or self.columns
        finish = plain(column.kind for column in columns)

        def finished(block: Columns) -> Columns:
            return [done(values) for done, values in zip(finish, block, strict=True)]

        yield from map(finished, self.read(recordings, columns, tally, unmasked=unmasked))

    def read(
        self, recordings: QuerySet[Recording], columns: tuple[Column, ...], tally: Tally, *, unmasked: bool
    ) -> Iterator[Columns]:
        """Yield the batches as the database driver gives them, sensitive data hidden unless `unmasked`."""
        sources = {column.key: source_of(column, unmasked=unmasked) for column in columns}
        if self.of is None:
            # Rows that tell nothing of the analysis need not be joined with it: that costs as much as all the rest.
            judged = any(tells_of_analysis(column, unmasked=unmasked) for column in columns)
            wanted = OF_CALL | (OF_ANALYSIS if judged else {}) | sources | {"_called_at": moments("called_at")}
            for page in pages(recordings, wanted, self.batch):
                values = columns_of(page, wanted)
                tally.add(len(page), rules_in(values) if judged else set())
                yield [values[column.key] for column in columns]
            return
        spoken = [column for column in columns if column.is_spoken and not unmasked]
        wanted = sources | (OF_FINDING if spoken else {})
        for batch in self.scan(recordings, self.batch):
            if rows := raw(selected(self.of(batch), wanted)):
                values = columns_of(rows, wanted)
                if spoken:
                    hide(values, spoken, batch)
                tally.add(len(rows), batch.rules)
                yield [values[column.key] for column in columns]


def rules_in(values: dict[str, Any]) -> set[str]:
    """Return by which rules the completed ones of some calls were checked."""
    judged = set(zip(values["_rules"], values["_state"], strict=True))
    return {rules for rules, state in judged if state == State.COMPLETED}


def source_of(column: Column, *, unmasked: bool) -> Any:
    """Return what is selected for a column."""
    source = named_source_of(column, unmasked=unmasked)
    return moments(source) if column.kind is Kind.TIME and isinstance(source, str) else source


def named_source_of(column: Column, *, unmasked: bool) -> Any:
    """Return the path or expression that a column is defined with."""
    return column.source if unmasked else column.masked or column.source


def tells_of_analysis(column: Column, *, unmasked: bool) -> bool:
    """Say whether a column of calls may need their analyses; paths that begin elsewhere do not."""
    source = named_source_of(column, unmasked=unmasked)
    return not isinstance(source, str) or source.startswith("current_analysis")
