"""A list of agents as a table: CSV with the columns `id`, `name` and `team`, however a spreadsheet wrote it."""

import csv
import io
from dataclasses import dataclass

LONGEST = {"id": 200, "name": 200, "team": 100}
REQUIRED = "id"
MOST_ROWS = 10_000
MOST_BYTES = 500_000
MARKS = "=+-@"  # a spreadsheet that opens an export would take these for the beginning of a formula


class NotARoster(ValueError):
    """The table as a whole cannot be read; says what to do in one sentence."""


@dataclass(frozen=True)
class Row:
    """One line that holds an agent. `name` and `team` are None where the table has no such column. `wrong` says why not."""

    line: int
    id: str = ""
    name: str | None = None
    team: str | None = None
    wrong: str = ""


def decoded(content: bytes) -> str:
    """Return the text of a file: UTF-8 or UTF-16 with their marks, UTF-8 without, else the old Western one of Windows.

    Raises `NotARoster` for one that is damaged or too large.
    """
    if len(content) > MOST_BYTES:
        raise NotARoster(f"The file is larger than {MOST_BYTES // 1000} kB. Split it.")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise NotARoster("The file is damaged: save it again as CSV (UTF-8).") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def read(text: str) -> list[Row]:
    """Return the rows of a table, each good or wrong. Raises `NotARoster` for one without a column `id`, or too long."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise NotARoster("Choose a CSV file with at least one line.")
    if "\0" in text:
        raise NotARoster("This is no CSV file. Save the table as CSV (UTF-8).")
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        header = next((row for row in reader if any(cell.strip() for cell in row)), [])
        columns = [cell.strip().casefold() for cell in header]
        if REQUIRED not in columns or len(set(columns) & set(LONGEST)) != sum(one in LONGEST for one in columns):
            raise NotARoster("The first line must name the columns, each once: id, name, team.")
        found: list[Row] = []
        while True:
            line = reader.line_num + 1
            cells = next(reader, None)
            if cells is None:
                return without_repeats(found)
            if any(cell.strip() for cell in cells):
                found.append(row_of(line, dict(zip(columns, cells, strict=False))))
            if len(found) > MOST_ROWS:
                raise NotARoster(f"The table has more than {MOST_ROWS:,} rows. Split it.")
    except csv.Error as error:
        raise NotARoster(f"Line {reader.line_num} cannot be read ({error}). Save the table as CSV (UTF-8).") from error


def row_of(line: int, cells: dict[str, str]) -> Row:
    """Return one line's agent, or what is wrong with it."""
    values = {name: unquoted(cells[name].strip()) for name in LONGEST if name in cells}
    wrong = ""
    if not values.get(REQUIRED):
        wrong = "There is no id."
    for name, value in values.items():
        if len(value) > LONGEST[name]:
            wrong = f"The {name} is longer than {LONGEST[name]} characters."
        elif any(not character.isprintable() for character in value):
            wrong = f"The {name} holds a line break or another sign that cannot be printed."
    return Row(line, values.get(REQUIRED, ""), values.get("name"), values.get("team"), wrong)


def unquoted(value: str) -> str:
    """Return a cell without the apostrophe that our exports put before what could be a formula."""
    return value[1:] if value.startswith("'") and value[1:2] and value[1] in MARKS else value


def without_repeats(rows: list[Row]) -> list[Row]:
    """Return the rows; one whose id stood in an earlier line, whatever its case, is wrong."""
    seen: dict[str, int] = {}
    found = []
    for row in rows:
        key = row.id.casefold()
        if row.wrong:
            found.append(row)
        elif key in seen:
            found.append(Row(row.line, row.id, row.name, row.team, f"The same id stands in line {seen[key]}."))
        else:
            seen[key] = row.line
            found.append(row)
    return found
