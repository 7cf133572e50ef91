"""What somebody wants to have: a table, its columns, a format, and of which calls."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from callcov_portal import __version__
from callcov_portal.exports.archive import write_archive
from callcov_portal.exports.columns import Column
from callcov_portal.exports.formats import CSV, FORMATS, JSONL, XLSX, ZIP, Format, csv_of, jsonl_of
from callcov_portal.exports.table import Table, Tally
from callcov_portal.exports.tables import TABLES
from callcov_portal.exports.workbook import write_workbook
from callcov_portal.models import Recording


class NotPossible(Exception):
    """There is no such export; says in one sentence what there is."""


@dataclass(frozen=True)
class Wish:
    """A table with columns in a format. `filters` is the query string that chose the calls, for the manifest.

    `mark` puts a byte order mark before CSV.
    """

    table: Table
    columns: tuple[Column, ...]
    format: Format
    filters: str = ""
    mark: bool = False
    unmasked: bool = False

    def of(self, filters: str) -> "Wish":
        """Return the same wish of the calls that a query string chose."""
        return replace(self, filters=filters)

    @property
    def keys(self) -> list[str]:
        """The keys of the columns, in their order."""
        return [column.key for column in self.columns]

    @property
    def file_name(self) -> str:
        """What a file of it is called today."""
        by_agent = "-by-agent" if self.format is ZIP else ""
        return f"{self.table.name}{by_agent}-{timezone.localdate().isoformat()}.{self.format.suffix}"

    def chunks(self, recordings: QuerySet[Recording], tally: Tally) -> Iterator[bytes]:
        """Yield the bytes of a format that streams."""
        if self.format is JSONL:
            return jsonl_of(self.table, recordings, self.columns, tally, unmasked=self.unmasked)
        return csv_of(self.table, recordings, self.columns, tally, mark=self.mark, unmasked=self.unmasked)

    def write(self, path: Path, recordings: QuerySet[Recording], tally: Tally, about: dict[str, Any]) -> None:
        """Write the file; an archive holds a manifest that begins with `about`."""
        if self.format is XLSX:
            write_workbook(path, self.table, recordings, self.columns, tally, unmasked=self.unmasked)
        elif self.format is ZIP:
            told = {"manifest": lambda done: about | self.manifest(done)}
            write_archive(
                path, self.table, recordings, self.columns, tally, mark=self.mark, unmasked=self.unmasked, **told
            )
        else:
            with path.open("wb") as file:
                file.writelines(self.chunks(recordings, tally))

    def manifest(self, tally: Tally, made_at: datetime | None = None) -> dict[str, Any]:
        """Return what anybody needs to know who wants to rely on a file of it, but for its size and hash."""
        return {
            "table": self.table.name,
            "format": self.format.name,
            "columns": self.keys,
            "filters": self.filters,
            "rows": tally.rows,
            "sensitive_data": "shown" if self.unmasked else "masked",
            "byte_order_mark": self.mark,
            "time_zone": timezone.get_default_timezone_name(),
            "made_at": timezone.localtime(made_at).isoformat(timespec="seconds"),
            "software": f"callcov-portal {__version__}",
            "rule_versions": sorted(tally.rules),
        }


def wish_for(
    table: str, format_: str = CSV.name, columns: Sequence[str] = (), *, mark: bool = False, unmasked: bool = False
) -> Wish:
    """Return the wish that these names say, all columns for none; raises `NotPossible` for a name that is none."""
    chosen, form = TABLES.get(table), FORMATS.get(format_)
    if chosen is None:
        raise NotPossible(f"There is no table {table}: take {', '.join(TABLES)}.")
    if form is None:
        raise NotPossible(f"There is no format {format_}: take {', '.join(FORMATS)}.")
    if form is ZIP and not chosen.has_agent:
        raise NotPossible("Agent summaries have one row for each agent: take another format than one file per agent.")
    try:
        return Wish(chosen, chosen.named(tuple(columns)), form, mark=mark, unmasked=unmasked)
    except KeyError as error:
        known = ", ".join(column.key for column in chosen.columns)
        raise NotPossible(f"The table {table} has no column {error.args[0]}; it has {known}.") from error
