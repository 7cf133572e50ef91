"""What a table can be written as. CSV and JSON Lines stream; a workbook and an archive are made as files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from django.db.models import QuerySet

from callcov_portal.exports import quoting
from callcov_portal.exports.columns import Column
from callcov_portal.exports.table import Table, Tally
from callcov_portal.models import Recording

BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Format:
    """A way to write a table. What `streams` is sent while it is read; anything else is made first."""

    name: str
    label: str
    suffix: str
    mime: str
    streams: bool


CSV = Format("csv", "CSV", "csv", "text/csv; charset=utf-8", streams=True)
JSONL = Format("jsonl", "JSON Lines", "jsonl", "application/jsonl; charset=utf-8", streams=True)
XLSX = Format(
    "xlsx", "Excel (XLSX)", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", streams=False
)
ZIP = Format("zip", "ZIP, one CSV per agent", "zip", "application/zip", streams=False)
FORMATS = {one.name: one for one in (CSV, JSONL, XLSX, ZIP)}


def csv_of(
    table: Table,
    recordings: QuerySet[Recording],
    columns: tuple[Column, ...] = (),
    tally: Tally | None = None,
    *,
    mark: bool = False,
    unmasked: bool = False,
) -> Iterator[bytes]:
    """Yield the table as CSV (RFC 4180, UTF-8), the columns' keys as its first line, one chunk for each batch.

    `mark` puts a byte order mark first, without which Excel takes UTF-8 for something else.
    """
    columns = columns or table.columns
    kinds = [column.kind for column in columns]
    yield ((BYTE_ORDER_MARK if mark else "") + quoting.lines([[column.key] for column in columns])).encode()
    blocks = table.blocks(recordings, columns, tally or Tally(), unmasked=unmasked)
    yield from map(partial(quoting.written, kinds), blocks)  # holds no batch while the next is read


def jsonl_of(
    table: Table,
    recordings: QuerySet[Recording],
    columns: tuple[Column, ...] = (),
    tally: Tally | None = None,
    *,
    unmasked: bool = False,
) -> Iterator[bytes]:
    """Yield the table as JSON Lines: an object for each row, numbers as numbers, null where there is nothing."""
    columns = columns or table.columns
    keys = [column.key for column in columns]
    for block in table.blocks(recordings, columns, tally or Tally(), unmasked=unmasked):
        yield b"".join([line(keys, row) for row in zip(*block, strict=True)])


def line(keys: Sequence[str], row: Sequence[Any]) -> bytes:
    """Return one row as a line; a half character, which is no Unicode, becomes a question mark as it does in CSV."""
    try:
        return orjson.dumps(dict(zip(keys, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        whole = [v.encode("utf-8", "replace").decode() if isinstance(v, str) else v for v in row]
        return orjson.dumps(dict(zip(keys, whole, strict=True)), option=orjson.OPT_APPEND_NEWLINE)
