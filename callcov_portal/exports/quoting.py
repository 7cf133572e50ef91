"""Cells as CSV has them (RFC 4180), a column of a batch at a time.

`csv.writer` looks at each cell by itself, which takes longer than all else that is done to a call. Nearly always a look at
all the texts of a column in a row says that none has to be quoted or guarded.
"""

import re
from collections.abc import Sequence
from typing import Any

from callcov_portal.exports.cells import Values, safe_text
from callcov_portal.exports.columns import Kind

END = "\r\n"
QUOTED = re.compile('[",\r\n]')
BEGINS_OTHERWISE = re.compile(r",(?![^\W_]|,|$)")  # than with a letter or digit, in a column as one line


def quoted(text: str) -> str:
    """Return a text as one cell."""
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if QUOTED.search(text) else text


def texts(values: Values) -> Sequence[str]:
    """Return the cells of a column of texts, guarded and quoted, each empty for None."""
    cells = filled(values)
    return cells if are_plain(cells) else [quoted(safe_text(cell)) for cell in cells]


def are_plain(cells: Sequence[Any]) -> bool:
    """Say whether all texts begin with a letter or digit, or are empty, and hold nothing that CSV must quote."""
    try:
        line = ",".join(cells)
    except TypeError:  # something that is no text
        return False
    has_no_comma = line.count(",") == len(cells) - 1
    return has_no_comma and '"' not in line and line.isprintable() and not BEGINS_OTHERWISE.search("," + line)


def filled(values: Values) -> Sequence[Any]:
    """Return the column with empty cells for None."""
    return ["" if value is None else value for value in values] if None in values else values


def numbers(values: Values) -> Sequence[str]:
    """Return a column of numbers as cells."""
    return ["" if value is None else str(value) for value in values] if None in values else list(map(str, values))


CELLS = {Kind.TEXT: texts, Kind.NUMBER: numbers, Kind.TIME: filled, Kind.ID: filled}


def lines(columns: Sequence[Sequence[str]]) -> str:
    """Return the lines of some columns of cells; a line of one empty cell alone is quoted, or it would be none."""
    if len(columns) == 1:
        columns = [[cell or '""' for cell in columns[0]]]
    return END.join(map(",".join, zip(*columns, strict=True))) + END


def written(kinds: Sequence[Kind], columns: Sequence[Values]) -> bytes:
    """Return a batch of plain values of these kinds as lines, half characters as question marks."""
    made = [CELLS[kind](values) for kind, values in zip(kinds, columns, strict=True)]
    return lines(made).encode("utf-8", "replace")
