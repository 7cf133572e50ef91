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


def quoted(text: str) -> str:
    """Return a text as one cell."""
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if QUOTED.search(text) else text


def texts(values: Values) -> Sequence[str]:
    """Return the cells of a column of texts, guarded and quoted, each empty for None."""
    present = [value for value in values if value is not None]
    if not are_plain(present):
        return ["" if value is None else quoted(safe_text(value)) for value in values]
    return values if len(present) == len(values) else filled(values)


def are_plain(present: Sequence[Any]) -> bool:
    """Say whether all texts begin with a letter or digit, or are empty, and hold nothing that CSV must quote."""
    try:
        whole, begins = "".join(present), "".join([text[:1] for text in present])
    except TypeError:  # something that is no text
        return False
    return not whole or (begins.isalnum() and whole.isprintable() and '"' not in whole and "," not in whole)


def filled(values: Values) -> Sequence[str]:
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
