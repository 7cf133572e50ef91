"""A list of agents as a table: CSV with the columns `id`, `name` and `team`, however a spreadsheet wrote it."""

import io
from dataclasses import dataclass

from callcov_portal.reading import tables
from callcov_portal.reading.tables import NotATable, unquoted

LONGEST = {"id": 200, "name": 200, "team": 100}
REQUIRED = "id"
MOST_ROWS = 10_000
MOST_BYTES = 500_000


@dataclass(frozen=True)
class Row:
    """One line that holds an agent. `name` and `team` are None where the table has no such column. `wrong` says why not."""

    line: int
    id: str = ""
    name: str | None = None
    team: str | None = None
    wrong: str = ""


def decoded(content: bytes) -> str:
    """Return the text of a file; raises `NotATable` for one that is damaged or too large."""
    if len(content) > MOST_BYTES:
        raise NotATable(f"The file is larger than {MOST_BYTES // 1000} kB. Split it.")
    return tables.text_of(io.BytesIO(content)).read()


def read(text: str) -> list[Row]:
    """Return the rows of a table, each good or wrong. Raises `NotATable` for one without a column `id`, or too long."""
    lines = tables.lines_of(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    _, header = next(lines, (0, None))
    if header is None:
        raise NotATable("Choose a CSV file with at least one line.")
    columns = [cell.strip().casefold() for cell in header]
    if REQUIRED not in columns or len(set(columns) & set(LONGEST)) != sum(one in LONGEST for one in columns):
        raise NotATable("The first line must name the columns, each once: id, name, team.")
    found: list[Row] = []
    for line, cells in lines:
        found.append(row_of(line, dict(zip(columns, cells, strict=False))))
        if len(found) > MOST_ROWS:
            raise NotATable(f"The table has more than {MOST_ROWS:,} rows. Split it.")
    return without_repeats(found)


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
