"""A table as an Excel workbook: written row by row, in constant memory, on as many sheets as it takes."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xlsxwriter
from django.db.models import QuerySet

from callcov_portal.exports.columns import Column
from callcov_portal.exports.table import Table, Tally
from callcov_portal.models import Recording

ROWS_OF_A_SHEET = 1_048_576  # Excel's limits, the row of keys included
LONGEST_CELL = 32_767
WIDTHS = {"text": 18, "number": 11, "time": 25, "id": 38}


def write_workbook(
    path: Path,
    table: Table,
    recordings: QuerySet[Recording],
    columns: tuple[Column, ...],
    tally: Tally,
    *,
    unmasked: bool = False,
    rows_of_a_sheet: int = ROWS_OF_A_SHEET,
) -> None:
    """Write the table to `path`. Texts are written as texts, so none is a formula.

    Excel takes 32,767 characters in a cell: of a longer text the rest is left out, and `…` says so. What is written
    meanwhile lies in the folder of `path`.
    """
    options = {"constant_memory": True, "tmpdir": str(path.parent), "use_zip64": True}
    with xlsxwriter.Workbook(str(path), options) as book:
        bold = book.add_format({"bold": True})
        sheets = sheets_of(book, table.heading, columns, bold)
        sheet, at = next(sheets), 1
        for block in table.blocks(recordings, columns, tally, unmasked=unmasked):
            for row in zip(*block, strict=True):
                if at == rows_of_a_sheet:
                    sheet, at = next(sheets), 1
                write_row(sheet, at, row)
                at += 1


def sheets_of(book: Any, heading: str, columns: tuple[Column, ...], bold: Any) -> Iterator[Any]:
    """Yield one sheet after another, each with the columns' keys in its first row."""
    number = 1
    while True:
        sheet = book.add_worksheet(heading if number == 1 else f"{heading} {number}")
        sheet.freeze_panes(1, 0)
        for at, column in enumerate(columns):
            sheet.set_column(at, at, WIDTHS[column.kind.value])
            sheet.write_string(0, at, column.key, bold)
        yield sheet
        number += 1


def write_row(sheet: Any, at: int, row: tuple[Any, ...]) -> None:
    """Write the cells of a row; nothing where there is nothing, or a number that is none."""
    for column, value in enumerate(row):
        if isinstance(value, str):
            if value:
                sheet.write_string(at, column, value if len(value) <= LONGEST_CELL else f"{value[: LONGEST_CELL - 1]}…")
        elif value is not None and math.isfinite(value):
            sheet.write_number(at, column, value)
